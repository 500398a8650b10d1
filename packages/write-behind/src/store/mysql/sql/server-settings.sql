SELECT
  VERSION() AS version,
  @@SESSION.sql_mode AS sqlMode,
  @@GLOBAL.max_allowed_packet AS maxAllowedPacket,
  @@GLOBAL.innodb_flush_log_at_trx_commit AS flushLogAtCommit,
  @@GLOBAL.read_only AS readOnly,
  @@GLOBAL.local_infile AS localInfile
