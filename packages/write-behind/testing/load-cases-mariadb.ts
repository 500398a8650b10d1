/** The same for tables that only MariaDB knows. */
import { type LoadCase, loadCase } from './load-cases.ts';

/** Name of the case, definition of the column, and what is put into it. */
function columnCases(columns: readonly (readonly [string, string, string])[]): LoadCase[] {
  return columns.map(([name, column, value]) =>
    loadCase(name, [`CREATE TABLE t (a INT, ${column})`], 'a, b', (i) => [i, value], { only: 'mariadb' }),
  );
}

export const mariadbLoadCases: readonly LoadCase[] = [
  ...columnCases([
    ['a UUID', 'b UUID', '123e4567-e89b-12d3-a456-426655440000'],
    ['an INET6', 'b INET6', '::1'],
    ['a compressed text', 'b VARCHAR(100) COMPRESSED', 'text'],
    ['a compressed text that is too long', 'b VARCHAR(3) COMPRESSED', 'text'],
    ['a TIMESTAMP', 'b TIMESTAMP NOT NULL', '2030-01-01 00:00:00'],
  ]),
  loadCase(
    'a default of a sequence',
    ['CREATE OR REPLACE SEQUENCE s', 'CREATE TABLE t (a INT, b INT NOT NULL DEFAULT (NEXTVAL(s)))'],
    'a',
    (i) => [i],
    { only: 'mariadb' },
  ),
  loadCase('a table with history', ['CREATE TABLE t (a INT) WITH SYSTEM VERSIONING'], 'a', (i) => [i], {
    only: 'mariadb',
  }),
  loadCase(
    'periods that overlap',
    [
      'CREATE TABLE t (a INT, b DATE NOT NULL, c DATE NOT NULL, PERIOD FOR p (b, c), UNIQUE (a, p WITHOUT OVERLAPS))',
    ],
    'a, b, c',
    (i) => [i % 119, '2030-01-01', '2030-01-02'],
    { only: 'mariadb' },
  ),
  loadCase(
    'a period that ends before it begins',
    ['CREATE TABLE t (a INT, b DATE NOT NULL, c DATE NOT NULL, PERIOD FOR p (b, c))'],
    'a, b, c',
    (i) => [i, '2030-01-02', i === 77 ? '2030-01-01' : '2030-01-03'],
    { only: 'mariadb' },
  ),
];
