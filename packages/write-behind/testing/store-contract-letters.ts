import { describe, expect, test } from 'vitest';
import type { NewDeadLetter, StorePort } from '../src/store/store.ts';
import type { StoreContract } from './store-contract.ts';
import { deadLetter } from './store-items.ts';

const ALL = { afterLetterId: 0, limit: 1000 };

async function park(store: StorePort, letters: readonly NewDeadLetter[], partition = 0): Promise<number> {
  return await store.transaction((transaction) => transaction.park(partition, letters));
}

async function supersede(
  store: StorePort,
  fields: Readonly<Record<string, readonly string[]>>,
  before?: number,
): Promise<void> {
  const sets = new Map(Object.entries(fields).map(([id, names]) => [id, new Set(names)]));
  await store.transaction((transaction) => transaction.supersede(0, sets, before));
}

async function supersededFields(store: StorePort): Promise<(readonly string[])[]> {
  return (await store.deadLetters(ALL)).map(({ superseded }) => superseded);
}

export function describeLetters(contract: StoreContract): void {
  describe('dead letters', () => {
    test('keep the item byte for byte, and everything about it', async () => {
      const store = await contract.openStore();
      const item = Buffer.from([0, 0xff, 0x27, 0x5c, 0x22, 0x0a, 0xc3, 0x28]);
      const letter = deadLetter({
        seq: 1_800_000_000_000_001,
        id: '7',
        changes: { size: 1, note: 'n' },
        superseded: ['note'],
        item,
        error: `it's "refused" \\ 😀`,
      });
      const startedAt = Date.now();
      expect(await park(store, [letter], 1)).toBe(1);
      const [kept, ...others] = await store.deadLetters(ALL);
      expect(others).toEqual([]);
      expect(kept).toMatchObject({
        partition: 1,
        position: { epoch: 'e1', seq: 1_800_000_000_000_001 },
        entityId: '7',
        fields: ['size', 'note'],
        superseded: ['note'],
        reason: 'REFUSED',
        error: `it's "refused" \\ 😀`,
        redriven: false,
      });
      expect(kept!.item.equals(item)).toBe(true);
      expect(kept!.parkedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
      expect(Math.abs(Date.parse(kept!.parkedAt) - startedAt)).toBeLessThan(60_000);
    });

    test('are parked once for each position', async () => {
      const store = await contract.openStore();
      expect(await park(store, [deadLetter({ seq: 1 }), deadLetter({ seq: 2 })])).toBe(2);
      expect(await park(store, [deadLetter({ seq: 2, error: 'again' }), deadLetter({ seq: 3 })])).toBe(3);
      expect(await park(store, [deadLetter({ seq: 1, epoch: 'e2' })])).toBe(4);
      expect((await store.deadLetters(ALL)).map(({ error }) => error)).not.toContain('again');
    });

    test('without a position are parked once for each content', async () => {
      const store = await contract.openStore();
      const damaged = (text: string) =>
        deadLetter({ seq: 1, position: undefined, item: Buffer.from(text), reason: 'UNREADABLE' });
      expect(await park(store, [damaged('garbage'), damaged('garbage'), damaged('rubbish')])).toBe(2);
      expect(await park(store, [damaged('garbage')])).toBe(2);
      expect(await park(store, [damaged('garbage')], 1)).toBe(1);
      expect(await store.deadLetters(ALL)).toHaveLength(3);
    });

    test('that cannot be read are parked once for each content, whatever position they show', async () => {
      const store = await contract.openStore();
      const damaged = (text: string) => deadLetter({ seq: 1, item: Buffer.from(text), reason: 'UNREADABLE' });
      expect(await park(store, [deadLetter({ seq: 1 }), damaged('a'), damaged('b'), damaged('a')])).toBe(3);
      expect(await park(store, [damaged('b')])).toBe(3);
    });

    test.each([
      ['an id that is too long', { entityId: 'x'.repeat(500) }],
      ['an id of other characters', { entityId: 'widget é 😀 \uFFFD' }],
      ['an id with a zero in it', { entityId: 'a\0b' }],
      ['a field that is no text', { fields: ['\ud800', 'a"b', '\0', '__proto__'] }],
      ['a long error', { error: '😀'.repeat(2000) }],
      ['an error cut in a character', { error: `${'x'.repeat(999)}😀` }],
      ['an error with a zero in it', { error: 'a\0b' }],
      ['an empty item', { item: Buffer.alloc(0), position: undefined }],
      ['a big item', { item: Buffer.alloc(1_000_000, 0xff) }],
    ] as [string, Partial<NewDeadLetter>][])('with %s are parked all the same', async (_what, damage) => {
      const store = await contract.openStore();
      expect(await park(store, [deadLetter({ seq: 1 }), deadLetter({ seq: 2, ...damage })])).toBe(2);
      const [, letter] = await store.deadLetters(ALL);
      expect(letter!.item.equals(damage.item ?? deadLetter({ seq: 2 }).item)).toBe(true);
    });

    test('come in pages, oldest first', async () => {
      const store = await contract.openStore();
      await park(
        store,
        [1, 2, 3, 4, 5].map((seq) => deadLetter({ seq })),
      );
      await (await contract.openStore()).transaction((other) => other.park(0, [deadLetter({ seq: 9 })]));
      const seqs: number[] = [];
      let afterLetterId = 0;
      for (;;) {
        const page = await store.deadLetters({ afterLetterId, limit: 2 });
        if (page.length === 0) break;
        expect(page.length).toBeLessThanOrEqual(2);
        seqs.push(...page.map(({ position }) => position!.seq));
        afterLetterId = page.at(-1)!.letterId;
      }
      expect(seqs).toEqual([1, 2, 3, 4, 5]);
    });

    test('of one entity come without those of others, in pages, too', async () => {
      const store = await contract.openStore();
      const letters = [1, 2, 3, 4].map((seq) => deadLetter({ seq, id: seq === 2 ? '8' : '7' }));
      await park(store, letters);
      await park(store, [deadLetter({ seq: 5, id: '7' })], 1);
      const of = { partition: 0, entityId: '7' };
      const all = await store.deadLetters({ ...ALL, of });
      expect(all.map(({ position }) => position!.seq)).toEqual([1, 3, 4]);
      const page = await store.deadLetters({ afterLetterId: all[0]!.letterId, limit: 1, of });
      expect(page).toEqual([all[1]]);
      expect(await store.deadLetters({ ...ALL, of: { partition: 0, entityId: '9' } })).toEqual([]);
    });

    test('learn which of their own fields newer updates have set', async () => {
      const store = await contract.openStore();
      const both = { size: 1, note: 'n' };
      await park(store, [
        deadLetter({ seq: 1, id: '1', changes: both }),
        deadLetter({ seq: 2, id: '1', changes: { size: 2 } }),
        deadLetter({ seq: 3, id: '2', changes: both }),
      ]);
      await supersede(store, { '1': ['note', 'name'], '9': ['size'] });
      expect(await supersededFields(store)).toEqual([['note'], [], []]);
      await supersede(store, { '1': ['size'] });
      expect(await supersededFields(store)).toEqual([['size', 'note'], ['size'], []]);
      await supersede(store, {});
      await supersede(store, { '2': ['name'] });
      expect(await supersededFields(store)).toEqual([['size', 'note'], ['size'], []]);
    });

    test('of another partition or namespace learn nothing', async () => {
      const store = await contract.openStore();
      const other = await contract.openStore();
      await park(store, [deadLetter({ seq: 1 })], 1);
      await park(other, [deadLetter({ seq: 1 })]);
      await supersede(store, { '1': ['size'] });
      expect([...(await supersededFields(store)), ...(await supersededFields(other))]).toEqual([[], []]);
    });

    test('learn it only below `before`, where that is given', async () => {
      const store = await contract.openStore();
      await park(
        store,
        [1, 2, 3].map((seq) => deadLetter({ seq })),
      );
      const letters = await store.deadLetters(ALL);
      await supersede(store, { '1': ['size'] }, letters[1]!.letterId);
      expect(await supersededFields(store)).toEqual([['size'], [], []]);
    });

    test('are locked, marked and deleted one by one', async () => {
      const store = await contract.openStore();
      await park(store, [deadLetter({ seq: 1 }), deadLetter({ seq: 2 })]);
      const [first, second] = await store.deadLetters(ALL);
      await store.transaction(async (transaction) => {
        expect(await transaction.lockLetter(first!.letterId)).toEqual(first);
        await transaction.markRedriven(first!.letterId);
      });
      await supersede(store, { '1': ['size'] });
      const [marked, other] = await store.deadLetters(ALL);
      // What is stored already is not superseded any more.
      expect(marked).toEqual({ ...first, redriven: true });
      expect(other).toEqual({ ...second, superseded: ['size'] });
      await store.transaction((transaction) => transaction.deleteLetter(first!.letterId));
      await store.transaction(async (transaction) => {
        expect(await transaction.lockLetter(first!.letterId)).toBeUndefined();
        expect(await transaction.lockLetter(second!.letterId)).toBeDefined();
      });
      expect(await store.deadLetters(ALL)).toHaveLength(1);
    });

    test('of another namespace are not found', async () => {
      const store = await contract.openStore();
      await park(store, [deadLetter({ seq: 1 })]);
      const [letter] = await store.deadLetters(ALL);
      const other = await contract.openStore();
      const found = await other.transaction((transaction) => transaction.lockLetter(letter!.letterId));
      expect(found).toBeUndefined();
    });
  });
}
