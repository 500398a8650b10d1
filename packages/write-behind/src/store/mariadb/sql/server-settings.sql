-- A log that is flushed in three steps at each commit (3) is as safe as one that is flushed in one (1). read_only is a
-- number, and a word from version 12 on.
SELECT
  VERSION() AS version,
  @@SESSION.sql_mode AS sqlMode,
  @@GLOBAL.max_allowed_packet AS maxAllowedPacket,
  CAST(IF(@@GLOBAL.innodb_flush_log_at_trx_commit = 3, 1, @@GLOBAL.innodb_flush_log_at_trx_commit) AS SIGNED) AS flushLogAtCommit,
  CAST(@@GLOBAL.read_only AS CHAR) NOT IN ('0', 'OFF') AS readOnly,
  @@GLOBAL.local_infile AS localInfile
