/** What lies in memcached, and what becomes of it when memcached loses, keeps, delays or brings back what it had. */
import { inject, describe, expect, onTestFinished, test, vi } from 'vitest';
import { askMemcached } from '../../../../tests/support/memcached.ts';
import { startTcpProxy, type TcpProxy } from '../../../../tests/support/tcp-proxy.ts';
import { ackOf, type BufferLab, openLab, uniqueName, versionOf } from '../../testing/buffer-lab.ts';
import { makeMemcachedBuffer, makeMemcachedRig, type MemcachedRig } from '../../testing/buffer-memcached.ts';
import { connectionTo, makeValkeyBuffer } from '../../testing/buffer-valkey.ts';
import { BufferUnavailableError } from '../errors.ts';
import { MemcachedClient } from './memcached-client.ts';
import { ValkeyLink } from './valkey-link.ts';

type Lab = BufferLab<MemcachedRig>;

const queue = connectionTo(inject('valkey'));
const memcached = inject('memcached');
const rig = makeMemcachedRig(queue, memcached);
/** A read may wait for memcached this long, and a little for this machine. */
const SHORT_MS = 200 + 300;
/** Of what memcached does not take. */
const KEPT_MS = 5000;

const hashOf = async ({ rig: { raw }, buffer }: Lab, id: string) => await raw.hgetall(buffer.cacheKey(id));

/** The entity is clean, and its value in memcached alone. */
async function stored(lab: Lab, id: string, value: Record<string, string | number>): Promise<string> {
  await lab.fill(id, { gate: 'first', size: 0 });
  const position = await lab.update(id, value);
  await lab.ack([position]);
  return versionOf(position);
}

async function behindProxy(): Promise<{ lab: Lab; proxy: TcpProxy }> {
  const proxy = await startTcpProxy(memcached);
  onTestFinished(() => proxy.close());
  const lab = await openLab(makeMemcachedRig(queue, proxy, { direct: memcached }));
  return { lab, proxy };
}

describe('6 a clean value lies in memcached, under the version that its hash has', () => {
  test.each([
    ['after a fill', async (lab: Lab) => await lab.fill('115', { gate: 'B', size: 0 })],
    ['after an ack', async (lab: Lab) => await stored(lab, '115', { gate: 'B' })],
  ])('%s', async (_when, arrange) => {
    const lab = await openLab(rig);
    const version = await arrange(lab);
    expect(await hashOf(lab, '115')).toEqual({ '~v': version, '~x': '1' });
    expect(await lab.hand.ttlMs('115')).toBeGreaterThan(lab.settings.cacheTtlMs - 5000);
    const [tag = '', value = ''] = (await lab.rig.copies.get('115'))?.split(/ (.*)/s) ?? [];
    expect(version.endsWith(tag) && tag.length > 1).toBe(true);
    expect(JSON.parse(value)).toEqual({ gate: 'B', size: 0 });
    expect(await lab.buffer.read('115')).toEqual({ value: { gate: 'B', size: 0 }, version, dirty: false });
  });

  test('5 a dirty one lies in the hash, whole, and is read without memcached', async () => {
    const lab = await openLab(rig);
    await lab.fill('115', { gate: 'A', size: 0 });
    const position = await lab.update('115', { gate: 'B' });
    await lab.rig.copies.remove('115');
    expect(await hashOf(lab, '115')).toMatchObject({ gate: '"B"', size: '0', '~d': versionOf(position) });
    expect(await lab.buffer.read('115')).toMatchObject({ value: { gate: 'B', size: 0 }, dirty: true });
  });

  test('an update of a clean one takes its value from there, and asks nobody for the row', async () => {
    const lab = await openLab(rig);
    const version = await stored(lab, '115', { gate: 'B' });
    expect((await lab.tryUpdate('115', { size: 1 }, { ifVersion: 'never-1' })).kind).toBe('CONFLICT');
    await lab.update('115', { size: 1 }, { ifVersion: version });
    expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'B', size: 1 });
  });

  test.each([
    ['with spaces', 'a b'],
    ['with controls', 'a\r\nget x\0'],
    ['long', 'x'.repeat(300)],
    ['of any alphabet', 'Zürich 東京 🛫'],
  ])('an id that is no key for memcached: %s', async (_what, id) => {
    const lab = await openLab(rig);
    await lab.fill(id, { gate: 'A' });
    await lab.fill('other', { gate: 'other' });
    expect(await lab.rig.copies.get(id)).toContain('"A"');
    expect((await lab.buffer.read(id))?.value).toEqual({ gate: 'A' });
    await lab.update(id, { gate: 'B' });
    expect((await lab.buffer.read(id))?.value).toEqual({ gate: 'B' });
  });
});

