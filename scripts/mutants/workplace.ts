/** Where a guard is taken out: a copy of the checkout, and servers that all runs in it share. Gone at the end of the work. */
import { GIVEN_SERVERS_VARIABLE, startServers } from '../../tests/support/engines-setup.ts';
import { root } from '../run.ts';
import { Copy } from './copy.ts';

export interface Workplace {
  readonly copy: Copy;
  /** By which tests find the servers. */
  readonly environment: Readonly<Record<string, string>>;
  /** Aborts when this process is told to end. */
  readonly signal: AbortSignal;
}

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Gives the exit code that the work gave, or 128 and the number of the signal that cut it short. */
export async function inWorkplace(work: (workplace: Workplace) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  let cutShort: number | undefined;
  for (const [name, exitCode] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      cutShort = exitCode;
      controller.abort();
    });
  }
  const { signal } = controller;
  const copy = new Copy(root);
  process.once('exit', () => {
    copy.remove();
  });
  try {
    const servers = await startServers();
    try {
      const environment = { [GIVEN_SERVERS_VARIABLE]: JSON.stringify(servers.places) };
      return await work({ copy, environment, signal });
    } finally {
      await servers.stop();
    }
  } catch (error) {
    if (cutShort === undefined) throw error;
    return cutShort;
  } finally {
    copy.remove();
  }
}
