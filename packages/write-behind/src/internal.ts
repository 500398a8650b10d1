/** For tests and for those who build another buffer or store: changes without notice. */
export type * from './buffer/buffer.ts';
export { Loader } from './cache/loader.ts';
export { Reader } from './cache/reader.ts';
export { checkFieldValues, parseAttribution, parseEntityId } from './entity.ts';
export { type Batch, type BatchOutcome, commitBatch } from './flusher/commit-batch.ts';
export {
  type AcceptedUpdate,
  decodeItem,
  type QueueItem,
  type QueuedUpdate,
  type UnreadableItem,
} from './item.ts';
export type * from './store/store.ts';
export { mysqlDialect } from './store/mysql/mysql.ts';
export { mysqlSqlConnection } from './store/mysql/mysql-connection.ts';
export { mariadbDialect } from './store/mariadb/mariadb.ts';
