import { escape, raw } from 'mysql2';
import { mysqlDialect } from '../../schema/mysql-dialect.ts';
import type { FlightsDatabase } from '../database.ts';
import { flightsMapping, type WriteFlights } from '../flights-mapping.ts';
import { sql } from './sql.generated.ts';

const writeFlights: WriteFlights = async (writer, flights) => {
  const rows = flights.map(
    ({ flight_id, departure, arrival }) =>
      `ROW(${[flight_id, departure, arrival].map((value) => escape(value)).join(',')})`,
  );
  await writer.run(sql.updateFlights, [raw(rows.join(','))]);
};

export const mysqlFlights: FlightsDatabase = {
  mapping: flightsMapping(sql, writeFlights),
  dialect: mysqlDialect,
  texts: sql,
};
