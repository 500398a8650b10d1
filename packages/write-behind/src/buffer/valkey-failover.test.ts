/** What a real change of the server's identity does: the server renames itself, as a promoted replica does. */
import { makeTemporaryDataDir, type RunningEngine, startEngine } from '@afterwrite/local-engines';
import type { Redis } from 'iovalkey';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { uniqueName } from '../../testing/buffer-lab.ts';
import { connectionTo, connectRaw, makeValkeyBuffer } from '../../testing/buffer-valkey.ts';
import type { UpdateRequest } from './buffer.ts';
import type { ValkeyBuffer } from './valkey-buffer.ts';

const SETTINGS = {
  partitions: 1,
  cacheTtlMs: 60_000,
  missingTtlMs: 5000,
  fillLeaseMs: 60_000,
  queueMaxLength: 100,
  idempotencyTtlMs: 60_000,
  idempotencyMaxAnswers: 100,
};

const folder = makeTemporaryDataDir();
let server: RunningEngine;
let admin: Redis;
let buffer: ValkeyBuffer;

beforeAll(async () => {
  server = await startEngine('valkey', { dataDir: folder.path, args: ['--enable-debug-command', 'local'] });
  admin = connectRaw(server, false);
});
afterAll(async () => {
  await admin.quit();
  await server.stop();
  await folder.remove();
});
beforeEach(() => {
  buffer = makeValkeyBuffer(connectionTo(server, {}), SETTINGS, uniqueName());
  const opened = buffer;
  onTestFinished(() => opened.close());
});

async function failover(): Promise<void> {
  await admin.call('DEBUG', 'CHANGE-REPL-ID');
}

function update(token: string, base?: { gate: string }): UpdateRequest {
  const tail = '"115",{"gate":"B"},"ann",null]';
  return {
    id: '115',
    changes: { gate: 'B' },
    tail,
    ifVersion: undefined,
    idempotencyKey: undefined,
    token,
    base,
  };
}

describe('after a failover', () => {
  test('3 an update begins a new epoch', async () => {
    await buffer.lease('115', 't1');
    await buffer.fill('115', 't1', { gate: 'A' });
    const first = await buffer.update(update('t2'));
    await failover();
    const second = await buffer.update(update('t3'));
    if (first.kind !== 'OK' || second.kind !== 'OK') throw new Error('not accepted');
    expect(second.position.epoch).not.toBe(first.position.epoch);
    expect(second.position.seq).toBeGreaterThan(first.position.seq);
  });

  test('6 a lease that came along lets no fill in: its loader read before what was lost', async () => {
    expect(await buffer.lease('115', 'loader')).toEqual({ kind: 'LEASED' });
    await failover();
    expect(await buffer.fill('115', 'loader', { gate: 'old' })).toEqual({ kind: 'REFUSED' });
    expect(await buffer.read('115')).toBeUndefined();
  });

  test('6 nor is it good for a base', async () => {
    expect(await buffer.update(update('updater'))).toEqual({ kind: 'MISS' });
    await failover();
    expect(await buffer.update(update('updater', { gate: 'old' }))).toEqual({ kind: 'RETRY' });
    expect((await buffer.queueLengths())[0]).toBe(0);
  });
});
