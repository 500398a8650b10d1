/**
 * The protocol was searched exhaustively in small scope, each guard taken out in turn. These are the shortest ways in
 * which an update was then lost, doubled or reordered, played step by step on the real servers, where every guard is in.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Schedule } from '../support/schedule.ts';
import type { Step } from '../support/schedule-steps.ts';
import type { Field } from '../support/widgets.ts';
import { WidgetWorld } from '../support/widgets.ts';

const update = (field: Field = 'name', id = '1', bad = false): Step => ({ do: 'update', id, field, bad });
const refused = (): Step => update('name', '1', true);
const ask = (who: number, field: Field = 'name'): Step => ({ do: 'ask', who, id: '1', field, bad: false });
const load = (who: number): Step => ({ do: 'load', who });
const comeBack = (who: number): Step => ({ do: 'comeBack', who });
const lease = (who: number): Step => ({ do: 'lease', who, id: '1' });
const peek = (who: number): Step => ({ do: 'peek', who, size: 2 });
const commit = (who: number): Step => ({ do: 'commit', who });
const ack = (who: number): Step => ({ do: 'ack', who });
const read: Step = { do: 'read', id: '1' };
const evict: Step = { do: 'evict', id: '1' };
const empty: Step = { do: 'empty' };
/** What comes next is as if the clock had been an hour ahead until then. */
const clockBack: Step = { do: 'clockBack' };
const expireLease: Step = { do: 'expireLease', id: '1' };
const mend: Step = { do: 'mend' };
const breakAgain: Step = { do: 'breakAgain' };
const redrive: Step = { do: 'redrive', newestFirst: false };
/** A failover to what the buffer held before the last so many steps, whatever they did. */
const lose = (steps: number): Step => ({ do: 'loseWrites', steps });

/** By the guard that is missing where each of them breaks a promise. */
const counterexamples: Readonly<Record<string, readonly Step[]>> = {
  'ack by count': [update(), peek(0), commit(0), peek(1), update('note'), ack(0), commit(1), ack(1)],
  'ack by seq alone, after a failover': [
    update('name', '2'),
    clockBack,
    read,
    update(),
    peek(0),
    commit(0),
    lose(3),
    update(),
    ack(0),
  ],
  'ack by seq alone, Valkey emptied': [
    update('name', '2'),
    clockBack,
    update(),
    peek(0),
    commit(0),
    empty,
    ask(0),
    load(0),
    comeBack(0),
    ack(0),
  ],
  'no epoch, a batch of before': [
    update('name', '2'),
    clockBack,
    update(),
    peek(0),
    empty,
    ask(0),
    load(0),
    comeBack(0),
    commit(0),
    ack(0),
  ],
  'epoch only where the seq is missing': [
    update('name', '2'),
    { do: 'flush', size: 1 },
    clockBack,
    update(),
    update(),
    peek(0),
    commit(0),
    lose(3),
    update('name', '2'),
    ack(0),
  ],
  'unknown epoch taken over, after a failover': [
    read,
    update(),
    peek(0),
    lose(2),
    update(),
    peek(1),
    commit(1),
    commit(0),
    ack(0),
    ack(1),
  ],
  'unknown epoch taken over, Valkey emptied': [
    update(),
    peek(0),
    empty,
    update(),
    peek(1),
    commit(1),
    commit(0),
    ack(1),
    ack(0),
  ],
  'retired epochs forgotten': [
    update(),
    update(),
    lose(1),
    update('name', '2'),
    peek(0),
    commit(0),
    peek(1),
    commit(1),
    ack(1),
    ack(0),
  ],
  'watermark in a transaction of its own': [update(), peek(0), peek(1), commit(0), commit(1), ack(0), ack(1)],
  'all of a batch cleaned at its ack': [update(), peek(0), update('note'), update(), commit(0), ack(0)],
  'no PERSIST': [read, update()],
  'fill without a lease': [
    evict,
    ask(0),
    load(0),
    expireLease,
    lease(1),
    comeBack(0),
    expireLease,
    update(),
    load(1),
    { do: 'flush', size: 9 },
    evict,
    comeBack(1),
    read,
  ],
  'base without a lease': [
    evict,
    ask(0),
    load(0),
    expireLease,
    ask(1, 'note'),
    load(1),
    comeBack(0),
    { do: 'flush', size: 9 },
    evict,
    comeBack(1),
  ],
  'no index of pending ids': [
    update(),
    { do: 'operatorDeletes', id: '1' },
    ask(0, 'note'),
    load(0),
    comeBack(0),
    update('note'),
  ],
  'dead letters in Valkey': [
    breakAgain,
    refused(),
    peek(0),
    commit(0),
    peek(1),
    mend,
    commit(1),
    ack(1),
    ack(0),
  ],
  'dead letters in Valkey, a failover': [
    breakAgain,
    refused(),
    update('note'),
    peek(0),
    commit(0),
    lose(1),
    ack(0),
  ],
  'dead letters in Valkey, good ones first': [
    breakAgain,
    refused(),
    update('note'),
    peek(0),
    commit(0),
    peek(1),
    commit(1),
    ack(1),
  ],
  'value of what was parked kept': [breakAgain, refused(), { do: 'flush', size: 9 }, read],
  'items found dealt with trusted': [
    breakAgain,
    refused(),
    { do: 'crash', size: 2 },
    { do: 'flush', size: 9 },
    read,
  ],
  'redrive of what is superseded': [
    breakAgain,
    refused(),
    update(),
    peek(0),
    commit(0),
    mend,
    redrive,
    ack(0),
    redrive,
  ],
  'redrive of what a later batch superseded': [
    breakAgain,
    refused(),
    { do: 'flush', size: 1 },
    update(),
    { do: 'flush', size: 1 },
    mend,
    redrive,
  ],
  'redrive of an older letter after a newer one': [
    breakAgain,
    refused(),
    refused(),
    { do: 'flush', size: 9 },
    mend,
    { do: 'redrive', newestFirst: true },
  ],
  'a batch read ahead': [
    update(),
    peek(0),
    update('note'),
    peek(1),
    commit(0),
    update(),
    ack(0),
    peek(0),
    commit(1),
    commit(0),
    ack(1),
    ack(0),
  ],
};

let world: WidgetWorld;

beforeAll(async () => {
  world = await WidgetWorld.open(['1', '2']);
});
afterAll(async () => {
  await world.dispose();
});

describe('1 to 7, 9 the shortest ways to break a promise, where one guard is missing', () => {
  it.each(Object.entries(counterexamples))('%s', async (_guard, steps) => {
    const schedule = await Schedule.begin(world);
    for (const [index, step] of steps.entries()) {
      expect(await schedule.run(step), `after step ${index} ${JSON.stringify(step)}`).toEqual([]);
    }
    expect(await schedule.end(), 'after the drain').toEqual([]);
  });
});
