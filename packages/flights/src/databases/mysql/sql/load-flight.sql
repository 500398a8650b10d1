SELECT
  f.flight_id, f.flightno, f.departure, f.arrival, f.airline_id, f.airplane_id,
  dep.iata AS from_airport, arr.iata AS to_airport, al.airlinename
FROM flight AS f
LEFT JOIN airport AS dep ON dep.airport_id = f.`from`
LEFT JOIN airport AS arr ON arr.airport_id = f.`to`
LEFT JOIN airline AS al ON al.airline_id = f.airline_id
WHERE f.flight_id = ?
