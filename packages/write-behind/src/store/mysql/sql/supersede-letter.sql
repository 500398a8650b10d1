UPDATE afterwrite_dead_letters SET superseded = ? WHERE letter_id = ?
