-- One statement for all rows of a batch. An upsert would be as fast, but fires the table's INSERT triggers and needs
-- the right to insert. STRAIGHT_JOIN and the index: from the few new values to their rows, and to no others.
UPDATE (VALUES ?) AS changed (flight_id, departure, arrival)
STRAIGHT_JOIN flight FORCE INDEX (PRIMARY) ON flight.flight_id = changed.flight_id
SET flight.departure = changed.departure, flight.arrival = changed.arrival
