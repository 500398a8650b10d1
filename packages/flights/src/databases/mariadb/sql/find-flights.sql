-- The public schema has no index on flightno: the table is read, once. Without IGNORE INDEX the optimizer may walk departure's
-- index from its end instead and look up each row. Where somebody has added an index on flightno it is used.
SELECT
  f.flight_id, f.flightno, f.departure, f.arrival, al.airlinename,
  dep.iata AS from_airport, arr.iata AS to_airport
FROM flight AS f IGNORE INDEX FOR ORDER BY (PRIMARY, departure_idx)
LEFT JOIN airport AS dep ON dep.airport_id = f.`from`
LEFT JOIN airport AS arr ON arr.airport_id = f.`to`
LEFT JOIN airline AS al ON al.airline_id = f.airline_id
WHERE f.flightno = ?
ORDER BY f.departure DESC, f.flight_id DESC
LIMIT ?
