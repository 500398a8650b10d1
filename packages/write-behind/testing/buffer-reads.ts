import { describe, expect, test } from 'vitest';
import type { FieldValues } from '../src/entity.ts';
import { type MakeBuffer, openLab, uniqueName, versionOf } from './buffer-lab.ts';

/** Each kind of value, and names that trip up Lua, JSON or JavaScript. Parsed, so that `__proto__` is a field. */
export const EVERY_KIND = JSON.parse(`{
  "nothing": null, "yes": true, "no": false, "zero": 0, "negative": -12.5, "small": 1e-7,
  "most": 9007199254740991, "float": 0.1, "empty": "", "digits": "007",
  "unicode": "Zürich → 東京 🛫 \\u0000 \\u2028", "controls": "a\\r\\nb\\tc", "quotes": "\\"it's\\" \\\\ %s %d",
  "long": "${'ä'.repeat(50_000)}",
  "quote\\"and\\\\backslash": "kept", "line\\nbreak": "kept", "": "no name", "ünï 東": "kept", "12": "kept",
  "__proto__": "own", "constructor": "own", "toString": null
}`) as FieldValues;

export function describeReads(make: MakeBuffer): void {
  describe('6 no stale fill', () => {
    test('a row that nobody cached is a miss', async () => {
      const { buffer } = await openLab(make);
      expect(await buffer.read('115')).toBeUndefined();
    });

    test('of many readers that miss together one is given the lease, the others how long it may take', async () => {
      const { buffer, settings } = await openLab(make);
      const replies = await Promise.all(Array.from({ length: 20 }, () => buffer.lease('115', uniqueName())));
      expect(replies.filter((reply) => reply.kind === 'LEASED')).toHaveLength(1);
      for (const reply of replies.filter((each) => each.kind !== 'LEASED')) {
        expect(reply.kind).toBe('BUSY');
        if (reply.kind !== 'BUSY') continue;
        expect(reply.leaseMs).toBeGreaterThan(settings.fillLeaseMs / 2);
        expect(reply.leaseMs).toBeLessThanOrEqual(settings.fillLeaseMs);
      }
    });

    test('a lease ends by itself, and the next reader may load', async () => {
      const { buffer, hand } = await openLab(make, { fillLeaseMs: 30 });
      expect(await buffer.lease('115', uniqueName())).toEqual({ kind: 'LEASED' });
      await expect.poll(async () => await hand.hasLease('115')).toBe(false);
      expect(await buffer.lease('115', uniqueName())).toEqual({ kind: 'LEASED' });
    });

    test('what was loaded under the lease is cached, clean, for the TTL; the lease ends', async () => {
      const { buffer, hand, settings } = await openLab(make);
      const token = uniqueName();
      await buffer.lease('115', token);
      const reply = await buffer.fill('115', token, { flightno: 'AF1' });
      expect(reply).toEqual({ kind: 'OK', version: expect.any(String) as string });
      const version = reply.kind === 'OK' ? reply.version : '';
      expect(await buffer.read('115')).toEqual({ value: { flightno: 'AF1' }, version, dirty: false });
      const ttlMs = await hand.ttlMs('115');
      expect(ttlMs).toBeGreaterThan(settings.cacheTtlMs - 5000);
      expect(ttlMs).toBeLessThanOrEqual(settings.cacheTtlMs);
      expect(await hand.hasLease('115')).toBe(false);
      expect(await buffer.lease('115', uniqueName())).toEqual({ kind: 'PRESENT' });
    });

    test('without a lease, or under another one, nothing is cached', async () => {
      const lab = await openLab(make);
      await lab.expectNothingWritten(async () => {
        expect(await lab.buffer.fill('115', uniqueName(), { flightno: 'AF1' })).toEqual({ kind: 'REFUSED' });
      });
      await lab.buffer.lease('115', 'mine');
      await lab.expectNothingWritten(async () => {
        expect(await lab.buffer.fill('115', 'other', { flightno: 'AF1' })).toEqual({ kind: 'REFUSED' });
      });
      expect(await lab.buffer.read('115')).toBeUndefined();
    });

    test('an update destroys the lease: what was read before it is refused even when the update is stored', async () => {
      const lab = await openLab(make);
      const token = uniqueName();
      expect(await lab.tryUpdate('115', { gate: 'B' }, { token })).toEqual({ kind: 'MISS' });
      const position = await lab.update('115', { gate: 'B' }, { token, base: { gate: 'A' } });
      await lab.ack([position]);
      await lab.hand.evict('115');
      expect(await lab.buffer.fill('115', token, { gate: 'A' })).toEqual({ kind: 'REFUSED' });
      expect(await lab.buffer.read('115')).toBeUndefined();
    });

    test('an update of a cached entity destroys a lease that is left over', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      await lab.hand.setLease('115', 'reader');
      const position = await lab.update('115', { gate: 'B' });
      await lab.ack([position]);
      await lab.hand.evict('115');
      expect(await lab.buffer.fill('115', 'reader', { gate: 'A' })).toEqual({ kind: 'REFUSED' });
    });

    test('while updates wait there is no lease and no fill, also when the value is gone', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      await lab.update('115', { gate: 'B' });
      await lab.hand.evict('115');
      await lab.expectNothingWritten(async () => {
        expect(await lab.buffer.lease('115', uniqueName())).toEqual({ kind: 'PENDING' });
      });
      await lab.hand.setLease('115', 'reader');
      await lab.expectNothingWritten(async () => {
        expect(await lab.buffer.fill('115', 'reader', { gate: 'A' })).toEqual({ kind: 'REFUSED' });
      });
    });

    test('a fill does not replace a value that is there', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      await lab.hand.setLease('115', 'reader');
      await lab.expectNothingWritten(async () => {
        expect(await lab.buffer.fill('115', 'reader', { gate: 'old' })).toEqual({ kind: 'REFUSED' });
      });
    });

    test('a missing row is cached, shortly', async () => {
      const lab = await openLab(make);
      const version = await lab.fill('115', undefined);
      expect(await lab.buffer.read('115')).toEqual({ value: undefined, version, dirty: false });
      expect(await lab.hand.ttlMs('115')).toBeLessThanOrEqual(lab.settings.missingTtlMs);
    });

    test('a version never names two contents: after expiry, deletion and updates too', async () => {
      const lab = await openLab(make);
      const versions: string[] = [];
      for (let round = 0; round < 5; round++) {
        versions.push(await lab.fill('115', { round }));
        await lab.hand.evict('115');
        versions.push(await lab.fill('115', undefined));
        await lab.buffer.invalidate('115');
        versions.push(await lab.fill('115', { round }));
        const position = await lab.update('115', { round: -round });
        versions.push(versionOf(position));
        await lab.ack([position]);
        await lab.hand.evict('115');
      }
      expect(new Set(versions).size).toBe(versions.length);
    });

    test('every kind of value and every field name comes back as it went in', async () => {
      const lab = await openLab(make);
      await lab.fill('115', EVERY_KIND);
      const { value } = (await lab.buffer.read('115'))!;
      expect(Object.entries(value!).sort()).toEqual(Object.entries(EVERY_KIND).sort());
    });
  });

  describe('6 invalidated', () => {
    test('a clean value goes', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      await lab.buffer.invalidate('115');
      expect(await lab.hand.ttlMs('115')).toBe('ABSENT');
    });

    test("a loader's lease is broken: what it read is refused", async () => {
      const lab = await openLab(make);
      await lab.buffer.lease('115', 'reader');
      await lab.buffer.invalidate('115');
      expect(await lab.buffer.fill('115', 'reader', { gate: 'old' })).toEqual({ kind: 'REFUSED' });
    });

    test('a dirty value reads as a miss and takes no update, but stays until its updates are stored', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      const position = await lab.update('115', { gate: 'B' });
      await lab.buffer.invalidate('115');
      expect(await lab.buffer.read('115')).toBeUndefined();
      expect(await lab.tryUpdate('115', { gate: 'C' })).toEqual({ kind: 'PENDING' });
      expect(await lab.buffer.lease('115', uniqueName())).toEqual({ kind: 'PENDING' });
      expect(await lab.hand.ttlMs('115')).toBe('NEVER');
      await lab.ack([position]);
      expect(await lab.hand.ttlMs('115')).toBe('ABSENT');
      await lab.updateFrom({ gate: 'B' }, '115', { gate: 'C' });
    });
  });

  describe('6 seized', () => {
    test('a clean value goes, and only whoever seized it may fill', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      expect(await lab.buffer.seize('115', 'writer')).toEqual({ kind: 'SEIZED' });
      expect(await lab.hand.ttlMs('115')).toBe('ABSENT');
      expect(await lab.buffer.lease('115', uniqueName())).toMatchObject({ kind: 'BUSY' });
      expect(await lab.buffer.fill('115', 'writer', { gate: 'B' })).toMatchObject({ kind: 'OK' });
      expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'B' });
    });

    test("a loader's lease and an earlier writer's are broken: what they read is refused", async () => {
      const lab = await openLab(make);
      await lab.buffer.lease('115', 'reader');
      await lab.buffer.seize('115', 'first');
      await lab.buffer.seize('115', 'second');
      for (const token of ['reader', 'first']) {
        expect(await lab.buffer.fill('115', token, { gate: 'old' })).toEqual({ kind: 'REFUSED' });
      }
      expect(await lab.buffer.fill('115', 'second', { gate: 'B' })).toMatchObject({ kind: 'OK' });
    });

    test('a dirty value reads as a miss, and what waits of it is stored before anything is filled', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      const position = await lab.update('115', { gate: 'B' });
      await lab.buffer.seize('115', 'writer');
      expect(await lab.buffer.read('115')).toBeUndefined();
      expect(await lab.hand.ttlMs('115')).toBe('NEVER');
      expect(await lab.buffer.fill('115', 'writer', { gate: 'A' })).toEqual({ kind: 'REFUSED' });
      await lab.ack([position]);
      expect(await lab.hand.ttlMs('115')).toBe('ABSENT');
    });

    test('the lease ends by itself', async () => {
      const lab = await openLab(make, { fillLeaseMs: 30 });
      // Opens the partition.
      await lab.fill('116', { gate: 'A' });
      await lab.buffer.seize('115', 'writer');
      expect(await lab.hand.hasLease('115')).toBe(true);
      await expect.poll(async () => await lab.hand.hasLease('115')).toBe(false);
    });
  });
}
