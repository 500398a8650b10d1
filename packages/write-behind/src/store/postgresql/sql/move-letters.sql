-- To where the updates of their entities go now: $4 entities and $5 their partitions of the new number $3. One that shows no
-- entity stays where it is, if there is such a place. An item that nobody can read may have been parked in two partitions: one
-- of them goes, and the others stay where they are.
UPDATE afterwrite_dead_letters AS moving SET partition_no = placed.target
FROM (
  SELECT letter_id, target, row_number() OVER (
    PARTITION BY target, epoch, seq, digest ORDER BY partition_no = target DESC, letter_id
  ) AS turn
  FROM (
    SELECT
      d.letter_id, d.partition_no, d.epoch, d.seq, d.digest,
      COALESCE(t.target, CASE WHEN d.partition_no < $3::integer THEN d.partition_no ELSE 0 END) AS target
    FROM afterwrite_dead_letters AS d
    LEFT JOIN unnest($4::text[], $5::integer[]) AS t (entity_id, target) ON t.entity_id = d.entity_id
    WHERE d.namespace = $1 AND d.entity = $2
  ) AS aimed
) AS placed
WHERE moving.letter_id = placed.letter_id AND placed.turn = 1 AND moving.partition_no <> placed.target
