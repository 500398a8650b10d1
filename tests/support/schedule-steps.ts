/**
 * Random schedules: single steps, and scenarios in which a missing guard would show, with other steps between theirs.
 * The scenarios are the shortest counterexamples known for each guard, cut down to what leads there.
 */
import fc from 'fast-check';
import { FIELDS, type Field } from './widgets.ts';

export const IDS = ['1', '2'] as const;

interface Change {
  readonly id: string;
  readonly field: Field;
  /** The database refuses it until the cause is mended. */
  readonly bad: boolean;
}

export type Step =
  | ({ readonly do: 'update' } & Change)
  | { readonly do: 'read' | 'evict' | 'operatorDeletes' | 'expireLease'; readonly id: string }
  /** An update or a read in slow motion: asks, loads the row, comes back with it. */
  | ({ readonly do: 'ask'; readonly who: number } & Change)
  | { readonly do: 'lease'; readonly who: number; readonly id: string }
  | { readonly do: 'load' | 'comeBack'; readonly who: number }
  /** A flush; with `crash` it ends between commit and ack. */
  | { readonly do: 'flush' | 'crash'; readonly size: number }
  /** A flusher in slow motion. */
  | { readonly do: 'peek'; readonly who: number; readonly size: number }
  | { readonly do: 'readEpoch' | 'commit' | 'ack'; readonly who: number }
  /** Back to what the buffer held so many steps ago. */
  | { readonly do: 'loseWrites'; readonly steps: number }
  | { readonly do: 'failover' | 'empty' | 'clockBack' | 'mend' | 'breakAgain' }
  /** `newestFirst`: the newest letter by itself, before all the others. */
  | { readonly do: 'redrive'; readonly newestFirst: boolean };

const ALL = 9;
const id = fc.constantFrom(...IDS);
const field = fc.constantFrom(...FIELDS);
const who = fc.nat(1);
const size = fc.integer({ min: 1, max: 3 });
const bad = fc.integer({ min: 0, max: 4 }).map((n) => n === 4);
const steps = fc.integer({ min: 1, max: 6 });

const redrive: fc.Arbitrary<Step> = fc.record({ do: fc.constant('redrive'), newestFirst: fc.boolean() });

const is = <Name extends string>(name: Name) => fc.constant(name);
const single: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: is('update'), id, field, bad }) },
  { weight: 3, arbitrary: fc.record({ do: is('ask'), who, id, field, bad }) },
  { weight: 3, arbitrary: fc.record({ do: is('lease'), who, id }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('load' as const, 'comeBack' as const), who }) },
  { weight: 4, arbitrary: fc.record({ do: is('read'), id }) },
  { weight: 5, arbitrary: fc.record({ do: is('flush'), size: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ do: is('crash'), size }) },
  { weight: 3, arbitrary: fc.record({ do: is('peek'), who, size }) },
  { weight: 1, arbitrary: fc.record({ do: is('readEpoch'), who }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('commit' as const, 'ack' as const), who }) },
  { weight: 3, arbitrary: fc.record({ do: is('evict'), id }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('operatorDeletes' as const, 'expireLease' as const), id }),
  },
  { weight: 3, arbitrary: fc.record({ do: is('loseWrites'), steps }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('failover', 'empty', 'clockBack', 'mend', 'breakAgain') }),
  },
  { weight: 2, arbitrary: redrive },
);

interface Cast {
  readonly id: string;
  readonly other: string;
  readonly field: Field;
  readonly second: Field;
  readonly who: number;
  readonly size: number;
  readonly steps: number;
}

const cast: fc.Arbitrary<Cast> = fc
  .record({ id, field, second: field, who, size, steps })
  .map((chosen) => ({ ...chosen, other: IDS.find((one) => one !== chosen.id) ?? chosen.id }));

const update = (change: { id: string; field: Field }, isBad = false): Step => {
  return { do: 'update', id: change.id, field: change.field, bad: isBad };
};
const flushAll: Step = { do: 'flush', size: ALL };
const empty: Step = { do: 'empty' };

/** What makes an entity absent: stored, then evicted. */
const absent = ({ id }: Cast): Step[] => [flushAll, { do: 'evict', id }];

/** A loader whose lease is broken while it has the row in its hands. */
function overtakenLoader(start: (actors: Cast) => Step, overtaking: (actors: Cast) => Step[]) {
  return (actors: Cast): Step[] => {
    const { who } = actors;
    return [
      ...absent(actors),
      start(actors),
      { do: 'load', who },
      ...overtaking(actors),
      { do: 'comeBack', who },
    ];
  };
}
const slowRead = ({ who, id }: Cast): Step => ({ do: 'lease', who, id });
const slowUpdate = ({ who, id, second }: Cast): Step => ({ do: 'ask', who, id, field: second, bad: false });
const byAnotherUpdate = (actors: Cast): Step[] => [
  { do: 'expireLease', id: actors.id },
  update(actors),
  ...absent(actors),
];
const byRedrive = (): Step[] => [{ do: 'mend' }, { do: 'redrive', newestFirst: false }];

