-- The whole trail in the order in which its rows were written. The table has no key: rows of one flight come from
-- transactions that followed each other under the partition's lock, each of which took its number (xmin) after the one before
-- had ended; within one statement rows lie in their order (ctid), unless space that a refused attempt left behind was used
-- again.
SELECT flight_id, departure_old, arrival_old, departure_new, arrival_new, "user", "comment"
FROM flight_log
ORDER BY age(xmin) DESC, ctid
