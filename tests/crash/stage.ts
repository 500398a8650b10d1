/** One scenario under one plan, on the real servers: who was told what, what the buffer accepted, what must hold then. */
import {
  AfterwriteError,
  type CachePorts,
  type Durability,
  DurabilityError,
  type FieldValues,
  OutcomeUnknownError,
  type UpdateResult,
  type WriteBehindCache,
} from '@afterwrite/write-behind';
import { commitBatch, decodeItem } from '@afterwrite/write-behind/internal';
import { replacing } from '../support/decorate.ts';
import { Died, FaultPoints, type Plan, type Point, withLedger } from '../support/fault-points.ts';
import { type Accepted, brokenPromises, leftovers, readState, type State } from '../support/invariants.ts';
import type { Field, WidgetWorld } from '../support/widgets.ts';
import type { Scenario } from './scenarios.ts';

type Cache = WriteBehindCache<FieldValues, FieldValues>;
type Stop = Pick<Plan, 'at' | 'fault'>;

interface UpdateOptions {
  /** The database refuses it until the cause is mended. */
  readonly bad?: boolean;
  readonly key?: string;
  readonly ifVersion?: string;
  readonly durability?: Durability;
}

export class Stage {
  readonly world: WidgetWorld;
  /** A process that nothing happens to. */
  readonly healthy: Cache;
  readonly #ports: CachePorts;
  readonly #scenario: Scenario;
  readonly #accepted: Accepted[] = [];
  readonly #acknowledged = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #excused = new Set<string>();
  readonly #everDead = new Set<string>();
  readonly #broken: string[] = [];
  /** What `storeAway` of the scenarios goes by. */
  isStoreAway = false;
  #names = 0;
  #isStopped = false;

