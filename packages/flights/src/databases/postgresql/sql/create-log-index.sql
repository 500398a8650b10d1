-- Without locking the table: updates are logged while it is made.
CREATE INDEX CONCURRENTLY afterwrite_flight_date ON flight_log (flight_id, log_date)
