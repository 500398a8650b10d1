/**
 * Whose data a database holds. Seeding writes only where this says EMPTY or OURS, so a flughafendb loaded from
 * its public dump is never mixed with invented flights.
 *
 * What counts is the identity of airports, airlines and airplanes under the ids the seed gives them: they are
 * written in one transaction, so either all of them are there or none is. Names, capacities and flights may have
 * been changed since, and rows may have been added under further ids.
 */
import type { SqlConnection } from '@afterwrite/write-behind';
import { airlines } from './airlines.ts';
import { airplanes } from './airplanes.ts';
import { airports } from './airports.ts';

export type Ownership =
  /** No row in airport, airline, airplane and flight. */
  | { readonly owner: 'NOBODY' }
  /** The airports, airlines and airplanes that the seed writes, all of them. */
  | { readonly owner: 'SEED' }
  /** Anything else; `difference` is the first thing that does not fit, in words. */
  | { readonly owner: 'OTHERS'; readonly difference: string };

/** A table whose row 1 + n must have `keys[n]` in `keyColumn`. */
interface ReferenceTable {
  readonly table: string;
  readonly idColumn: string;
  readonly keyColumn: string;
  readonly keys: readonly (string | number)[];
}

const referenceTables: readonly ReferenceTable[] = [
  { table: 'airport', idColumn: 'airport_id', keyColumn: 'icao', keys: airports.map((row) => row.icao) },
  { table: 'airline', idColumn: 'airline_id', keyColumn: 'iata', keys: airlines.map((row) => row.iata) },
  {
    table: 'airplane',
    idColumn: 'airplane_id',
    keyColumn: 'airline_id',
    keys: airplanes.map((row) => row.airlineId),
  },
];

/** Reads only. Three queries of at most a few hundred rows, and one that stops at the first row of each table. */
export async function ownershipOf(connection: SqlConnection): Promise<Ownership> {
  if (await allTablesEmpty(connection)) return { owner: 'NOBODY' };
  for (const reference of referenceTables) {
    const difference = await firstDifference(connection, reference);
    if (difference !== undefined) return { owner: 'OTHERS', difference };
  }
  return { owner: 'SEED' };
}

async function allTablesEmpty(connection: SqlConnection): Promise<boolean> {
  const [row] = await connection.rows<{ present: number }>(
    `SELECT CASE WHEN EXISTS (SELECT 1 FROM airport) OR EXISTS (SELECT 1 FROM airline)
         OR EXISTS (SELECT 1 FROM airplane) OR EXISTS (SELECT 1 FROM flight) THEN 1 ELSE 0 END AS present`,
  );
  return row?.present === 0;
}

interface KeyRow {
  readonly id: number;
  readonly seed_key: string | number;
}

async function firstDifference(
  connection: SqlConnection,
  { table, idColumn, keyColumn, keys }: ReferenceTable,
): Promise<string | undefined> {
  const rows = await connection.rows<KeyRow>(
    `SELECT ${idColumn} AS id, ${keyColumn} AS seed_key FROM ${table} WHERE ${idColumn} BETWEEN 1 AND ?`,
    [keys.length],
  );
  const found = new Map(rows.map((row) => [row.id, row.seed_key]));
  for (const [index, expected] of keys.entries()) {
    const id = index + 1;
    const actual = found.get(id);
    if (actual === undefined) return `${table} ${String(id)} is missing`;
    if (actual !== expected) {
      return `${table} ${String(id)} has ${keyColumn} ${String(actual)}, not ${String(expected)}`;
    }
  }
  return undefined;
}
