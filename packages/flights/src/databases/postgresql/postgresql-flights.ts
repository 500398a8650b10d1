import { postgresqlDialect } from '../../schema/postgresql-dialect.ts';
import type { FlightsDatabase } from '../database.ts';
import { flightsMapping, type WriteFlights } from '../flights-mapping.ts';
import { sql } from './sql.generated.ts';

const writeFlights: WriteFlights = async (writer, flights) => {
  const columns = [
    flights.map(({ flight_id }) => flight_id),
    flights.map(({ departure }) => departure),
    flights.map(({ arrival }) => arrival),
  ];
  await writer.run(sql.updateFlights, columns, flights.length);
};

export const postgresqlFlights: FlightsDatabase = {
  mapping: flightsMapping(sql, writeFlights),
  dialect: postgresqlDialect,
  texts: sql,
};
