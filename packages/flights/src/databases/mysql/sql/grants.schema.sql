-- What the engine's user needs on the public schema's tables: two columns of flights change, the trail only grows.
GRANT SELECT ON airport TO 'afterwrite_app'@'%';
GRANT SELECT ON airline TO 'afterwrite_app'@'%';
GRANT SELECT, UPDATE (departure, arrival) ON flight TO 'afterwrite_app'@'%';
GRANT SELECT, INSERT ON flight_log TO 'afterwrite_app'@'%';
