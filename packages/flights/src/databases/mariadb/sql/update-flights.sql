-- One statement for all rows of a batch, which come as a JSON text. Times stay texts until they are stored, where strict
-- mode refuses what is none; STRAIGHT_JOIN and the index: from the few new values to their rows, and to no others.
UPDATE JSON_TABLE(?, '$[*]' COLUMNS (
  flight_id INT PATH '$[0]',
  departure VARCHAR(30) PATH '$[1]',
  arrival VARCHAR(30) PATH '$[2]'
)) AS changed
STRAIGHT_JOIN flight FORCE INDEX (PRIMARY) ON flight.flight_id = changed.flight_id
SET flight.departure = changed.departure, flight.arrival = changed.arrival
