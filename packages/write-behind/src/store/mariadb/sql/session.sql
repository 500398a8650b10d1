-- As on MySQL (mysql/sql/session.sql), and check constraints hold, which this server may be told to ignore.
-- max_statement_time is in seconds, and ends every statement, not only a SELECT.
SET SESSION
  sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION',
  time_zone = '+00:00',
  autocommit = 1,
  foreign_key_checks = 1,
  unique_checks = 1,
  check_constraint_checks = 1,
  innodb_lock_wait_timeout = ?,
  wait_timeout = ?,
  max_statement_time = ? / 1000