  private constructor(world: WidgetWorld, scenario: Scenario) {
    this.world = world;
    this.#scenario = scenario;
    const stays = { close: () => Promise.resolve() };
    const own = scenario.ports?.(this) ?? world.ports;
    this.#ports = {
      ...own,
      buffer: withLedger(replacing(own.buffer, stays), this.#accepted),
      store: replacing(own.store, stays),
    };
    const { buffer } = world.ports;
    this.healthy = world.cacheOn({ ...world.ports, buffer: withLedger(buffer, this.#accepted) });
  }

  /** Plays it. `stops`: of the process itself, then of the one that goes on after it. Answers what broke. */
  static async play(
    world: WidgetWorld,
    scenario: Scenario,
    stops: readonly Stop[] = [],
  ): Promise<{ broken: string[]; points: Point[]; later: Point[] }> {
    await world.reset();
    const stage = new Stage(world, scenario);
    stage.#isStopped = stops.length > 0;
    await stage.#expireLeases();
    await scenario.prepare?.(stage);
    await stage.#check();
    const points = await stage.#run(stops[0], (cache) => scenario.act(cache, stage));
    await stage.#check();
    await stage.#expireLeases();
    stage.isStoreAway = false;
    const later = await stage.#run(stops[1], (cache) => stage.#goOn(cache));
    await stage.#check();
    await stage.#recover();
    return { broken: stage.#broken, points, later };
  }

  async update(cache: Cache, id: string, field: Field, options: UpdateOptions = {}): Promise<UpdateResult> {
    const { bad = false, key, ifVersion, durability } = options;
    const number = ++this.#names;
    const uid = `${bad ? 'bad' : 'good'}${number}`;
    const changes = { [field]: field === 'size' ? number : `${field} ${number}` };
    try {
      const attribution = { user: 'test', comment: uid };
      const result = await cache.update(id, changes, {
        ...attribution,
        idempotencyKey: key,
        ifVersion,
        durability,
      });
      this.#acknowledged.add(uid);
      return result;
    } catch (error) {
      if (error instanceof DurabilityError) this.#acknowledged.add(uid);
      else if (!(error instanceof Died || error instanceof OutcomeUnknownError)) this.#refused.add(uid);
      throw error;
    }
  }

  /** Rethrows any other, and complains if there is none; what was stopped may also succeed. */
  async expectError(code: string, work: Promise<unknown>): Promise<void> {
    const error: unknown = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error instanceof AfterwriteError && error.code === code) return;
    if (error instanceof Error) throw error;
    if (!this.#isStopped) throw new Error(`${code} was expected`);
  }

  /** As TTLs, memory or an operator do. */
  async evict(id: string): Promise<void> {
    await this.world.valkey.del(this.world.entityKey(id));
  }

  async pushItem(item: string): Promise<void> {
    await this.world.valkey.rpush(`${this.world.tag}:queue`, item);
  }

  /** Another server answers, which lost nothing. */
  async failover(): Promise<void> {
    await this.world.valkey.hset(`${this.world.tag}:seq`, 'r', `server${++this.#names}`);
  }

  /** Valkey lost everything; what the store has not got is gone. */
  async empty(): Promise<void> {
    await this.world.valkey.unlink(...this.world.keys());
    const { audit, dead } = await readState(this.world);
    const held = new Set([...audit, ...dead]);
    for (const { uid } of this.#accepted) if (!held.has(uid)) this.#excused.add(uid);
  }

  /** The wait of a breaker runs out. */
  async endWait(): Promise<void> {
    const key = `${this.world.tag}:breaker`;
    if ((await this.world.valkey.exists(key)) === 1)
      await this.world.valkey.hset(key, { until: 0, trial: 0 });
  }

  async flushWithoutAck(): Promise<void> {
    const { buffer, store } = this.world.ports;
    const seenEpoch = await store.readEpoch(0);
    const { items } = await buffer.peek(0, { rows: 100, bytes: 1_000_000 });
    await commitBatch(store, {
      partition: 0,
      items: items.map(decodeItem),
      seenEpoch,
      deadLetterLimit: 1000,
    });
  }

  /** What others do while one stands still: everything that could get in its way. */
  async #meanwhile(): Promise<void> {
    await this.#expireLeases();
    await this.update(this.healthy, '1', 'name');
    await this.healthy.flushQueue();
    await this.evict('1');
    await this.healthy.get('1');
    await this.update(this.healthy, '1', 'size');
  }

  /** What the next process does: another flush, reads, an update, a redrive. */
  async #goOn(cache: Cache): Promise<void> {
    await cache.flushQueue({ batchSize: 3 });
    for (const id of this.world.ids) await cache.get(id);
    await this.update(cache, '2', 'name');
    await cache.redrive();
  }

  async #run(stop: Stop | undefined, act: (cache: Cache) => Promise<unknown>): Promise<Point[]> {
    const plan = stop && { ...stop, meanwhile: () => this.#meanwhile() };
    const faulty = new FaultPoints(this.#ports, plan);
    try {
      await act(this.world.cacheOn(faulty.ports));
      if (!stop) return faulty.points;
    } catch (error) {
      const isExpected = stop && (error instanceof Died || error instanceof AfterwriteError);
      if (!isExpected) this.#broken.push(`10 an error without a name: ${String(error)}`);
    }
    if (stop && stop.at >= faulty.points.length) this.#broken.push('the stop was never reached');
    return faulty.points;
  }

  /** A start after all that: TTLs of leases have run out, the queue is drained, everything is read. */
  async #recover(): Promise<void> {
    const { world, healthy } = this;
    await this.#expireLeases();
    const { remaining, stopped } = await healthy.flushQueue();
    this.#broken.push(...stopped.map(({ message }) => `9 the drain stopped: ${message}`));
    if (remaining > 0) this.#broken.push(`9 ${remaining} remain after a drain`);
    this.#broken.push(...leftovers(await this.#check()));
    for (const id of world.ids) await healthy.get(id);
    await this.#check();
    await world.refuse(false);
    await healthy.redrive();
    const left = (await healthy.deadLetters()).filter(({ redrivable }) => redrivable);
    this.#broken.push(...left.map(({ id }) => `10 a letter of ${String(id)} cannot be redriven`));
    await world.valkey.unlink(...world.ids.flatMap((id) => [world.entityKey(id), world.leaseKey(id)]));
    for (const id of world.ids) await healthy.get(id);
    await this.#check();
  }

  async #check(): Promise<State> {
    const state = await readState(this.world);
    for (const uid of state.dead) this.#everDead.add(uid);
    const accepted = new Set(this.#accepted.map(({ uid }) => uid));
    for (const uid of this.#acknowledged)
      if (!accepted.has(uid)) this.#broken.push(`1 never accepted: ${uid}`);
    for (const uid of this.#refused) if (accepted.has(uid)) this.#broken.push(`1 said to be refused: ${uid}`);
    const broken = brokenPromises(state, {
      accepted: this.#accepted,
      excused: this.#excused,
      redriven: new Set(state.audit.filter((uid) => this.#everDead.has(uid))),
      // docs/CONSISTENCY.md: a loss, and a redrive that ended before it could tell the cache.
      isTrusted: (id) => this.#scenario.losesData !== true && !state.untold.has(id),
    });
    this.#broken.push(...broken);
    return state;
  }

  async #expireLeases(): Promise<void> {
    const { world } = this;
    await this.endWait();
    const own = ['lease', 'once', 'once:order'].map((name) => `${world.tag}:${name}`);
    await world.valkey.unlink(own[0] ?? '', ...world.ids.map((id) => world.leaseKey(id)));
    if (this.#names === 0) await world.valkey.unlink(...own);
  }
}