describe('6 whatever memcached lost, kept or brought back is a miss, never an old value', () => {
  test.each<[string, (lab: Lab, old: string) => Promise<unknown>]>([
    ['restarted empty', (lab) => lab.rig.copies.remove('115')],
    ['back with what it had before', (lab, old) => lab.rig.copies.set('115', old)],
    ['told an old value late', (lab, old) => lab.rig.copies.set('115', old, 3600)],
    ['damaged', (lab) => lab.rig.copies.set('115', 'nonsense')],
    [
      'with a value that is cut short',
      async (lab) => {
        await lab.rig.copies.set('115', ((await lab.rig.copies.get('115')) ?? '').slice(0, -3));
      },
    ],
    [
      'with the value of another entity',
      async (lab) => {
        const other = uniqueName();
        await lab.fill(other, { gate: 'other' });
        await lab.rig.copies.set('115', (await lab.rig.copies.get(other)) ?? '');
      },
    ],
  ])('%s', async (_how, happen) => {
    const lab = await openLab(rig);
    await lab.fill('115', { gate: 'old', size: 0 });
    const old = (await lab.rig.copies.get('115')) ?? '';
    await lab.ack([await lab.update('115', { gate: 'new' })]);
    await happen(lab, old);
    expect(await lab.buffer.look(['115'])).toEqual([{ cached: undefined, pending: false }]);
    expect(await lab.buffer.read('115')).toBeUndefined();
    await lab.fill('115', { gate: 'new', size: 0 });
    expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'new', size: 0 });
    await happen(lab, old);
    // An update is given the lease, and its base comes from the row.
    await lab.updateFrom({ gate: 'new', size: 0 }, '115', { size: 1 });
    expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'new', size: 1 });
  });

  test('what a fill left that was refused, though its token was given a lease again', async () => {
    const lab = await openLab(rig);
    await lab.buffer.lease('115', 'mine');
    await lab.buffer.invalidate('115');
    expect(await lab.buffer.fill('115', 'mine', { gate: 'old' })).toEqual({ kind: 'REFUSED' });
    const old = (await lab.rig.copies.get('115')) ?? '';
    expect(old).toContain('"old"');
    await lab.buffer.lease('115', 'mine');
    await lab.buffer.fill('115', 'mine', { gate: 'new' });
    expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'new' });
    await lab.rig.copies.set('115', old);
    expect(await lab.buffer.read('115')).toBeUndefined();
  });

  test('a set that arrives after the value has changed twice', async () => {
    const { lab, proxy } = await behindProxy();
    await proxy.set({ requests: 'HOLD' });
    // Not known to be there: the value is kept beside its version for a while.
    const version = await lab.fill('115', { gate: 'old', size: 0 });
    expect(await lab.buffer.read('115')).toEqual({ value: { gate: 'old', size: 0 }, version, dirty: false });
    const other = makeMemcachedBuffer(queue, memcached, lab.settings, namespaceOf(lab));
    onTestFinished(() => other.close());
    const reply = await other.update(lab.request('115', { gate: 'new' }));
    if (reply.kind !== 'OK') throw new Error(reply.kind);
    await other.ack(0, ackOf([reply.position]));
    expect(await lab.rig.copies.get('115')).toContain('"new"');
    await proxy.lift();
    await expect.poll(() => lab.rig.copies.get('115')).toContain('"old"');
    expect(await other.read('115')).toBeUndefined();
    expect(await other.lease('115', uniqueName())).toEqual({ kind: 'LEASED' });
  });

  test("a copy of a version that the queue's server lost is nobody's", async () => {
    const lab = await openLab(rig);
    await stored(lab, '115', { gate: 'B' });
    await lab.hand.evict('115');
    expect(await lab.buffer.read('115')).toBeUndefined();
    expect(await lab.buffer.lease('115', uniqueName())).toEqual({ kind: 'LEASED' });
  });

  test('of many that read what is gone together, one loads', async () => {
    const lab = await openLab(rig);
    await stored(lab, '115', { gate: 'B' });
    await lab.rig.copies.remove('115');
    const reads = await Promise.all(Array.from({ length: 10 }, () => lab.buffer.read('115')));
    expect(new Set(reads)).toEqual(new Set([undefined]));
    const leases = await Promise.all(Array.from({ length: 10 }, () => lab.buffer.lease('115', uniqueName())));
    expect(leases.filter(({ kind }) => kind === 'LEASED')).toHaveLength(1);
  });

  test('one who read before does not take away what was loaded since', async () => {
    const lab = await openLab(rig);
    const version = await stored(lab, '115', { gate: 'B' });
    await lab.rig.copies.remove('115');
    expect(await lab.buffer.read('115')).toBeUndefined();
    await lab.fill('115', { gate: 'B', size: 0 });
    expect(await lab.buffer.drop('115', version)).toBe(false);
    expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'B', size: 0 });
  });
});

