import { describe, expect, test } from 'vitest';
import { type MakeBuffer, openLab } from './buffer-lab.ts';

export function describeAnswers(make: MakeBuffer): void {
  describe('1 an idempotency key settles it', () => {
    test('the same request is answered again and queued once', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      const extra = { idempotencyKey: 'key 1' };
      const position = await lab.update('115', { gate: 'B' }, extra);
      await lab.update('115', { gate: 'C' });
      await lab.expectNothingWritten(async () => {
        expect(await lab.tryUpdate('115', { gate: 'B' }, extra)).toEqual({
          kind: 'OK',
          position,
          queueLength: 2,
          replayed: true,
        });
      });
      expect(await lab.items()).toHaveLength(2);
      expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'C' });
    });

    test('also when the update was stored since, its value is gone, and the queue is full', async () => {
      const lab = await openLab(make, { queueMaxLength: 1 });
      await lab.fill('115', { gate: 'A' });
      const extra = { idempotencyKey: 'key' };
      const position = await lab.update('115', { gate: 'B' }, extra);
      await lab.ack([position]);
      await lab.hand.evict('115');
      await lab.updateFrom({ gate: 'B' }, '115', { gate: 'C' });
      const reply = await lab.tryUpdate('115', { gate: 'B' }, extra);
      expect(reply).toEqual({ kind: 'OK', position, queueLength: 1, replayed: true });
    });

    test('of many with one key at once one is queued', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      const positions = await Promise.all(
        Array.from({ length: 20 }, () => lab.update('115', { gate: 'B' }, { idempotencyKey: 'key' })),
      );
      expect(new Set(positions.map(({ seq }) => seq)).size).toBe(1);
      expect(await lab.items()).toHaveLength(1);
    });

    test('the same request in another trace is the same request: the first trace stays', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      const position = await lab.update('115', { gate: 'B' }, { idempotencyKey: 'key', trace: 'first' });
      for (const trace of ['second', undefined]) {
        const reply = await lab.tryUpdate('115', { gate: 'B' }, { idempotencyKey: 'key', trace });
        expect(reply).toMatchObject({ kind: 'OK', position, replayed: true });
      }
      expect(await lab.items()).toMatchObject([{ kind: 'UPDATE', trace: 'first' }]);
    });

    test('another request under the same key is refused', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      await lab.update('115', { gate: 'B' }, { idempotencyKey: 'key' });
      await lab.expectNothingWritten(async () => {
        expect(await lab.tryUpdate('115', { gate: 'C' }, { idempotencyKey: 'key' })).toEqual({
          kind: 'REUSED',
        });
      });
    });

    test('a key belongs to its entity', async () => {
      const lab = await openLab(make);
      for (const id of ['115', '116']) await lab.fill(id, { gate: 'A' });
      const first = await lab.update('115', { gate: 'B' }, { idempotencyKey: 'key' });
      const second = await lab.update('116', { gate: 'B' }, { idempotencyKey: 'key' });
      expect(second).not.toEqual(first);
      expect(await lab.items()).toHaveLength(2);
    });

    test('a refused update leaves no answer', async () => {
      const lab = await openLab(make);
      const extra = { idempotencyKey: 'key', token: 'mine' };
      expect((await lab.tryUpdate('115', { gate: 'B' }, extra)).kind).toBe('MISS');
      const reply = await lab.tryUpdate('115', { gate: 'B' }, { ...extra, base: { gate: 'A' } });
      expect(reply).toMatchObject({ kind: 'OK', replayed: false });
    });

    test('keys and positions of any look are kept apart', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { count: 0 });
      const keys = ['', ' ', 'a b', 'a\nb', '115 a', 'ключ 🛫', '"', '0 0-1', 'x'.repeat(255)].slice(1);
      const positions = [];
      for (const [count, idempotencyKey] of keys.entries()) {
        positions.push(await lab.update('115', { count }, { idempotencyKey }));
      }
      for (const [count, idempotencyKey] of keys.entries()) {
        const reply = await lab.tryUpdate('115', { count }, { idempotencyKey });
        expect(reply).toMatchObject({ kind: 'OK', position: positions[count], replayed: true });
      }
    });
  });

  describe('8 answers are bounded', () => {
    test('by number: then a new key is refused, a known one answered', async () => {
      const lab = await openLab(make, { idempotencyMaxAnswers: 3 });
      await lab.fill('115', { count: 0 });
      const add = (count: number) =>
        lab.tryUpdate('115', { count }, { idempotencyKey: `key ${String(count)}` });
      for (const count of [1, 2, 3]) expect(await add(count)).toMatchObject({ kind: 'OK', replayed: false });
      await lab.expectNothingWritten(async () => {
        expect(await add(4)).toEqual({ kind: 'ANSWERS_FULL', limit: 3 });
        expect(await add(1)).toMatchObject({ kind: 'OK', replayed: true });
      });
      expect((await lab.tryUpdate('115', { count: 5 })).kind).toBe('OK');
    });

    test('by age: new answers push out those that are old enough, the oldest first', async () => {
      // Every answer is old enough for the next one.
      const lab = await openLab(make, { idempotencyTtlMs: 0, idempotencyMaxAnswers: 3 });
      await lab.fill('115', { count: 0 });
      const add = (count: number) =>
        lab.tryUpdate('115', { count }, { idempotencyKey: `key ${String(count)}` });
      for (let count = 1; count <= 10; count++) {
        expect(await add(count)).toMatchObject({ kind: 'OK', replayed: false });
        expect(await lab.hand.answers(0)).toBe(1);
      }
      expect(await add(10)).toMatchObject({ kind: 'OK', replayed: true });
      expect(await add(9)).toMatchObject({ kind: 'OK', replayed: false });
    });

    test('an answer that is young enough stays', async () => {
      const lab = await openLab(make, { idempotencyTtlMs: 60_000 });
      await lab.fill('115', { count: 0 });
      for (let count = 0; count < 10; count++) {
        await lab.update('115', { count }, { idempotencyKey: `key ${String(count)}` });
      }
      expect(await lab.hand.answers(0)).toBe(10);
    });
  });
}
