/**
 * In what MySQL and MariaDB differ for us. Everything else in this folder serves both, and takes one of these.
 */
import type { DatabaseEngineDefinition, DatabaseSettings } from '../engine.ts';
import type { DatabaseEngine } from '../sql-connection.ts';
import { connectMysql } from './mysql-connection.ts';
import { whatIsMissing } from './mysql-errors.ts';
import { MysqlPartitions } from './mysql-partitions.ts';
import { MysqlStore } from './mysql-store.ts';
import { sql } from './sql.generated.ts';

export interface MysqlDialect {
  readonly engine: DatabaseEngine;
  /** For messages. */
  readonly title: string;
  /** Run on every connection before anything else. */
  session(settings: DatabaseSettings): readonly Statement[];
  /** A SELECT of one row of `ServerSettings`. */
  readonly serverSettings: string;
  /** Whether this text of VERSION() is this engine's. */
  isOwn(version: string): boolean;
  readonly oldest: readonly number[];
  /** Numbers of errors after which the statement may succeed later as it is, with what they say. */
  readonly retry: ReadonlyMap<number, string>;
  /** Numbers of errors that refuse a value although their SQLSTATE is not of class 22 or 23. */
  readonly refusals: ReadonlySet<number>;
}

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

export function engineOf(dialect: MysqlDialect): DatabaseEngineDefinition {
  return {
    title: dialect.title,
    createStore: (options) => new MysqlStore(options, dialect),
    createPartitions: (connection, scope) => new MysqlPartitions(connection, scope, dialect),
    connect: (settings, options) => connectMysql(dialect, settings, options),
    missing: whatIsMissing,
    tables: sql.afterwrite,
    grants: sql.grants,
  };
}
