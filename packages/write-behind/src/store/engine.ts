/** What a database engine gives; `engines.ts` names them all. */
import type { PartitionsStore } from '../repartition/ports.ts';
import type { SqlConnection } from './sql-connection.ts';
import type { SqlMapping } from './sql-mapping.ts';
import type { StorePort } from './store.ts';

/** Where a database is, who comes, and how long anything may take. */
export interface DatabaseSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly tls: boolean;
  /** PEM text of the authorities to trust instead of the system's. */
  readonly tlsCa?: string | undefined;
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  /** Longest wait for one statement's reply. */
  readonly statementTimeoutMs: number;
  /** How long the server keeps an idle connection, and with it a frozen process's locks. */
  readonly idleTimeoutSeconds: number;
  readonly lockWaitSeconds: number;
}

/** What every row of ours begins with. */
export type Scope = readonly [namespace: string, entity: string];

export interface StoreOptions {
  readonly connection: DatabaseSettings;
  readonly entity: string;
  readonly namespace: string;
  readonly partitions: number;
  readonly mapping: SqlMapping;
  /** Names this database for good, at first use: 1 to 32 of [0-9a-z] that nobody can guess. */
  readonly uniqueName: () => string;
  /** Bytes of queue items in one batch; a statement may hold four times as much. */
  readonly maxBatchBytes: number;
}

/** The partitions' side of a store, on connections of its own. */
export interface OpenPartitions extends PartitionsStore {
  /** Makes what an older version of the code did not know. */
  migrate(): Promise<void>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Default true. Without: on the server, in no database, or in the one that every server has. */
  readonly useDatabase?: boolean;
}

export interface DatabaseEngineDefinition {
  /** As people write it. */
  readonly title: string;
  createStore(options: StoreOptions): StorePort;
  createPartitions(connection: DatabaseSettings, scope: Scope): OpenPartitions;
  /** Nothing of it waits for longer than `connectTimeoutMs` for the server; statements may take as long as they take. */
  connect(settings: DatabaseSettings, options?: ConnectOptions): Promise<SqlConnection>;
  /** What the server said that there is not, if it is that. */
  missing(error: unknown): 'DATABASE' | 'TABLE' | undefined;
  /** The statements that make the engine's own tables; safe to repeat. */
  readonly tables: readonly string[];
  /** The statements that grant `afterwrite_app` what the engine needs on them: see `SqlConnection.grant`. */
  readonly grants: readonly string[];
}
