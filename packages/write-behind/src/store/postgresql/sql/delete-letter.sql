DELETE FROM afterwrite_dead_letters WHERE letter_id = $1
