/** What a lost connection, a silent server and none at all mean to the caller, on one server and on a cluster. */
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { makeTemporaryDataDir, type RunningEngine, startEngine } from '@afterwrite/local-engines';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { openLab, uniqueName, versionOf } from '../../testing/buffer-lab.ts';
import { connectionTo, connectRaw, makeValkeyBuffer, makeValkeyRig } from '../../testing/buffer-valkey.ts';
import { commandCounter } from '../../../../tests/support/resp-commands.ts';
import { startTcpProxy, type TcpProxy } from '../../../../tests/support/tcp-proxy.ts';
import { BufferUnavailableError, OutcomeUnknownError } from '../errors.ts';

const HOST = '127.0.0.1';
const CONNECT_TIMEOUT_MS = 300;
const SETTINGS = {
  partitions: 1,
  cacheTtlMs: 60_000,
  missingTtlMs: 5000,
  fillLeaseMs: 5000,
  queueMaxLength: 100,
  idempotencyTtlMs: 60_000,
  idempotencyMaxAnswers: 100,
};

describe.each([{ cluster: false }, { cluster: true }])('behind a proxy, cluster: $cluster', ({ cluster }) => {
  const folder = makeTemporaryDataDir();
  const commands: string[] = [];
  let proxy: TcpProxy;
  let own: RunningEngine | undefined;

  beforeAll(async () => {
    proxy = await startTcpProxy(undefined, { watch: () => commandCounter((name) => commands.push(name)) });
    if (!cluster) {
      proxy.target = inject('valkey');
      return;
    }
    // A cluster of one whose node gives the proxy's address as its own, so that every connection passes there.
    const args = ['--cluster-enabled', 'yes', '--cluster-announce-ip', HOST];
    const announce = ['--cluster-announce-port', String(proxy.port), '--cluster-announce-tls-port', '0'];
    own = await startEngine('valkey', { dataDir: folder.path, args: [...args, ...announce] });
    proxy.target = own;
    const admin = connectRaw(own, false);
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await vi.waitFor(
      async () => expect(await admin.call('CLUSTER', 'INFO')).toContain('cluster_state:ok'),
      10_000,
    );
    await admin.quit();
  });
  afterAll(async () => {
    await proxy.close();
    await own?.stop();
    await folder.remove();
  });
  beforeEach(() => proxy.lift());

  /** The buffer passes the proxy, the hand does not. */
  const make = (extra = {}) =>
    makeValkeyRig(connectionTo({ host: HOST, port: proxy.port }, { cluster, ...extra }), proxy.target);

  /** Calls with every reply to them swallowed and the connection cut, and gives the errors. */
  async function whileCut(calls: () => Promise<unknown>[]): Promise<unknown[]> {
    await proxy.set({ replies: 'CUT' });
    const results = await Promise.allSettled(calls());
    await proxy.lift();
    return results.map((result): unknown => (result.status === 'rejected' ? result.reason : result));
  }

  describe('1 a lost reply is an unknown outcome, and nothing is sent twice', () => {
    test('each of the updates that were sent together', async () => {
      const lab = await openLab(make());
      const ids = ['1', '2', '3'];
      for (const id of ids) await lab.fill(id, { gate: 'A' });
      const errors = await whileCut(() => ids.map((id) => lab.tryUpdate(id, { gate: 'B' })));
      expect(errors).toHaveLength(3);
      for (const error of errors) expect(error).toBeInstanceOf(OutcomeUnknownError);
      // Connected again, as this read shows, and resent commands would be there by now.
      expect((await lab.buffer.read('1'))?.value).toEqual({ gate: 'B' });
      expect(await lab.hand.items(0)).toHaveLength(3);
    });

    test('an update that was carried out; the same idempotency key settles it', async () => {
      const lab = await openLab(make());
      await lab.fill('115', { gate: 'A' });
      const extra = { idempotencyKey: 'key' };
      const [error] = await whileCut(() => [lab.tryUpdate('115', { gate: 'B' }, extra)]);
      expect(error).toBeInstanceOf(OutcomeUnknownError);
      expect(error).toMatchObject({
        code: 'OUTCOME_UNKNOWN',
        retryable: true,
        context: { command: 'update' },
      });
      // Connected again, as this read shows, and a resent command would be there by now.
      const { version } = (await lab.buffer.read('115'))!;
      expect(await lab.hand.items(0)).toHaveLength(1);
      const reply = await lab.tryUpdate('115', { gate: 'B' }, extra);
      expect(reply).toMatchObject({ kind: 'OK', replayed: true, queueLength: 1 });
      expect(reply.kind === 'OK' && versionOf(reply.position)).toBe(version);
    });

    test('many updates in flight: each of them once', async () => {
      const lab = await openLab(make());
      await lab.fill('115', { count: 0 });
      const counts = Array.from({ length: 10 }, (_, at) => at + 1);
      const errors = await whileCut(() => counts.map((count) => lab.tryUpdate('115', { count })));
      for (const error of errors) expect(error).toBeInstanceOf(OutcomeUnknownError);
      await lab.buffer.read('115');
      const items = await lab.items();
      expect(items.map((item) => item.kind === 'UPDATE' && item.changes.count)).toEqual(counts);
    });

    test('an ack: it is carried out, and its repetition is harmless', async () => {
      const lab = await openLab(make());
      const position = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      const [error] = await whileCut(() => [lab.ack([position])]);
      expect(error).toBeInstanceOf(OutcomeUnknownError);
      expect(await lab.ack([position])).toEqual({ dropped: 0, remaining: 0 });
    });

    test('a server that does not answer in time', async () => {
      const lab = await openLab(make({ commandTimeoutMs: 100 }));
      await lab.fill('115', { gate: 'A' });
      await proxy.set({ replies: 'HOLD' });
      await expect(lab.tryUpdate('115', { gate: 'B' })).rejects.toBeInstanceOf(OutcomeUnknownError);
      await proxy.lift();
      await expect.poll(() => lab.hand.items(0)).toHaveLength(1);
      await vi.waitFor(() => lab.buffer.ping(), 5000);
    });

    test('a server that is gone without a word: its connection is replaced, not asked again and again', async () => {
      const lab = await openLab(make({ commandTimeoutMs: 100 }));
      await lab.fill('115', { gate: 'A' });
      await proxy.set({ replies: 'HOLD' });
      await expect(lab.buffer.read('115')).rejects.toBeInstanceOf(OutcomeUnknownError);
      // Only connections made from now on are answered.
      await proxy.set({ replies: 'SWALLOW' });
      await proxy.lift();
      await vi.waitFor(() => lab.buffer.ping(), 5000);
      await lab.update('115', { gate: 'B' });
      expect(await lab.hand.items(0)).toHaveLength(1);
      proxy.cutMute();
    });

    test('cut while idle: the next call connects again', async () => {
      const lab = await openLab(make());
      await lab.fill('115', { gate: 'A' });
      for (let round = 1; round <= 3; round++) {
        proxy.cutAll();
        await vi.waitFor(async () => {
          // A command may still be written to a socket whose end was not noticed yet.
          expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'A' });
        }, 5000);
      }
      await lab.update('115', { gate: 'B' });
      expect(await lab.hand.items(0)).toHaveLength(1);
    });

    test('cut just before everything is to be deleted: it is, or the call says that it is not', async () => {
      const lab = await openLab(make());
      for (let round = 1; round <= 5; round++) {
        await vi.waitFor(() => lab.fill('115', { gate: 'A' }), 5000);
        proxy.cutAll();
        const deleted = await lab.buffer.deleteAll().catch((error: unknown) => error);
        if (deleted instanceof Error) expect(deleted).toMatchObject({ retryable: true });
        else expect(deleted).toBe(2);
        await vi.waitFor(() => lab.buffer.deleteAll(), 5000);
        expect((await lab.hand.dump()).size).toBe(0);
      }
    });
  });

  describe('8 one round trip', () => {
    test('read and update of a cached entity are one command each, from the first call on', async () => {
      const lab = await openLab(make());
      await lab.fill('115', { gate: 'A' });
      const sent = async (call: () => Promise<unknown>) => {
        const from = commands.length;
        await call();
        return commands.slice(from);
      };
      expect(await sent(() => lab.buffer.read('115'))).toEqual(['HGETALL']);
      // A connection's first call carries the script, later ones its digest.
      expect(await sent(() => lab.update('115', { gate: 'B' }))).toEqual(['EVAL']);
      expect(await sent(() => lab.update('115', { gate: 'C' }))).toEqual(['EVALSHA']);
      expect(await sent(() => lab.update('115', { gate: 'D' }, { idempotencyKey: 'k' }))).toEqual([
        'EVALSHA',
      ]);
      expect(await sent(() => lab.buffer.read('115'))).toEqual(['HGETALL']);
    });

    test('the server forgets its scripts: they are sent again', async () => {
      const lab = await openLab(make());
      await lab.fill('115', { gate: 'A' });
      await lab.update('115', { gate: 'B' });
      await lab.rig.raw.script('FLUSH');
      await lab.update('115', { gate: 'C' });
      expect(await lab.items()).toHaveLength(2);
    });
  });
});

