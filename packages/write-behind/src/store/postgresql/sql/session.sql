-- Every connection, before anything else runs on it. SET instead of options at the start, which poolers refuse. UTC, and
-- READ COMMITTED, so that what is read after the lock is what is there. A process that froze while it holds a partition's row
-- blocks it until the server gives up on the session: hence the idle limits. A statement that nobody waits for any more ends:
-- hence statement_timeout. Rows of a batch are found by their keys: with random_page_cost as for disks that turn, the planner
-- reads tables of some ten thousand rows whole instead, which takes three times as long. A commit is on disk
-- before it is answered, because the queue lets go of its updates then. What a replica shows may be old.
SELECT
  set_config('TimeZone', 'UTC', false),
  set_config('DateStyle', 'ISO, MDY', false),
  set_config('IntervalStyle', 'postgres', false),
  set_config('extra_float_digits', '1', false),
  set_config('client_encoding', 'UTF8', false),
  set_config('standard_conforming_strings', 'on', false),
  set_config('array_nulls', 'on', false),
  set_config('synchronous_commit', COALESCE(NULLIF(current_setting('synchronous_commit'), 'off'), 'on'), false),
  set_config('default_transaction_isolation', 'read committed', false),
  set_config('random_page_cost', '1.1', false),
  set_config('lock_timeout', $1, false),
  set_config('statement_timeout', $2, false),
  set_config('idle_in_transaction_session_timeout', $3, false),
  set_config('idle_session_timeout', $3, false),
  pg_is_in_recovery() AS "isReplica"
