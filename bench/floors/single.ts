/** Write-behind as its description has it: each queued update in a transaction of its own, of three statements. */
import type { FlightChanges } from '@afterwrite/flights';
import type { Connection, RowDataPacket } from 'mysql2/promise';

export interface SingleUpdate {
  readonly id: string;
  readonly changes: FlightChanges;
  readonly user: string;
  readonly comment: string | null;
}

const LOCK =
  'SELECT flightno, `from`, `to`, departure, arrival, airplane_id, airline_id FROM flight WHERE flight_id = ? FOR UPDATE';
const CHANGE = 'UPDATE flight SET departure = ?, arrival = ? WHERE flight_id = ?';
const LOG = 'INSERT INTO flight_log SET ?';

export async function updateAlone(connection: Connection, update: SingleUpdate): Promise<void> {
  const { id, changes, user, comment } = update;
  const departure = toDatetime(changes.departure);
  const arrival = toDatetime(changes.arrival);
  await connection.query('START TRANSACTION');
  const [[was]] = await connection.query<RowDataPacket[]>(LOCK, [id]);
  if (!was) throw new Error(`There is no flight ${id}`);
  await connection.query(CHANGE, [departure, arrival, id]);
  const row = {
    log_date: toDatetime(new Date().toISOString()),
    user,
    flight_id: id,
    flightno_old: was.flightno as string,
    flightno_new: was.flightno as string,
    from_old: was.from as number,
    to_old: was.to as number,
    from_new: was.from as number,
    to_new: was.to as number,
    departure_old: was.departure as string,
    arrival_old: was.arrival as string,
    departure_new: departure,
    arrival_new: arrival,
    airplane_id_old: was.airplane_id as number,
    airplane_id_new: was.airplane_id as number,
    airline_id_old: was.airline_id as number,
    airline_id_new: was.airline_id as number,
    comment,
  };
  await connection.query(LOG, [row]);
  await connection.query('COMMIT');
}

function toDatetime(time: string): string {
  return time.slice(0, 19).replace('T', ' ');
}
