-- In primary-key order, so that two flushers never wait for each other in a circle: rows are sorted before they are locked.
-- A bigint, because the id of an item that is not ours may be too large for the column, and is then only missing.
SELECT flight_id, flightno, "from", "to", departure, arrival, airline_id, airplane_id
FROM flight
WHERE flight_id = ANY ($1::bigint[])
ORDER BY flight_id
FOR NO KEY UPDATE
