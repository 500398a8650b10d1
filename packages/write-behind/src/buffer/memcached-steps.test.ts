/**
 * One process is stopped at each of its commands on both servers, in every way, and memcached may lie: it loses what it
 * took, is told late, or brings back what it had before. Whatever was done of a call: nobody ever reads a value that is not
 * the current one, and everybody goes on. Steps are counted at run time, so a new command is tried by itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { ackOf, type BufferLab, openLab, uniqueName } from '../../testing/buffer-lab.ts';
import { makeMemcachedRig, type MemcachedRig } from '../../testing/buffer-memcached.ts';
import { connectionTo } from '../../testing/buffer-valkey.ts';
import type { FieldValues } from '../entity.ts';
import { AfterwriteError, BufferUnavailableError, OutcomeUnknownError } from '../errors.ts';
import type { Position } from '../position.ts';
import type { BufferPort } from './buffer.ts';
import { MemcachedClient } from './memcached-client.ts';
import { ValkeyLink } from './valkey-link.ts';

type Lab = BufferLab<MemcachedRig>;
type Command = 'queue' | 'get' | 'set';
type Fault =
  | 'dies before'
  | 'dies after'
  | 'fails'
  | 'fails though done'
  | 'others go on before'
  | 'others go on after'
  | 'others update after'
  | 'says so, and loses it'
  | 'is told at the end'
  | 'has the first value again';

const EVERYWHERE: readonly Fault[] = [
  'dies before',
  'dies after',
  'fails',
  'fails though done',
  'others go on before',
  'others go on after',
  'others update after',
];
const FAULTS: Readonly<Record<Command, readonly Fault[]>> = {
  queue: EVERYWHERE,
  get: [...EVERYWHERE, 'has the first value again'],
  set: [...EVERYWHERE, 'says so, and loses it', 'is told at the end'],
};

class Died extends Error {}

/** The process under test; whoever is outside of it is another one, to which nothing happens. */
const processes = new AsyncLocalStorage<Play>();

class Play {
  readonly id = uniqueName();
  readonly steps: Command[] = [];
  row: FieldValues = { a: 0, b: 0 };
  readonly #lab: Lab;
  readonly #own: BufferPort;
  readonly #stop: { readonly at: number; readonly fault: Fault } | undefined;
  readonly #late: (() => Promise<unknown>)[] = [];
  /** The process stands still meanwhile. */
  #others: Promise<void> = Promise.resolve();
  #first = '';
  #isDead = false;
  #count = 0;

  constructor(lab: Lab, own: BufferPort, stop?: { at: number; fault: Fault }) {
    this.#lab = lab;
    this.#own = own;
    this.#stop = stop;
  }

  /** That of the process, or of the others. */
  get buffer(): BufferPort {
    return processes.getStore() ? this.#own : this.#lab.buffer;
  }

  /** In the place of a command of the process; `failed`: what one that failed does. */
  async step<T>(command: Command, send: () => Promise<T>, failed: (isDone: boolean) => T): Promise<T> {
    await this.#others;
    if (this.#isDead) throw new Died();
    const at = this.steps.push(command) - 1;
    const fault = at === this.#stop?.at ? this.#stop.fault : undefined;
    const others = async (work = () => this.othersGoOn()) => {
      this.#others = processes.exit(work);
      await this.#others;
    };
    if (fault === 'dies before') throw this.#die();
    if (fault === 'fails') return failed(false);
    if (fault === 'says so, and loses it') return true as T;
    if (fault === 'is told at the end') {
      this.#late.push(send);
      return failed(false);
    }
    if (fault === 'has the first value again') await this.#lab.rig.copies.set(this.id, this.#first);
    if (fault === 'others go on before') await others();
    const reply = await send();
    if (fault === 'others go on after') await others();
    if (fault === 'others update after') await others(() => this.update('b'));
    if (fault === 'dies after') throw this.#die();
    return fault === 'fails though done' ? failed(true) : reply;
  }

  #die(): Died {
    this.#isDead = true;
    return new Died();
  }

  async load(): Promise<void> {
    const token = uniqueName();
    if ((await this.buffer.read(this.id)) !== undefined) return;
    const { kind } = await this.buffer.lease(this.id, token);
    if (kind === 'LEASED') await this.buffer.fill(this.id, token, { ...this.row });
  }

