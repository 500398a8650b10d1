-- In primary-key order, so that two flushers never wait for each other in a circle. The index is forced because the
-- optimizer reads, and locks, the whole table when the list is long.
SELECT flight_id, flightno, `from`, `to`, departure, arrival, airline_id, airplane_id
FROM flight FORCE INDEX (PRIMARY)
WHERE flight_id IN (?)
ORDER BY flight_id
FOR UPDATE
