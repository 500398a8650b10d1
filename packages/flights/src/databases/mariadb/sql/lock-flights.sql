-- As MySQL's, but for OF, which MariaDB does not know.
SELECT flight_id, flightno, `from`, `to`, departure, arrival, airline_id, airplane_id
FROM JSON_TABLE(JSON_ARRAY(?), '$[*]' COLUMNS (id BIGINT PATH '$')) AS wanted
STRAIGHT_JOIN flight FORCE INDEX (PRIMARY) ON flight.flight_id = wanted.id
FOR UPDATE
