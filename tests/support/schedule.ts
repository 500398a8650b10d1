/** Carries out the steps of one random schedule on the real servers, one after the other, and knows what must hold then. */
import type { FieldValues } from '@afterwrite/write-behind';
import {
  type BatchOutcome,
  commitBatch,
  decodeItem,
  type QueueItem,
} from '@afterwrite/write-behind/internal';
import {
  type Accepted,
  brokenPromises,
  isCached,
  isDirty,
  leftovers,
  readState,
  type State,
} from './invariants.ts';
import type { Step } from './schedule-steps.ts';
import { Trust } from './trust.ts';
import type { Field, WidgetWorld } from './widgets.ts';

/** A flusher that may stop after each of its commands and go on whenever it likes. */
interface Zombie {
  seenEpoch?: string;
  batch?: { readonly items: QueueItem[]; readonly seenEpoch: string };
  outcome?: BatchOutcome;
}

/** A reader or an updater with the fill lease, which may stop as well. */
interface Loader {
  readonly id: string;
  readonly token: string;
  readonly update?: PlannedUpdate;
  loaded?: { readonly value: FieldValues; readonly step: number };
}

interface PlannedUpdate extends Accepted {
  readonly changes: FieldValues;
}

/** Steps that a failover may take back. */
const REMEMBERED = 8;
const BATCH_BYTES = 1_000_000;
const HOUR_US = 3_600_000_000;

export class Schedule {
  readonly #world: WidgetWorld;
  readonly #accepted: Accepted[] = [];
  readonly #excused = new Set<string>();
  readonly #redriven = new Set<string>();
  readonly #trust = new Trust();
  readonly #zombies: [Zombie, Zombie] = [{}, {}];
  readonly #loaders: (Loader | undefined)[] = [];
  /** What the buffer held after each of the last steps since it last lost anything. */
  #past: State['dump'][] = [];
  /** After the last step. */
  #state: State;
  #step = 0;
  #names = 0;

  private constructor(world: WidgetWorld, state: State) {
    this.#world = world;
    this.#state = state;
  }

  static async begin(world: WidgetWorld): Promise<Schedule> {
    await world.reset();
    return new Schedule(world, await readState(world));
  }

  /** Names the promises that are broken after this step. */
  async run(step: Step): Promise<string[]> {
    this.#step++;
    this.#past = [...this.#past, this.#state.dump].slice(-REMEMBERED);
    await this.#do(step);
    return await this.#check();
  }

