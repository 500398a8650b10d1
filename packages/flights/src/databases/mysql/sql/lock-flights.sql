-- In primary-key order, in which the ids come, so that two flushers never wait for each other in a circle. A join from the
-- ids to the rows: with IN (…) the optimizer reads, and waits for, every row of the table when the list is long, or when the
-- table's statistics are not made yet, whatever index is forced.
SELECT flight_id, flightno, `from`, `to`, departure, arrival, airline_id, airplane_id
FROM JSON_TABLE(JSON_ARRAY(?), '$[*]' COLUMNS (id BIGINT PATH '$')) AS wanted
STRAIGHT_JOIN flight FORCE INDEX (PRIMARY) ON flight.flight_id = wanted.id
FOR UPDATE OF flight
