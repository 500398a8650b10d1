-- One statement for all rows of a batch. An upsert would be as fast, but fires the table's INSERT triggers and needs
-- the right to insert. STRAIGHT_JOIN: from the few new values to the rows, never the other way round.
UPDATE (VALUES ?) AS changed (flight_id, departure, arrival)
STRAIGHT_JOIN flight ON flight.flight_id = changed.flight_id
SET flight.departure = changed.departure, flight.arrival = changed.arrival
