/** Keeps passwords out of what is printed of settings; they stay fields like any other to who reads or copies them. */
import { inspect } from 'node:util';

const SECRETS = ['DB_PASSWORD', 'CACHE_PASSWORD', 'QUEUE_PASSWORD'] as const;

/** The same object, which `JSON.stringify` and `util.inspect` show without its passwords. A copy by `{...}` shows them. */
export function hideSecrets<T extends object>(settings: T): T {
  const shown = () => {
    const copy = Object.fromEntries(Object.entries(settings)) as Record<string, unknown>;
    for (const name of SECRETS) if (copy[name] !== undefined && copy[name] !== '') copy[name] = '(hidden)';
    return copy;
  };
  return Object.defineProperties(settings, { toJSON: { value: shown }, [inspect.custom]: { value: shown } });
}
