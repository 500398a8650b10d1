UPDATE afterwrite_dead_letters SET redriven_at = UTC_TIMESTAMP(6) WHERE letter_id = ?
