/** Second copies on servers of its own: a replica that can be held still, and a server without a file. */
import { makeTemporaryDataDir, type RunningEngine, startEngine } from '@afterwrite/local-engines';
import { expect, onTestFinished, test } from 'vitest';
import { openLab } from '../../testing/buffer-lab.ts';
import { connectionTo, connectRaw, makeValkeyRig } from '../../testing/buffer-valkey.ts';

const TIME_MS = 10_000;
const SHORT_MS = 200;

async function start(args: readonly string[]): Promise<RunningEngine> {
  const folder = makeTemporaryDataDir();
  const server = await startEngine('valkey', { dataDir: folder.path, args });
  onTestFinished(async () => {
    await server.stop();
    await folder.remove();
  });
  return server;
}

test('3 a replica has what it was waited for, and one that stands still is not waited for for ever', async () => {
  const primary = await start([]);
  const replica = await start(['--replicaof', primary.host, String(primary.port)]);
  const raw = connectRaw(replica, false);
  onTestFinished(() => raw.disconnect());
  const lab = await openLab(makeValkeyRig(connectionTo(primary)));
  const position = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
  expect(await lab.buffer.confirm('115', position, 'replica', TIME_MS)).toBe(true);
  const [queue] = await raw.keys('*:queue');
  expect(await raw.llen(queue ?? '')).toBe(1);

  await raw.call('REPLICAOF', 'NO', 'ONE');
  const late = await lab.update('115', { gate: 'C' });
  expect(await lab.buffer.confirm('115', late, 'replica', SHORT_MS)).toBe(false);
});

test('3 a server that writes no file says so', async () => {
  const server = await start(['--appendonly', 'no']);
  const lab = await openLab(makeValkeyRig(connectionTo(server)));
  const position = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
  await expect(lab.buffer.confirm('115', position, 'aof', TIME_MS)).rejects.toMatchObject({
    code: 'BUFFER_ERROR',
    message: expect.stringContaining('appendonly is disabled') as string,
  });
});

test('3 a file that is synced each second counts only after its next sync', async () => {
  const server = await start(['--appendfsync', 'everysec']);
  const lab = await openLab(makeValkeyRig(connectionTo(server)));
  const position = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
  const startMs = performance.now();
  expect(await lab.buffer.confirm('115', position, 'aof', TIME_MS)).toBe(true);
  // WAITAOF answers when it was written: the sync may begin a second later.
  expect(performance.now() - startMs).toBeGreaterThan(1000);
});
