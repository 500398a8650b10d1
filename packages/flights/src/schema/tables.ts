/**
 * The five tables of the public flughafendb that flights are read from and written to, described once for every database.
 * No column is added to them: whatever works on these tables works on the public ones.
 */
export type ColumnType =
  /** 16 and 32 bits, signed. */
  | { readonly kind: 'smallint' | 'int' }
  /** 24 bits, unsigned. */
  | { readonly kind: 'mediumint unsigned' }
  /** At most so many characters; CHAR in the public schema, which gives them out without blanks at the end. */
  | { readonly kind: 'char' | 'varchar'; readonly length: number }
  /** Whole seconds, UTC. */
  | { readonly kind: 'datetime' };

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable?: boolean;
  /** Counted by the database where it is not given. */
  readonly counted?: boolean;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly primaryKey?: string;
  /** Index by name. */
  readonly unique?: Readonly<Record<string, string>>;
  readonly indexes?: Readonly<Record<string, string>>;
  /** Constraint: column, and the table whose primary key it refers to. */
  readonly foreignKeys?: Readonly<Record<string, readonly [column: string, table: string]>>;
}

/** Makes the statements of a database. */
export interface SqlDialect {
  /** Statements that make the table where it is missing. */
  createTable(table: Table, tables: readonly Table[]): readonly string[];
}

const smallint: ColumnType = { kind: 'smallint' };
const int: ColumnType = { kind: 'int' };
const datetime: ColumnType = { kind: 'datetime' };
const char = (length: number): ColumnType => ({ kind: 'char', length });
const varchar = (length: number): ColumnType => ({ kind: 'varchar', length });

/** In an order in which they can be made. */
export const tables: readonly Table[] = [
  {
    name: 'airport',
    columns: [
      { name: 'airport_id', type: smallint, counted: true },
      { name: 'iata', type: char(3), nullable: true },
      { name: 'icao', type: char(4) },
      { name: 'name', type: varchar(50) },
    ],
    primaryKey: 'airport_id',
    unique: { icao_unq: 'icao' },
  },
  {
    name: 'airline',
    columns: [
      { name: 'airline_id', type: smallint, counted: true },
      { name: 'iata', type: char(2) },
      { name: 'airlinename', type: varchar(30), nullable: true },
      { name: 'base_airport', type: smallint },
    ],
    primaryKey: 'airline_id',
    unique: { iata_unq: 'iata' },
    indexes: { base_airport_idx: 'base_airport' },
    foreignKeys: { airline_ibfk_1: ['base_airport', 'airport'] },
  },
  {
    // airline_id is an INT here and a SMALLINT in airline, as in the public schema: hence no foreign key.
    name: 'airplane',
    columns: [
      { name: 'airplane_id', type: int, counted: true },
      { name: 'capacity', type: { kind: 'mediumint unsigned' } },
      { name: 'type_id', type: int },
      { name: 'airline_id', type: int },
    ],
    primaryKey: 'airplane_id',
  },
  {
    name: 'flight',
    columns: [
      { name: 'flight_id', type: int, counted: true },
      { name: 'flightno', type: char(8) },
      { name: 'from', type: smallint },
      { name: 'to', type: smallint },
      { name: 'departure', type: datetime },
      { name: 'arrival', type: datetime },
      { name: 'airline_id', type: smallint },
      { name: 'airplane_id', type: int },
    ],
    primaryKey: 'flight_id',
    indexes: {
      from_idx: 'from',
      to_idx: 'to',
      departure_idx: 'departure',
      arrivals_idx: 'arrival',
      airline_idx: 'airline_id',
      airplane_idx: 'airplane_id',
    },
    foreignKeys: {
      flight_ibfk_1: ['from', 'airport'],
      flight_ibfk_2: ['to', 'airport'],
      flight_ibfk_3: ['airline_id', 'airline'],
      flight_ibfk_4: ['airplane_id', 'airplane'],
    },
  },
  {
    // The audit trail: one row an update, the row's values before and after it. It has no key.
    name: 'flight_log',
    columns: [
      { name: 'log_date', type: datetime },
      { name: 'user', type: varchar(100) },
      { name: 'flight_id', type: int },
      { name: 'flightno_old', type: char(8) },
      { name: 'flightno_new', type: char(8) },
      { name: 'from_old', type: smallint },
      { name: 'to_old', type: smallint },
      { name: 'from_new', type: smallint },
      { name: 'to_new', type: smallint },
      { name: 'departure_old', type: datetime },
      { name: 'arrival_old', type: datetime },
      { name: 'departure_new', type: datetime },
      { name: 'arrival_new', type: datetime },
      { name: 'airplane_id_old', type: int },
      { name: 'airplane_id_new', type: int },
      { name: 'airline_id_old', type: smallint },
      { name: 'airline_id_new', type: smallint },
      { name: 'comment', type: varchar(200), nullable: true },
    ],
  },
];