  /** Stores what waits; then every entity is read, as it is cached and from the store. */
  async end(): Promise<string[]> {
    const { cache, valkey, ids } = this.#world;
    this.#step++;
    await this.#world.refuse(false);
    const { remaining, stopped } = await cache.flushQueue();
    const broken = stopped.map(({ message }) => `9 the drain stopped: ${message}`);
    if (remaining > 0) broken.push(`9 ${remaining} remain after a drain`);
    broken.push(...(await this.#check()), ...leftovers(this.#state));
    await valkey.unlink(...ids.flatMap((id) => [this.#world.entityKey(id), this.#world.leaseKey(id)]));
    for (const id of ids) await this.#read(id);
    return [...broken, ...(await this.#check())];
  }

  async #check(): Promise<string[]> {
    this.#state = await readState(this.#world);
    return brokenPromises(this.#state, {
      accepted: this.#accepted,
      excused: this.#excused,
      redriven: this.#redriven,
      isTrusted: (id) => this.#trust.has(id),
    });
  }

  async #do(step: Step): Promise<void> {
    const { cache, valkey } = this.#world;
    switch (step.do) {
      case 'update':
        await this.#update(step);
        return;
      case 'read':
        await this.#read(step.id);
        return;
      case 'ask':
        await this.#ask(step);
        return;
      case 'lease':
        await this.#lease(step);
        return;
      case 'load':
        await this.#load(step.who);
        return;
      case 'comeBack':
        await this.#comeBack(step.who);
        return;
      case 'flush':
        await cache.processQueue({ batchSize: step.size });
        return;
      case 'crash':
        await this.#crash(step.size);
        return;
      case 'readEpoch':
        this.#zombie(step.who).seenEpoch = await this.#world.ports.store.readEpoch(0);
        return;
      case 'peek':
        await this.#peek(this.#zombie(step.who), step.size);
        return;
      case 'commit':
        await this.#commit(this.#zombie(step.who));
        return;
      case 'ack':
        await this.#ack(this.#zombie(step.who));
        return;
      case 'evict':
        if ((this.#state.cached.get(step.id)?.ttlMs ?? 0) > 0)
          await valkey.del(this.#world.entityKey(step.id));
        return;
      case 'operatorDeletes':
        await valkey.del(this.#world.entityKey(step.id));
        return;
      case 'expireLease':
        await valkey.del(this.#world.leaseKey(step.id));
        return;
      case 'failover':
        await this.#anotherServer();
        return;
      case 'loseWrites':
        await this.#lose(this.#past.at(-1 - step.steps) ?? this.#past[0]);
        return;
      case 'empty':
        await this.#lose(new Map());
        return;
      case 'clockBack':
        await this.#clockBack();
        return;
      case 'mend':
      case 'breakAgain':
        await this.#world.refuse(step.do === 'breakAgain');
        return;
      case 'redrive':
        await this.#redrive(step.newestFirst);
        return;
    }
  }

  #zombie(who: number): Zombie {
    return this.#zombies[who === 0 ? 0 : 1];
  }

  #plan({ id, field, bad }: { id: string; field: Field; bad: boolean }): PlannedUpdate {
    const number = ++this.#names;
    const value = field === 'size' ? number : `${field} ${number}`;
    return { uid: `${bad ? 'bad' : 'good'}${number}`, id, field, value, changes: { [field]: value } };
  }

  async #update(change: { id: string; field: Field; bad: boolean }): Promise<void> {
    const planned = this.#plan(change);
    const { id, changes, uid } = planned;
    if (this.#wouldWait(id)) return;
    await this.#world.cache.update(id, changes, { user: 'test', comment: uid });
    this.#acceptedAtOnce(planned);
  }

  /** A loader in slow motion has the lease, and somebody else would wait for it in vain. */
  #wouldWait(id: string): boolean {
    const cached = this.#state.cached.get(id);
    return this.#state.dump.has(this.#world.leaseKey(id)) && !(isCached(cached) && isDirty(cached));
  }

  #acceptedAtOnce(update: PlannedUpdate): void {
    const { id } = update;
    const before = this.#state.cached.get(id);
    if (!isCached(before)) this.#trust.readFromStore(id, this.#step);
    else if (!isDirty(before)) this.#trust.updatedClean(id, this.#step);
    this.#accepted.push(update);
  }

  async #read(id: string): Promise<void> {
    if (this.#wouldWait(id)) return;
    await this.#world.cache.get(id);
    if (!isCached(this.#state.cached.get(id))) this.#trust.readFromStore(id, this.#step);
  }

  async #ask(step: { who: number; id: string; field: Field; bad: boolean }): Promise<void> {
    const update = this.#plan(step);
    const token = this.#world.ports.runtime.uniqueName();
    const { kind } = await this.#send(update, token);
    if (kind === 'OK') this.#acceptedAtOnce(update);
    this.#loaders[step.who] = kind === 'MISS' ? { id: step.id, token, update } : undefined;
  }

  async #send(update: PlannedUpdate, token: string, base?: FieldValues) {
    const { id, changes, uid } = update;
    const tail = JSON.stringify([id, changes, 'test', uid]).slice(1);
    const request = { id, changes, tail, token, base, ifVersion: undefined, idempotencyKey: undefined };
    return await this.#world.ports.buffer.update(request);
  }

  async #lease({ who, id }: { who: number; id: string }): Promise<void> {
    const token = this.#world.ports.runtime.uniqueName();
    const { kind } = await this.#world.ports.buffer.lease(id, token);
    this.#loaders[who] = kind === 'LEASED' ? { id, token } : undefined;
  }

  async #load(who: number): Promise<void> {
    const loader = this.#loaders[who];
    if (!loader) return;
    const { value } = await this.#world.ports.store.load(loader.id);
    if (value) loader.loaded = { value, step: this.#step };
  }

  async #comeBack(who: number): Promise<void> {
    const loader = this.#loaders[who];
    if (!loader?.loaded) return;
    this.#loaders[who] = undefined;
    const { id, token, update, loaded } = loader;
    const { kind } = update
      ? await this.#send(update, token, loaded.value)
      : await this.#world.ports.buffer.fill(id, token, loaded.value);
    if (kind !== 'OK') return;
    const before = this.#state.cached.get(id);
    // An update that finds a value meanwhile takes no notice of its base.
    if (update && isCached(before) && isDirty(before)) this.#acceptedAtOnce(update);
    else {
      this.#trust.readFromStore(id, loaded.step);
      if (update) this.#accepted.push(update);
    }
  }

  async #peek(zombie: Zombie, rows: number): Promise<void> {
    const { buffer, store } = this.#world.ports;
    const seenEpoch = zombie.seenEpoch ?? (await store.readEpoch(0));
    const { items } = await buffer.peek(0, { rows, bytes: BATCH_BYTES });
    delete zombie.seenEpoch;
    delete zombie.outcome;
    if (items.length > 0) zombie.batch = { items: items.map(decodeItem), seenEpoch };
  }

  /** Also once more: as after a lost reply. */
  async #commit(zombie: Zombie): Promise<void> {
    if (!zombie.batch) return;
    const outcome = await commitBatch(this.#world.ports.store, {
      ...zombie.batch,
      partition: 0,
      deadLetterLimit: 1000,
    });
    zombie.seenEpoch = outcome.watermark.epoch;
    if (outcome.kind === 'EPOCH_MOVED') {
      delete zombie.batch;
      return;
    }
    zombie.outcome ??= outcome;
    const queued = new Set(this.#state.queue.map(({ uid }) => uid));
    for (const { id, comment } of outcome.stored)
      if (!queued.has(comment ?? '')) this.#trust.storedThoughLost(id, this.#step);
  }

  async #crash(size: number): Promise<void> {
    const zombie: Zombie = {};
    await this.#peek(zombie, size);
    await this.#commit(zombie);
  }

