/**
 * Sets up a database for a user who may do no more than the engine does: whoever runs this may create tables and users,
 * the user cannot. Statements, because the connection is the caller's.
 */
import { escape } from 'mysql2';
import { sql } from './sql.generated.ts';

export interface MysqlAccount {
  readonly user: string;
  /** As MySQL matches it; `%`: from anywhere. */
  readonly host: string;
}

/** The account that the files in `sql/` name. */
const NAMED = "'afterwrite_app'@'%'";

/** Makes the engine's tables where they are missing; run each in the database. */
export function engineTables(): readonly string[] {
  return sql.afterwrite;
}

/** Grants an existing account what the engine needs on its own tables; run each in the database, after `engineTables`. */
export function engineGrants(account: MysqlAccount): readonly string[] {
  return grantsFor(account, sql.grants);
}

/** GRANT statements that name `'afterwrite_app'@'%'`, for another account. */
export function grantsFor({ user, host }: MysqlAccount, statements: readonly string[]): readonly string[] {
  return statements.map((text) => text.replaceAll(NAMED, () => `${escape(user)}@${escape(host)}`));
}
