/** What a Valkey says of itself: memory, and the time that it spent on commands, as it measures them. */
import type { RunningEngine } from '@afterwrite/local-engines';
import { Redis } from 'iovalkey';

export class ValkeyLook {
  readonly client: Redis;

  constructor({ host, port }: Pick<RunningEngine, 'host' | 'port'>) {
    this.client = new Redis({ host, port });
  }

  /** Bytes of what is stored; buffers of clients and of the append-only file come and go. */
  async usedBytes(): Promise<number> {
    const info = await this.client.info('memory');
    const figure = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    return figure('used_memory') - figure('mem_clients_normal') - figure('mem_aof_buffer');
  }

  /** Microseconds of server time that `work` took; what a script calls is within the script's time. */
  async serverUs(work: () => Promise<unknown>): Promise<number> {
    await this.client.config('RESETSTAT');
    await work();
    const spent = commandTimes(await this.client.info('commandstats'));
    const scripts = [...spent].filter(([name]) => SCRIPTS.has(name));
    const counted = scripts.length > 0 ? scripts : [...spent].filter(([name]) => !OWN.has(name));
    return counted.reduce((sum, [, us]) => sum + us, 0);
  }

  /** Resolves when no rewrite of the append-only file is under way: its child makes every write copy a page. */
  async settled(): Promise<void> {
    const untilMs = performance.now() + REWRITE_LIMIT_MS;
    while (/^aof_rewrite_(in_progress|scheduled):1/m.test(await this.client.info('persistence'))) {
      if (performance.now() > untilMs) throw new Error('Valkey is still rewriting its append-only file');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  close(): void {
    this.client.disconnect();
  }
}

/** Of gigabytes, on a slow disk. */
const REWRITE_LIMIT_MS = 120_000;
const SCRIPTS = new Set(['eval', 'evalsha', 'eval_ro', 'evalsha_ro', 'fcall', 'fcall_ro']);
const OWN = new Set(['config|resetstat', 'info']);

function commandTimes(info: string): Map<string, number> {
  return new Map(
    [...info.matchAll(/^cmdstat_([^:]+):calls=\d+,usec=(\d+)/gm)].map(([, name = '', us]) => [
      name,
      Number(us),
    ]),
  );
}
