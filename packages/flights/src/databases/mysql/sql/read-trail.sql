-- The whole trail in the order in which its rows were written: InnoDB keeps a table without a key in that order, and an
-- index that somebody added must not replace it.
SELECT flight_id, departure_old, arrival_old, departure_new, arrival_new, `user`, `comment`
FROM flight_log USE INDEX ()