  /** Also long after, and again. */
  async #ack({ outcome }: Zombie): Promise<void> {
    if (outcome?.kind !== 'COMMITTED') return;
    const { buffer } = this.#world.ports;
    const { dropped } = await buffer.ack(0, outcome);
    const settled = outcome.stored.length + outcome.skipped + outcome.parked.length;
    if (dropped < settled) for (const { id } of outcome.stored) await buffer.invalidate(id);
  }

  async #anotherServer(): Promise<void> {
    const { valkey, tag } = this.#world;
    if (await valkey.exists(`${tag}:seq`)) await valkey.hset(`${tag}:seq`, 'r', `server${++this.#names}`);
  }

  /** The same as the clock going back by an hour: the last seq stands ahead of it. */
  async #clockBack(): Promise<void> {
    const { valkey, tag } = this.#world;
    const ahead = String(Date.now() * 1000 + HOUR_US);
    if (await valkey.exists(`${tag}:seq`)) await valkey.hset(`${tag}:seq`, 's', ahead);
  }

  /** The buffer comes back with what it once held; another server speaks. */
  async #lose(content: State['dump'] | undefined): Promise<void> {
    if (!content) return;
    const { valkey, ids } = this.#world;
    const pipeline = valkey.pipeline().unlink(...this.#world.keys());
    for (const [key, { bytes, ttlMs }] of content) pipeline.restore(key, Math.max(0, ttlMs), bytes);
    for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
    await this.#anotherServer();
    this.#past = [];
    const { queue, audit, dead, cached } = await readState(this.#world);
    const held = new Set([...queue.map(({ uid }) => uid), ...audit, ...dead]);
    for (const { uid } of this.#accepted) if (!held.has(uid)) this.#excused.add(uid);
    for (const id of ids)
      this.#trust.lost(id, this.#step, isCached(cached.get(id)) && !isDirty(cached.get(id)));
  }

  async #redrive(newestFirst: boolean): Promise<void> {
    const { cache } = this.#world;
    const newest = newestFirst ? (await cache.deadLetters()).at(-1) : undefined;
    if (newest) await cache.redrive({ letterIds: [newest.letterId] });
    await cache.redrive();
    const { audit } = await readState(this.#world);
    for (const uid of audit) if (this.#state.dead.includes(uid)) this.#redriven.add(uid);
  }
}
