-- Every connection, before anything else runs on it. Strict, so that a value that does not fit is an error and never
-- a changed value; UTC; READ COMMITTED, so that what is read after the lock is what is there. A frozen process that
-- holds a partition's row blocks it until the server gives up on the connection: hence the short wait_timeout. And a SELECT
-- that we have given up waiting for ends: without max_execution_time the server reads a large table on for nobody.
SET SESSION
  sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION',
  time_zone = '+00:00',
  transaction_isolation = 'READ-COMMITTED',
  autocommit = 1,
  foreign_key_checks = 1,
  unique_checks = 1,
  innodb_lock_wait_timeout = ?,
  wait_timeout = ?,
  max_execution_time = ?
