-- Any index that begins with these two columns will do, whoever made it.
SELECT s1.index_name AS name
FROM information_schema.statistics AS s1
JOIN information_schema.statistics AS s2
  ON s2.table_schema = s1.table_schema AND s2.table_name = s1.table_name AND s2.index_name = s1.index_name
WHERE s1.table_schema = DATABASE() AND s1.table_name = 'flight_log'
  AND s1.column_name = 'flight_id' AND s1.seq_in_index = 1
  AND s2.column_name = 'log_date' AND s2.seq_in_index = 2
