/** What the engine relies on in a server of MySQL or MariaDB, read at start and told in words a person can act on. */
import { ConfigurationError } from '../../errors.ts';
import type { StoreCheck } from '../store.ts';
import type { MysqlDialect } from './dialect.ts';

export interface ServerSettings {
  readonly version: string;
  readonly sqlMode: string;
  readonly maxAllowedPacket: number;
  readonly flushLogAtCommit: number;
  readonly readOnly: number;
  readonly localInfile: number;
}

/** Escaped text and the old and new values of an audit row make a statement longer than its items. */
const STATEMENT_TO_ITEMS = 4;

type ServerRules = Pick<MysqlDialect, 'engine' | 'title' | 'isOwn' | 'oldest'>;

/** Throws ConfigurationError unless it is a server of this engine, and new enough. */
export function checkVersion(version: string, { engine, title, isOwn, oldest }: ServerRules): void {
  if (!isOwn(version)) {
    throw new ConfigurationError(`DB_ENGINE is ${engine}, but this server is ${version}.`, { version });
  }
  if (isOlder(version, oldest)) {
    throw new ConfigurationError(`${title} ${version} is too old: ${oldest.join('.')} or later is needed.`, {
      version,
    });
  }
}

export function checkSettings(
  settings: ServerSettings,
  maxBatchBytes: number,
  rules: ServerRules,
): StoreCheck {
  const { version, sqlMode, maxAllowedPacket, flushLogAtCommit } = settings;
  checkVersion(version, rules);
  if (!sqlMode.includes('STRICT_ALL_TABLES')) {
    throw new ConfigurationError(
      `sql_mode is '${sqlMode}' although strict mode was asked for: values that do not fit would be changed silently. ` +
        'See whether an init_connect or a proxy resets it.',
      { sqlMode },
    );
  }
  const needed = maxBatchBytes * STATEMENT_TO_ITEMS;
  if (maxAllowedPacket < needed) {
    throw new ConfigurationError(
      `max_allowed_packet is ${String(maxAllowedPacket)} bytes; with QUEUE_BATCH_BYTES=${String(maxBatchBytes)} a ` +
        `statement may need ${String(needed)}. Raise the one or lower the other.`,
      { maxAllowedPacket, maxBatchBytes },
    );
  }
  const warnings: string[] = [];
  if (flushLogAtCommit !== 1) {
    warnings.push(
      `innodb_flush_log_at_trx_commit is ${String(flushLogAtCommit)}: a crash of the database can lose updates that ` +
        'were reported as stored and already left the queue. Set it to 1.',
    );
  }
  if (settings.readOnly === 1)
    warnings.push(`${rules.title} is read-only: updates wait in the queue until it is not.`);
  return { version, warnings };
}

function isOlder(version: string, than: readonly number[]): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [index, least] of than.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part < least;
  }
  return false;
}
