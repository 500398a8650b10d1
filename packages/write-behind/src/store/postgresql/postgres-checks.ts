/** What the engine relies on in a PostgreSQL server, read at start and told in words a person can act on. */
import { ConfigurationError } from '../../errors.ts';
import type { StoreCheck } from '../store.ts';

export interface ServerSettings {
  readonly version: string;
  /** As in 150013 for 15.13. */
  readonly versionNumber: number;
  readonly encoding: string;
  readonly fsync: string;
  readonly fullPageWrites: string;
  readonly readOnly: string;
  readonly isAurora: boolean;
}

/** A session's idle limit came with it. */
const OLDEST = 14;

export function checkSettings(settings: ServerSettings): StoreCheck {
  const { version, versionNumber, encoding, isAurora } = settings;
  if (versionNumber < OLDEST * 10_000) {
    throw new ConfigurationError(`PostgreSQL ${version} is too old: ${String(OLDEST)} or later is needed.`, {
      version,
    });
  }
  if (encoding !== 'UTF8') {
    throw new ConfigurationError(
      `The database's encoding is ${encoding}, which cannot hold every text: make one with ENCODING 'UTF8'.`,
      { encoding },
    );
  }
  const losing =
    'a crash of the database can lose updates that were reported as stored and already left the queue.';
  const warnings: string[] = [];
  if (settings.fsync !== 'on' && !isAurora)
    warnings.push(`fsync is ${settings.fsync}: ${losing} Set it to on.`);
  if (settings.fullPageWrites !== 'on' && !isAurora) {
    warnings.push(
      `full_page_writes is ${settings.fullPageWrites}: a crash can leave torn pages behind, with stored updates on them. ` +
        'Set it to on.',
    );
  }
  if (settings.readOnly === 'on')
    warnings.push('PostgreSQL is read-only: updates wait in the queue until it is not.');
  return { version, warnings };
}