describe('9 an ack and its copies', () => {
  test('what was loaded anew while its copy was on its way stays', async () => {
    const { lab, proxy } = await behindProxy();
    await lab.fill('115', { gate: 'A' });
    const position = await lab.update('115', { gate: 'B' });
    await proxy.set({ newcomers: 'REFUSE' });
    const other = makeMemcachedBuffer(queue, proxy, lab.settings, namespaceOf(lab));
    onTestFinished(() => other.close());
    const set = vi.spyOn(MemcachedClient.prototype, 'set').mockImplementationOnce(async () => {
      await lab.hand.evict('115');
      await other.lease('115', 'other');
      await other.fill('115', 'other', { gate: 'C' });
      return true;
    });
    onTestFinished(() => set.mockRestore());
    await lab.ack([position]);
    expect(await hashOf(lab, '115')).toMatchObject({ gate: '"C"' });
    expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'C' });
  });

  test('one that was carried out is not called failed, whatever becomes of its copies', async () => {
    const lab = await openLab(rig);
    await lab.fill('115', { gate: 'A' });
    const position = await lab.update('115', { gate: 'B' });
    const { send } = ValkeyLink.prototype;
    const strip = vi.spyOn(ValkeyLink.prototype, 'send');
    onTestFinished(() => strip.mockRestore());
    strip.mockImplementation(async function (this: ValkeyLink, command, keys, call) {
      if (command === 'strip') throw new BufferUnavailableError('cut off');
      return await send.call(this, command, keys, call);
    });
    const reply: unknown = await lab.ack([position]).catch((error: unknown) => error);
    expect(reply).toEqual({ dropped: 1, remaining: 0 });
    expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'B' });
  });
});

