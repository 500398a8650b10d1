/** What the engine relies on in a MySQL server, read at start and told in words a person can act on. */
import { ConfigurationError } from '../../errors.ts';
import type { StoreCheck } from '../store.ts';

export interface ServerSettings {
  readonly version: string;
  readonly sqlMode: string;
  readonly maxAllowedPacket: number;
  readonly flushLogAtCommit: number;
  readonly readOnly: number;
  readonly localInfile: number;
}

/** VALUES as a table came with it. */
const OLDEST = [8, 0, 19] as const;
/** Escaped text and the old and new values of an audit row make a statement longer than its items. */
const STATEMENT_TO_ITEMS = 4;

export function checkSettings(settings: ServerSettings, maxBatchBytes: number): StoreCheck {
  const { version, sqlMode, maxAllowedPacket, flushLogAtCommit } = settings;
  if (/mariadb/i.test(version)) {
    throw new ConfigurationError(`DB_ENGINE is mysql, but this server is ${version}.`, { version });
  }
  if (isOlder(version)) {
    throw new ConfigurationError(`MySQL ${version} is too old: ${OLDEST.join('.')} or later is needed.`, {
      version,
    });
  }
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
    warnings.push('MySQL is read-only: updates wait in the queue until it is not.');
  return { version, warnings };
}

function isOlder(version: string): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [index, oldest] of OLDEST.entries()) {
    const part = parts[index] ?? 0;
    if (part !== oldest) return part < oldest;
  }
  return false;
}
