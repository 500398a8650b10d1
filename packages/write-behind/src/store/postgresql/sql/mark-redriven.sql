UPDATE afterwrite_dead_letters SET redriven_at = clock_timestamp() WHERE letter_id = $1
