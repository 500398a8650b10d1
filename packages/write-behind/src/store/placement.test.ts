/** Every small queue against every small state of the store, by the protocol's own words. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { queuedUpdate } from '../../testing/store-items.ts';
import { decodeItem, type KnownItem, type QueuedUpdate, type UnreadableItem } from '../item.ts';
import type { Position } from '../position.ts';
import { placeItems, type PlacementInput, retiredOnTheWay } from './placement.ts';

const EPOCHS = ['a', 'b', 'c'];
const SEQS = [1, 2, 3];

const update = (epoch: string, seq: number) => queuedUpdate({ epoch, seq });
const unreadable = (text: string) => decodeItem(Buffer.from(text)) as UnreadableItem;
const damaged = (epoch: string, seq: number | string): KnownItem =>
  unreadable(`[1,"${epoch}",${seq},0,"1",{oops`);

/** The protocol's text, item by item; the store's state is what earlier items of the batch left. */
function byTheProtocol({ items, watermark, retired, seenEpoch }: PlacementInput): string[] | 'EPOCH_MOVED' {
  let { epoch, seq } = watermark;
  const finals = new Map(retired);
  const kinds: string[] = [];
  for (const item of items as readonly QueuedUpdate[]) {
    const { position } = item;
    const finalSeq = finals.get(position.epoch);
    if (position.epoch === epoch) {
      kinds.push(position.seq > seq ? 'NEW' : 'DONE');
      seq = Math.max(seq, position.seq);
    } else if (finalSeq !== undefined) {
      kinds.push(position.seq <= finalSeq ? 'DONE' : 'ABANDONED');
    } else if (watermark.epoch !== seenEpoch) {
      return 'EPOCH_MOVED';
    } else {
      finals.set(epoch, seq);
      ({ epoch, seq } = position);
      kinds.push('NEW');
    }
  }
  return kinds;
}

function* batches(length: number): Generator<QueuedUpdate[]> {
  if (length === 0) yield [];
  else
    for (const rest of batches(length - 1))
      for (const epoch of EPOCHS) for (const seq of SEQS) yield [...rest, update(epoch, seq)];
}

function* states(): Generator<Omit<PlacementInput, 'items'>> {
  const watermarks: Position[] = [
    { epoch: '', seq: 0 },
    { epoch: 'a', seq: 1 },
    { epoch: 'a', seq: 2 },
    { epoch: 'b', seq: 2 },
  ];
  const kept = [
    [],
    [['b', 1]],
    [['b', 2]],
    [['a', 2]],
    [['c', 2]],
    [
      ['a', 1],
      ['c', 3],
    ],
  ] as [string, number][][];
  for (const watermark of watermarks)
    for (const retired of kept)
      for (const seenEpoch of ['', 'a', 'b'])
        if (!retired.some(([epoch]) => epoch === watermark.epoch))
          yield { watermark, retired: new Map(retired), seenEpoch };
}

describe('placeItems', () => {
  test('says what the protocol says, for every batch of up to three items in every small state', () => {
    let cases = 0;
    const all = [0, 1, 2, 3].flatMap((length) => [...batches(length)]);
    for (const state of states())
      for (const items of all) {
        cases++;
        const expected = byTheProtocol({ items, ...state });
        const placement = placeItems({ items, ...state });
        const kinds = placement.kind === 'PLACED' ? placement.items.map(({ kind }) => kind) : placement.kind;
        // Cheaper than an assertion for each of tens of thousands.
        if (JSON.stringify(kinds) !== JSON.stringify(expected))
          expect({ state, items, kinds }).toEqual(expected);
      }
    expect(cases).toBeGreaterThan(30_000);
  });

  test('never takes the watermark back, and retires each epoch that it leaves at its last position', () => {
    const spec = fc.record({ epoch: fc.constantFrom(...EPOCHS), seq: fc.integer({ min: 1, max: 9 }) });
    const property = fc.property(
      fc.array(spec, { maxLength: 12 }),
      fc.constantFrom('', ...EPOCHS),
      fc.integer({ min: 0, max: 9 }),
      (specs, epoch, seq) => {
        const watermark = { epoch, seq };
        const items = specs.map((each) => update(each.epoch, each.seq));
        const placement = placeItems({ items, watermark, retired: new Map(), seenEpoch: epoch });
        if (placement.kind !== 'PLACED') throw new Error('nothing moved');
        let at: Position = watermark;
        const left: Position[] = [];
        for (const { kind, watermark: next, item } of placement.items) {
          if (next.epoch === at.epoch) expect(next.seq).toBeGreaterThanOrEqual(at.seq);
          else {
            expect(left.map((each) => each.epoch)).not.toContain(next.epoch);
            if (at.epoch !== '') left.push(at);
          }
          if (kind === 'NEW') expect(next).toEqual(item.position);
          else expect(next).toBe(at);
          at = next;
        }
        expect(retiredOnTheWay(watermark, placement.items)).toEqual(left);
        // Placed again after its commit, the same batch has nothing new.
        const retired = new Map(left.map((each) => [each.epoch, each.seq]));
        const again = placeItems({ items, watermark: at, retired, seenEpoch: at.epoch });
        expect(again.kind === 'PLACED' && again.items.every(({ kind }) => kind !== 'NEW')).toBe(true);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  test('takes the same item twice for one', () => {
    const item = update('a', 2);
    const placement = placeItems({
      items: [item, item],
      watermark: { epoch: 'a', seq: 1 },
      retired: new Map(),
      seenEpoch: 'a',
    });
    expect(placement).toMatchObject({ items: [{ kind: 'NEW' }, { kind: 'DONE' }] });
  });
});

describe('an unreadable item', () => {
  const at = { epoch: 'a', seq: 5 };
  const place = (items: readonly KnownItem[], seenEpoch = 'a') => {
    const placement = placeItems({ items, watermark: at, retired: new Map([['b', 9]]), seenEpoch });
    if (placement.kind !== 'PLACED') throw new Error('the epoch moved');
    return placement.items.map(({ kind, watermark }) => [kind, watermark.epoch + String(watermark.seq)]);
  };

  test.each([
    ['its head shows a seq that is next', [damaged('a', 6), update('a', 7)]],
    ['its head shows one that is far ahead', [damaged('a', 99), update('a', 7)]],
    ['its head shows one that the watermark covers', [damaged('a', 5), update('a', 7)]],
    ['its epoch is retired', [damaged('b', 2), update('a', 7)]],
    ['its epoch is unknown', [damaged('x', 2), update('a', 7)]],
    ['it has no head', [unreadable('garbage'), update('a', 7)]],
  ])('is parked and moves nothing where %s', (_why, items) => {
    expect(place(items)).toEqual([
      ['UNREADABLE', 'a5'],
      ['NEW', 'a7'],
    ]);
  });

  test('never ends an epoch, nor asks whether one may be ended', () => {
    expect(place([damaged('x', 2)], 'another')).toEqual([['UNREADABLE', 'a5']]);
  });
});