  async update(field: string): Promise<void> {
    const token = uniqueName();
    const changes = { [field]: ++this.#count };
    const send = (base?: FieldValues) =>
      this.buffer.update(this.#lab.request(this.id, changes, { token, base }));
    const { kind } = await send();
    if (kind === 'MISS') await send({ ...this.row });
  }

  /** Stored, and not acked yet. */
  async commit(): Promise<Position[]> {
    const items = await this.#lab.items();
    return items.flatMap((item) => {
      if (item.kind !== 'UPDATE') throw new Error('unreadable');
      this.row = { ...this.row, ...item.changes };
      return [item.position];
    });
  }

  async ack(positions: readonly Position[]): Promise<void> {
    await this.buffer.ack(0, ackOf(positions));
  }

  /** The first value is stored, and every copy of it in its place. */
  async prepare(): Promise<void> {
    await this.load();
    this.#first = (await this.#lab.rig.copies.get(this.id)) ?? '';
    expect(this.#first).not.toBe('');
    await this.update('a');
    await this.ack(await this.commit());
  }

  async loseCopy(): Promise<void> {
    await this.#lab.rig.copies.remove(this.id);
  }

  async othersGoOn(): Promise<void> {
    await this.update('b');
    await this.check();
    await this.ack(await this.commit());
    await this.check();
    await this.load();
    await this.check();
  }

  /** Of what anybody reads, now, and after each thing that may still come. */
  async finish(): Promise<void> {
    await this.#others;
    await this.check();
    for (const send of this.#late) await send();
    await this.check();
    await this.#lab.hand.setLease(this.id, undefined);
    await this.othersGoOn();
    expect((await this.buffer.read(this.id))?.value).toEqual(this.row);
    expect(await this.#lab.items()).toEqual([]);
  }

  async check(): Promise<void> {
    const items = await this.#lab.items();
    const changes = items.flatMap((item) => (item.kind === 'UPDATE' ? [item.changes] : []));
    const expected = changes.reduce((value, each) => ({ ...value, ...each }), this.row);
    const [look] = await this.buffer.look([this.id]);
    for (const found of [look?.cached, await this.buffer.read(this.id)]) {
      if (found) expect(found.value, '6 an old value').toEqual(expected);
    }
    if (items.length > 0) expect(await this.#lab.hand.ttlMs(this.id), '5 pinned').toBe('NEVER');
  }
}

interface Scenario {
  readonly prepare: (play: Play) => Promise<unknown>;
  readonly act: (play: Play) => Promise<unknown>;
}

const prepared = (play: Play) => play.prepare();
const gone = async (play: Play) => {
  await play.prepare();
  await play.loseCopy();
};
let positions: Position[] = [];

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a load': { prepare: () => Promise.resolve(), act: (play) => play.load() },
  'a read': { prepare: prepared, act: (play) => play.buffer.read(play.id) },
  'a read of what is gone, and a load': { prepare: gone, act: (play) => play.load() },
  'an update of a clean value': { prepare: prepared, act: (play) => play.update('a') },
  'an update of what is gone': { prepare: gone, act: (play) => play.update('a') },
  'an ack': {
    prepare: async (play) => {
      await play.prepare();
      await play.update('a');
      positions = await play.commit();
    },
    act: (play) => play.ack(positions),
  },
  'a comparison, and a drop': {
    prepare: prepared,
    act: async (play) => {
      const [look] = await play.buffer.look([play.id]);
      await play.buffer.drop(play.id, look?.cached?.version ?? '');
    },
  },
};

async function play(lab: Lab, { prepare, act }: Scenario, stop?: { at: number; fault: Fault }) {
  return await lab.withAnother(async (own) => {
    const one = new Play(lab, own, stop);
    await prepare(one);
    await own.open();
    try {
      await processes.run(one, () => act(one));
    } catch (error) {
      if (!(error instanceof Died || error instanceof AfterwriteError)) throw error;
    }
    await one.finish();
    return one.steps;
  });
}

function lost(isDone: boolean): never {
  throw isDone ? new OutcomeUnknownError('test', new Error('lost')) : new BufferUnavailableError('lost');
}

beforeAll(() => {
  const around = <T>(command: Command, send: () => Promise<T>, failed: (isDone: boolean) => T) =>
    processes.getStore()?.step(command, send, failed) ?? send();
  const { send } = ValkeyLink.prototype;
  vi.spyOn(ValkeyLink.prototype, 'send').mockImplementation(function (this: ValkeyLink, ...args) {
    return around<unknown>('queue', () => send.apply(this, args), lost);
  });
  const { get, set } = MemcachedClient.prototype;
  vi.spyOn(MemcachedClient.prototype, 'get').mockImplementation(function (this: MemcachedClient, key) {
    return around(
      'get',
      () => get.call(this, key),
      () => undefined,
    );
  });
  vi.spyOn(MemcachedClient.prototype, 'set').mockImplementation(function (this: MemcachedClient, ...args) {
    return around(
      'set',
      () => set.apply(this, args),
      () => false,
    );
  });
});
afterAll(() => vi.restoreAllMocks());

describe('3 5 6 a process that is stopped between the two servers, or that memcached lies to', () => {
  test.each(Object.entries(SCENARIOS))('%s', async (_name, scenario) => {
    const lab = await openLab(makeMemcachedRig(connectionTo(inject('valkey')), inject('memcached')));
    const steps = await play(lab, scenario);
    expect(steps).not.toEqual([]);
    for (const [at, command] of steps.entries()) {
      for (const fault of FAULTS[command]) {
        await play(lab, scenario, { at, fault }).catch((error: unknown) => {
          throw new Error(`${fault} at step ${String(at)} of ${steps.join(', ')}`, { cause: error });
        });
      }
    }
  });
});
