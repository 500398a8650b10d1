SELECT flight_id, departure, arrival FROM flight
