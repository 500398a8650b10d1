/** On what it was measured. */
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';

export type Machine = Readonly<Record<string, string>>;

export function describeMachine(settings: Readonly<Record<string, string>>): Machine {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return {
    date: new Date().toISOString().slice(0, 10),
    afterwrite: version,
    processor: `${cpus()[0]?.model ?? 'unknown'}, ${String(availableParallelism())} threads`,
    memory: `${String(Math.round(totalmem() / 2 ** 30))} GiB`,
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
    ...settings,
  };
}
