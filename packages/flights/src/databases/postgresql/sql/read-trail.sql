-- The whole trail, as far as the order in which its rows were written is kept: rows of one flight come from transactions that
-- followed each other under the partition's lock, each of which took its number (xmin) after the one before had ended. Within
-- one transaction they lie in any order (COPY fills up pages that have room), and only the second in which each update was
-- accepted tells: rows that have both in common are a group.
SELECT flight_id, departure_old, arrival_old, departure_new, arrival_new, "user", "comment",
  xmin::text || ' ' || log_date::text AS together
FROM flight_log
ORDER BY age(xmin) DESC, log_date
