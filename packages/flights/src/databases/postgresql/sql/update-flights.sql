-- One statement for all rows of a batch: ids, departures, arrivals, each an array.
UPDATE flight SET departure = changed.departure, arrival = changed.arrival
FROM unnest($1::int[], $2::timestamp[], $3::timestamp[]) AS changed (flight_id, departure, arrival)
WHERE flight.flight_id = changed.flight_id
