-- The public schema has no index on flightno: the table is read, once. Found first and sorted then: otherwise the planner may
-- walk departure's index from its end and look up each row, which takes many times as long for a number that few flights
-- have. Where somebody has added an index on flightno it is used.
WITH found AS MATERIALIZED (SELECT * FROM flight WHERE flightno = $1)
SELECT
  f.flight_id, f.flightno, f.departure, f.arrival, al.airlinename,
  dep.iata AS from_airport, arr.iata AS to_airport
FROM found AS f
LEFT JOIN airport AS dep ON dep.airport_id = f."from"
LEFT JOIN airport AS arr ON arr.airport_id = f."to"
LEFT JOIN airline AS al ON al.airline_id = f.airline_id
ORDER BY f.departure DESC, f.flight_id DESC
LIMIT $2
