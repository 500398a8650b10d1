-- Whether COPY into these columns stored what an INSERT would have: it obeys no rule, and sets a column that is always counted.
SELECT NOT c.relhasrules AND NOT EXISTS (
  SELECT FROM pg_attribute AS a
  WHERE a.attrelid = c.oid AND a.attidentity = 'a' AND a.attname = ANY ($2)
) AS "isSame"
FROM pg_class AS c
WHERE c.oid = $1::regclass
