/** What a database has of its own for flights; `index.ts` names them all. */
import type { SqlMapping } from '@afterwrite/write-behind';
import type { SqlDialect } from '../schema/tables.ts';

export interface FlightsDatabase {
  readonly mapping: SqlMapping;
  readonly dialect: SqlDialect;
  readonly texts: FlightsTexts;
}

/** Texts for a `SqlConnection`: `?` stands for a value. */
export interface FlightsTexts {
  /** GRANT statements for `afterwrite_app` on the public schema's tables. */
  readonly grants: readonly string[];
  readonly findLogIndex: string;
  readonly createLogIndex: string;
  readonly readCovered: string;
  readonly readLetters: string;
  readonly readTrail: string;
  readonly readRows: string;
}
