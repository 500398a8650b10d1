-- Without locking the table: updates are logged while it is made.
ALTER TABLE flight_log ADD INDEX afterwrite_flight_date (flight_id, log_date), ALGORITHM = INPLACE, LOCK = NONE
