SELECT
  current_setting('server_version') AS version,
  current_setting('server_version_num')::integer AS "versionNumber",
  current_setting('server_encoding') AS encoding,
  current_setting('fsync') AS fsync,
  current_setting('full_page_writes') AS "fullPageWrites",
  current_setting('transaction_read_only') AS "readOnly",
  -- Its storage keeps pages whole by itself.
  to_regproc('aurora_version') IS NOT NULL AS "isAurora"
