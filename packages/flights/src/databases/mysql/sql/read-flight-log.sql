SELECT
  log_date, user, flight_id, flightno_old, flightno_new, from_old, to_old, from_new, to_new,
  departure_old, arrival_old, departure_new, arrival_new,
  airplane_id_old, airplane_id_new, airline_id_old, airline_id_new, comment
FROM flight_log
WHERE flight_id = ? AND log_date < ?
ORDER BY log_date DESC
LIMIT ?
