/** Ports that others have. */
import { createServer } from 'node:net';
import type { StartSettings } from './settings.ts';

/** Runs `listen`; a port that cannot be had is told in one line with its variable. */
export async function withClearPortError<T>(variable: string, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    const { code, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string };
    const place = `${address ?? ''}:${port ?? ''}`;
    if (code === 'EADDRINUSE')
      throw new Error(`${place} is taken by another program: set ${variable} to a free port.`, {
        cause: error,
      });
    if (code === 'EACCES')
      throw new Error(`${place} is not for this user: set ${variable} to 1024 or more.`, { cause: error });
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new Error(`HOST: this machine has no address ${address ?? ''}.`, { cause: error });
    throw error;
  }
}

/** Before servers are started for nothing. The port can still be taken meanwhile. */
export async function requireFreePort({ host, port }: StartSettings): Promise<void> {
  const server = createServer();
  await withClearPortError('PORT', async () => {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  });
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
