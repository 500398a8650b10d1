import { mysqlDialect } from '../../schema/mysql-dialect.ts';
import type { FlightsDatabase } from '../database.ts';
import { flightsMapping, type WriteFlights } from '../flights-mapping.ts';
import { sql as mysql } from '../mysql/sql.generated.ts';
import { sql as own } from './sql.generated.ts';

/** Where MariaDB takes the same text, it is MySQL's. */
const sql = { ...mysql, ...own };

const writeFlights: WriteFlights = async (writer, flights) => {
  const rows = flights.map(({ flight_id, departure, arrival }) => [flight_id, departure, arrival]);
  await writer.run(sql.updateFlights, [JSON.stringify(rows)]);
};

export const mariadbFlights: FlightsDatabase = {
  mapping: flightsMapping(sql, writeFlights),
  dialect: mysqlDialect,
  texts: sql,
};