describe('8 a memcached that is away costs a short wait, once in a while', () => {
  test('reads, updates and acks go on; it is said once, and used again when it is back', async () => {
    const { lab, proxy } = await behindProxy();
    const others = Array.from({ length: 20 }, uniqueName);
    for (const id of ['115', ...others]) await stored(lab, id, { gate: 'B' });
    await lab.fill('116', { gate: 'A' });
    const position = await lab.update('116', { gate: 'B' });
    await proxy.set({ requests: 'SWALLOW', replies: 'SWALLOW', newcomers: 'IGNORE' });
    await expectWithin(SHORT_MS, async () => expect(await lab.buffer.read('115')).toBeUndefined());
    // Dirty: it is not asked for at all.
    await expectWithin(SHORT_MS, () => lab.buffer.read('116'));
    await expectWithin(SHORT_MS, async () => {
      for (const id of others) expect(await lab.buffer.read(id)).toBeUndefined();
    });
    await lab.fill('115', { gate: 'B', size: 0 });
    expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'B', size: 0 });
    expect(await lab.ack([position])).toEqual({ dropped: 1, remaining: 0 });
    expect((await lab.buffer.read('116'))?.value).toEqual({ gate: 'B' });
    for (const id of ['115', '116']) {
      const ttlMs = await lab.hand.ttlMs(id);
      expect(ttlMs).toBeGreaterThan(0);
      expect(ttlMs).toBeLessThanOrEqual(KEPT_MS);
    }
    await lab.update('115', { gate: 'C' });
    expect(lab.rig.warnings).toEqual([expect.stringContaining('memcached')]);
    await proxy.lift();
    proxy.cutMute();
    const last = await lab.update('115', { gate: 'D' });
    await vi.waitFor(async () => {
      const id = uniqueName();
      await lab.fill(id, { gate: 'A' });
      expect(await hashOf(lab, id)).toMatchObject({ '~x': '1' });
    }, 5000);
    await lab.ack([last]);
    expect(await hashOf(lab, '115')).toMatchObject({ '~x': '1' });
  });

  test.each([
    ['refuses', { newcomers: 'REFUSE' }],
    ['ignores', { newcomers: 'IGNORE' }],
    ['resets', { replies: 'RESET' }],
    ['cuts', { replies: 'CUT' }],
    ['is slow', { latencyMs: 400 }],
  ] as const)('one that %s who comes', async (_how, fault) => {
    const { lab, proxy } = await behindProxy();
    await stored(lab, '115', { gate: 'B' });
    await proxy.set(fault);
    proxy.cutAll();
    await expectWithin(SHORT_MS, () => lab.buffer.read('115'));
    await lab.buffer.read('115');
    const token = uniqueName();
    const { kind } = await lab.tryUpdate('115', { size: 1 }, { token });
    const base = { gate: 'B', size: 0 };
    if (kind === 'MISS') await lab.update('115', { size: 1 }, { token, base });
    expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'B', size: 1 });
  });

  test('at start it is told of, and no more', async () => {
    const proxy = await startTcpProxy(memcached);
    onTestFinished(() => proxy.close());
    await proxy.set({ newcomers: 'REFUSE' });
    const lab = await openLab(makeMemcachedRig(queue, proxy, { direct: memcached }));
    const { version, warnings, notes } = await lab.buffer.check();
    expect(version).toMatch(/^\d+\.\d+\S*, memcached away$/);
    expect(warnings).toEqual([]);
    expect(notes).toEqual([expect.stringMatching(/memcached at .* does not answer .*CACHE_HOST/)]);
    await lab.buffer.ping();
    await proxy.lift();
    const back = await lab.buffer.check();
    expect(back.version).toMatch(/, memcached 1\.\d+\.\d+$/);
    expect(back.notes).toEqual([]);
  });

  test('a value that is too large for it is kept beside its version for a while', async () => {
    const lab = await openLab(rig);
    const value = { gate: 'A', long: 'x'.repeat(1_100_000) };
    await lab.fill('115', value);
    expect((await lab.buffer.read('115'))?.value).toEqual(value);
    expect(await lab.hand.ttlMs('115')).toBeLessThanOrEqual(KEPT_MS);
    await lab.ack([await lab.update('115', { gate: 'B' })]);
    expect((await lab.buffer.read('115'))?.value).toEqual({ ...value, gate: 'B' });
    expect(await lab.hand.ttlMs('115')).toBeLessThanOrEqual(KEPT_MS);
    // The connection goes on.
    await lab.fill('116', { gate: 'A' });
    expect(await hashOf(lab, '116')).toMatchObject({ '~x': '1' });
    expect(lab.rig.warnings).toEqual([]);
  });

  test('a TTL that memcached would take for a date', async () => {
    const lab = await openLab(rig, { cacheTtlMs: 60 * 24 * 3_600_000 });
    await stored(lab, '115', { gate: 'B' });
    expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'B', size: 0 });
  });
});

describe('memcached is no more the cache: what its versions name is a miss', () => {
  test('a read, a load and an update start from the row', async () => {
    const lab = await openLab(rig);
    for (const id of ['1', '2', '3']) await stored(lab, id, { gate: 'B' });
    const plain = makeValkeyBuffer(queue, lab.settings, namespaceOf(lab));
    onTestFinished(() => plain.close());
    expect(await plain.look(['1'])).toEqual([{ cached: undefined, pending: false }]);
    expect(await plain.read('1')).toBeUndefined();
    expect(await plain.lease('1', uniqueName())).toEqual({ kind: 'LEASED' });
    const token = uniqueName();
    expect(await plain.update(lab.request('2', { size: 1 }, { token }))).toEqual({ kind: 'MISS' });
    const base = { gate: 'B', size: 0 };
    expect(await plain.update(lab.request('2', { size: 1 }, { token, base }))).toMatchObject({ kind: 'OK' });
  });
});

function namespaceOf({ buffer }: Lab): string {
  return /^\{(.*)\.flight\./.exec(buffer.cacheKey('115'))?.[1] ?? '';
}

async function expectWithin(limitMs: number, call: () => Promise<unknown>): Promise<void> {
  const startMs = performance.now();
  await call();
  expect(performance.now() - startMs).toBeLessThan(limitMs);
}

test('the server of this run is a memcached', async () => {
  expect(await askMemcached(memcached, 'version')).toMatch(/^VERSION 1\.\d+/);
});
