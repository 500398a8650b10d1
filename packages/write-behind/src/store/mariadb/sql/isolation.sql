-- What is read after the lock is what is there: see mysql/sql/session.sql.
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED
