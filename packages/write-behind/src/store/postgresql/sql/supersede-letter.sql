UPDATE afterwrite_dead_letters SET superseded = $1 WHERE letter_id = $2
