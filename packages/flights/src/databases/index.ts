/** Flights in each database; a further one is a further line. */
import type { DatabaseEngine } from '@afterwrite/write-behind';
import type { FlightsDatabase } from './database.ts';
import { mariadbFlights } from './mariadb/mariadb-flights.ts';
import { mysqlFlights } from './mysql/mysql-flights.ts';
import { postgresqlFlights } from './postgresql/postgresql-flights.ts';

export const flightsIn: Readonly<Record<DatabaseEngine, FlightsDatabase>> = {
  mysql: mysqlFlights,
  mariadb: mariadbFlights,
  postgresql: postgresqlFlights,
};
