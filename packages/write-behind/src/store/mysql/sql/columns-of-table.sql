SELECT COLUMN_NAME AS name, DATA_TYPE AS type, IS_NULLABLE = 'YES' AS isNullable,
  -- What an INSERT that does not name it would fill it with.
  COLUMN_DEFAULT IS NOT NULL OR IS_NULLABLE = 'YES' OR EXTRA REGEXP 'auto_increment|GENERATED' AS isFilled
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?