describe.each([{ cluster: false }, { cluster: true }])('8 no server, cluster: $cluster', ({ cluster }) => {
  async function expectRefused(port: number): Promise<void> {
    const limits = { cluster, connectTimeoutMs: CONNECT_TIMEOUT_MS, commandTimeoutMs: CONNECT_TIMEOUT_MS };
    const buffer = makeValkeyBuffer(connectionTo({ host: HOST, port }, limits), SETTINGS, uniqueName());
    onTestFinished(() => buffer.close());
    const update = (id: string) =>
      buffer.update({
        ...{ id, changes: {}, tail: '', token: uniqueName() },
        ...{ ifVersion: undefined, idempotencyKey: undefined, base: undefined },
      });
    // The second is gathered while the first waits for the connection.
    const updates = async () => {
      const first = update('1');
      await setImmediate();
      const results = await Promise.allSettled([first, update('2')]);
      for (const result of results) expect(result.status).toBe('rejected');
      await first;
    };
    const calls = [() => buffer.open(), () => buffer.read('115'), () => buffer.ping(), updates];
    for (const call of calls) {
      const startMs = performance.now();
      await expect(call()).rejects.toBeInstanceOf(BufferUnavailableError);
      expect(performance.now() - startMs).toBeLessThan(CONNECT_TIMEOUT_MS + 200);
    }
    await expect(buffer.open()).rejects.toThrow(`${HOST}:${String(port)}`);
    await buffer.close();
    await expect(buffer.read('115')).rejects.toBeInstanceOf(BufferUnavailableError);
  }

  test('nobody listens: refused as unavailable, within the limit', async () => {
    const server = createServer().listen(0, HOST);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    await expectRefused(port);
  });

  test('somebody listens and says nothing: the same', async () => {
    const proxy = await startTcpProxy(inject('valkey'));
    await proxy.set({ replies: 'HOLD' });
    onTestFinished(() => proxy.close());
    await expectRefused(proxy.port);
  });
});
