/** Tables in MySQL and MariaDB. */
import type { Column, ColumnType, SqlDialect, Table } from './tables.ts';

export const mysqlDialect: SqlDialect = {
  createTable: (table, tables) => [
    `CREATE TABLE IF NOT EXISTS ${quote(table.name)} (\n  ${partsOf(table, tables).join(',\n  ')}\n) ` +
      'ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci',
  ],
};

function partsOf(table: Table, tables: readonly Table[]): string[] {
  const { columns, primaryKey, unique = {}, indexes = {}, foreignKeys = {} } = table;
  const keyOf = (name: string) => tables.find((other) => other.name === name)?.primaryKey ?? '';
  return [
    ...columns.map(columnText),
    ...(primaryKey === undefined ? [] : [`PRIMARY KEY (${quote(primaryKey)})`]),
    ...Object.entries(unique).map(([name, column]) => `UNIQUE KEY ${name} (${quote(column)})`),
    ...Object.entries(indexes).map(([name, column]) => `KEY ${name} (${quote(column)})`),
    ...Object.entries(foreignKeys).map(
      ([name, [column, other]]) =>
        `CONSTRAINT ${name} FOREIGN KEY (${quote(column)}) REFERENCES ${quote(other)} (${quote(keyOf(other))})`,
    ),
  ];
}

function columnText({ name, type, nullable = false, counted = false }: Column): string {
  return `${quote(name)} ${typeText(type)} ${nullable ? 'NULL' : 'NOT NULL'}${counted ? ' AUTO_INCREMENT' : ''}`;
}

function typeText(type: ColumnType): string {
  return 'length' in type ? `${type.kind}(${String(type.length)})` : type.kind;
}

function quote(name: string): string {
  return `\`${name}\``;
}
