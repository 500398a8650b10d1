-- The rows of insert-flight-log.sql as a text, which the server reads in a third of the time.
LOAD DATA LOCAL INFILE 'rows' INTO TABLE flight_log CHARACTER SET utf8mb4
FIELDS TERMINATED BY '\t' ENCLOSED BY '' ESCAPED BY '\\'
LINES STARTING BY '' TERMINATED BY '\n' (
  log_date, user, flight_id, flightno_old, flightno_new, from_old, to_old, from_new, to_new,
  departure_old, arrival_old, departure_new, arrival_new,
  airplane_id_old, airplane_id_new, airline_id_old, airline_id_new, comment
)