const scenarios: readonly ((actors: Cast) => Step[])[] = [
  overtakenLoader(slowRead, byAnotherUpdate),
  overtakenLoader(slowUpdate, byAnotherUpdate),
  (actors) => [{ do: 'breakAgain' }, update(actors, true), ...overtakenLoader(slowRead, byRedrive)(actors)],
  (actors) => [{ do: 'breakAgain' }, update(actors, true), ...overtakenLoader(slowUpdate, byRedrive)(actors)],
  // An entity that is deleted while its updates wait.
  (actors) => [
    update(actors),
    { do: 'operatorDeletes', id: actors.id },
    update({ id: actors.id, field: actors.second }),
  ],
  (actors) => [update(actors), { do: 'operatorDeletes', id: actors.id }, { do: 'read', id: actors.id }],
  // A flusher that deals with a part of an entity's updates.
  (actors) => [
    update(actors),
    { do: 'peek', who: actors.who, size: actors.size },
    update({ id: actors.id, field: actors.second }),
    { do: 'commit', who: actors.who },
    { do: 'ack', who: actors.who },
  ],
  // A batch of two epochs, committed and not acknowledged.
  (actors) => [update(actors), { do: 'failover' }, update(actors), { do: 'crash', size: 3 }, flushAll],
  // A batch that was peeked before the buffer lost it, and another life since.
  (actors) => [
    update(actors),
    { do: 'peek', who: actors.who, size: 3 },
    empty,
    update(actors),
    flushAll,
    { do: 'commit', who: actors.who },
  ],
  (actors) => [
    flushAll,
    update(actors),
    { do: 'peek', who: actors.who, size: 3 },
    { do: 'loseWrites', steps: 2 },
    update(actors),
    flushAll,
    { do: 'commit', who: actors.who },
    { do: 'ack', who: actors.who },
  ],
  // An ack of a life before, with a clock that was ahead then.
  ({ id, other, field, second, who }) => [
    update({ id: other, field }),
    { do: 'clockBack' },
    update({ id, field }),
    { do: 'peek', who, size: 3 },
    { do: 'commit', who },
    empty,
    update({ id, field: second }),
    { do: 'ack', who },
  ],
  // Stored, and then lost by the buffer only; the seqs that come next were given before.
  (actors) => [
    update({ id: actors.other, field: actors.field }),
    { do: 'clockBack' },
    { do: 'read', id: actors.id },
    update(actors),
    flushAll,
    { do: 'loseWrites', steps: 2 },
    update({ id: actors.id, field: actors.second }),
    flushAll,
  ],
  (actors) => [
    { do: 'read', id: actors.id },
    update(actors),
    { do: 'crash', size: 3 },
    { do: 'loseWrites', steps: actors.steps },
    update({ id: actors.id, field: actors.second }),
  ],
  // Refused, overtaken by a later update of the same field in another batch or in the same, mended, redriven.
  (actors) => [
    { do: 'breakAgain' },
    update(actors, true),
    { do: 'flush', size: 1 },
    update(actors),
    { do: 'flush', size: actors.size },
    ...byRedrive(),
  ],
  (actors) => [{ do: 'breakAgain' }, update(actors, true), update(actors), flushAll, ...byRedrive()],
  // Refused twice, and the later one is redriven before the older.
  (actors) => [
    { do: 'breakAgain' },
    update(actors, true),
    update(actors, true),
    flushAll,
    { do: 'mend' },
    { do: 'redrive', newestFirst: true },
  ],
  // Refused while later updates of the entity wait, or by a flusher that ended before it said so.
  ({ id, field, second }) => [
    flushAll,
    { do: 'breakAgain' },
    update({ id, field }, true),
    update({ id, field: second }),
    { do: 'flush', size: 1 },
  ],
  (actors) => [{ do: 'breakAgain' }, update(actors, true), { do: 'crash', size: 3 }, flushAll],
  // Two flushers with the same batch, and an ack that comes twice.
  ({ id, field, second, who }) => [
    update({ id, field }),
    { do: 'peek', who, size: 2 },
    { do: 'peek', who: 1 - who, size: 2 },
    { do: 'commit', who },
    { do: 'commit', who: 1 - who },
    { do: 'ack', who },
    update({ id, field: second }),
    { do: 'ack', who: 1 - who },
    { do: 'ack', who },
  ],
];

/** Other steps, put between those of a scenario; in most places none. */
const gaps = fc.array(fc.option(single, { freq: 1, nil: undefined }), { maxLength: 6 });

const scenario = fc
  .tuple(fc.constantFrom(...scenarios), cast, fc.array(fc.nat(9), { maxLength: 3 }), gaps)
  .map(([play, actors, places, others]) => weave(play(actors), places, others));

function weave(
  play: readonly Step[],
  places: readonly number[],
  others: readonly (Step | undefined)[],
): Step[] {
  return play.flatMap((step, index) => {
    const at = places.indexOf(index);
    const other = at === -1 ? undefined : others[at];
    return other ? [other, step] : [step];
  });
}

/** Some scenarios and single steps, one after the other. */
export const schedules: fc.Arbitrary<Step[]> = fc
  .array(
    fc.oneof({ weight: 3, arbitrary: single.map((step) => [step]) }, { weight: 2, arbitrary: scenario }),
    { minLength: 2, maxLength: 8, size: 'max' },
  )
  .map((parts) => parts.flat());
