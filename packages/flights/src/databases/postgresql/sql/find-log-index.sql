-- Any whole index that begins with these two columns will do, whoever made it.
SELECT i.indexrelid::regclass::text AS name
FROM pg_index AS i
JOIN pg_attribute AS a1 ON a1.attrelid = i.indrelid AND a1.attnum = i.indkey[0]
JOIN pg_attribute AS a2 ON a2.attrelid = i.indrelid AND a2.attnum = i.indkey[1]
WHERE i.indrelid = 'flight_log'::regclass AND i.indisvalid AND i.indpred IS NULL
  AND a1.attname = 'flight_id' AND a2.attname = 'log_date'
