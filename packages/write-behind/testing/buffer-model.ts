/**
 * Random sequences against a small model of one partition: rows of a store, the accepted updates that wait, and what
 * each reader must see. Written down here are the invariants, not how a buffer keeps them.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FieldValues } from '../src/entity.ts';
import type { Position } from '../src/position.ts';
import { ackOf, type BufferLab, type MakeBuffer, openLab, uniqueName, versionOf } from './buffer-lab.ts';

const IDS = ['1', '2'] as const;
type Id = (typeof IDS)[number];

/** Bounds of one run; the seed of a failure is printed by fast-check. */
const RUNS = 150;
const STEPS = 40;

interface Waiting {
  readonly id: Id;
  readonly changes: FieldValues;
  readonly position: Position;
}

interface Load {
  readonly id: Id;
  readonly token: string;
  readonly row: FieldValues;
}

class Model {
  readonly rows: Record<Id, FieldValues> = { 1: { a: 0, b: 0 }, 2: { a: 0, b: 0 } };
  queue: Waiting[] = [];
  /** Loaders that have read a row and not come back yet. */
  readonly loads: Load[] = [];
  readonly acks: { positions: Position[]; distrusted: string[] }[] = [];
  readonly versions = new Map<string, string>();
  readonly lab: BufferLab;
  #count = 0;

  constructor(lab: BufferLab) {
    this.lab = lab;
  }

  waitingFor(id: Id): Waiting[] {
    return this.queue.filter((item) => item.id === id);
  }

  expected(id: Id): FieldValues {
    return this.waitingFor(id).reduce((value, { changes }) => ({ ...value, ...changes }), this.rows[id]);
  }

  async update(id: Id, field: string): Promise<void> {
    const changes = { [field]: ++this.#count };
    const token = uniqueName();
    let reply = await this.lab.tryUpdate(id, changes, { token });
    if (reply.kind === 'MISS') {
      expect(this.waitingFor(id), 'a base while updates wait').toEqual([]);
      reply = await this.lab.tryUpdate(id, changes, { token, base: this.rows[id] });
    }
    if (reply.kind === 'OK') this.queue.push({ id, changes, position: reply.position });
    else expect(reply.kind).toMatch(/^(PENDING|BUSY)$/);
    if (reply.kind === 'PENDING') expect(this.waitingFor(id)).not.toEqual([]);
  }

  /** Stores the oldest updates and acks them; where `parks`, the store refuses the first of them. */
  async flush(count: number, parks: boolean): Promise<void> {
    const batch = this.queue.splice(0, count);
    const covered = new Map(batch.map(({ position }) => [position.epoch, position]));
    for (const [index, { id, changes }] of batch.entries()) {
      if (!(parks && index === 0)) this.rows[id] = { ...this.rows[id], ...changes };
    }
    const distrusted = parks ? batch.slice(0, 1).map(({ id }) => id) : [];
    const ack = { positions: [...covered.values()], distrusted };
    this.acks.push(ack);
    const reply = await this.lab.buffer.ack(0, ackOf(ack.positions, ack));
    expect(reply).toEqual({ dropped: batch.length, remaining: this.queue.length });
  }

  async ackAgain(which: number): Promise<void> {
    const ack = this.acks[which % Math.max(1, this.acks.length)];
    if (!ack) return;
    expect((await this.lab.buffer.ack(0, ackOf(ack.positions, ack))).dropped).toBe(0);
  }

  async startLoad(id: Id): Promise<void> {
    const token = uniqueName();
    const { kind } = await this.lab.buffer.lease(id, token);
    if (kind === 'LEASED') this.loads.push({ id, token, row: this.rows[id] });
  }

  async finishLoad(which: number): Promise<void> {
    const load = this.loads.splice(which % Math.max(1, this.loads.length), 1)[0];
    if (load) await this.lab.buffer.fill(load.id, load.token, load.row);
  }

  /** As an eviction does, which takes only what has a TTL; or as an operator does, who takes anything. */
  async seize(id: string): Promise<void> {
    await this.lab.buffer.seize(id, uniqueName());
  }

  async evict(id: Id, anything: boolean): Promise<void> {
    if (anything || (await this.lab.hand.ttlMs(id)) !== 'NEVER') await this.lab.hand.evict(id);
  }

  async check(): Promise<void> {
    const items = await this.lab.items();
    expect(items.map((item) => item.kind === 'UPDATE' && item.position)).toEqual(
      this.queue.map(({ position }) => position),
    );
    await Promise.all(
      IDS.map(async (id) => {
        const [cached, ttlMs, isPending] = await Promise.all([
          this.lab.buffer.read(id),
          this.lab.hand.ttlMs(id),
          this.lab.buffer.isPending(id),
        ]);
        const waiting = this.waitingFor(id);
        expect(isPending, `6 pending mark of ${id}`).toBe(waiting.length > 0);
        if (ttlMs !== 'ABSENT') {
          expect(ttlMs === 'NEVER', `5 dirty is pinned: ${id}`).toBe(waiting.length > 0);
        }
        if (!cached) return;
        expect(cached.value, `6 what a reader sees of ${id}`).toEqual(this.expected(id));
        expect(cached.dirty).toBe(waiting.length > 0);
        const last = waiting.at(-1);
        if (last) expect(cached.version).toBe(versionOf(last.position));
        const content = JSON.stringify(Object.entries(cached.value ?? {}).sort());
        expect(this.versions.get(cached.version) ?? content, 'a version names one content').toBe(content);
        this.versions.set(cached.version, content);
      }),
    );
  }
}

type Step = readonly [name: string, run: (model: Model) => Promise<void>];

const id = fc.constantFrom(...IDS);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(id, fc.constantFrom('a', 'b'))
      .map(([of, field]): Step => [`update ${of}.${field}`, (model) => model.update(of, field)]),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.boolean())
      .map(([count, parks]): Step => [
        `flush ${String(count)}${parks ? ', parks' : ''}`,
        (model) => model.flush(count, parks),
      ]),
  },
  {
    weight: 2,
    arbitrary: fc
      .nat(20)
      .map((which): Step => [`ack ${String(which)} again`, (model) => model.ackAgain(which)]),
  },
  { weight: 3, arbitrary: id.map((of): Step => [`start load ${of}`, (model) => model.startLoad(of)]) },
  {
    weight: 3,
    arbitrary: fc
      .nat(3)
      .map((which): Step => [`finish load ${String(which)}`, (model) => model.finishLoad(which)]),
  },
  { weight: 2, arbitrary: id.map((of): Step => [`evict ${of}`, (model) => model.evict(of, false)]) },
  { weight: 1, arbitrary: id.map((of): Step => [`delete ${of}`, (model) => model.evict(of, true)]) },
  {
    weight: 1,
    arbitrary: id.map((of): Step => [`invalidate ${of}`, (model) => model.lab.buffer.invalidate(of)]),
  },
  {
    weight: 1,
    arbitrary: id.map((of): Step => [`seize ${of}`, (model) => model.seize(of)]),
  },
  {
    weight: 1,
    arbitrary: id.map((of): Step => [`end lease ${of}`, (model) => model.lab.hand.setLease(of, undefined)]),
  },
  { weight: 1, arbitrary: fc.constant<Step>(['lose seq', (model) => model.lab.hand.loseSeq(0)]) },
  {
    weight: 1,
    arbitrary: fc.constant<Step>([
      'failover',
      async (model) => {
        if (await model.lab.hand.seq(0)) await model.lab.hand.changeServer(0);
      },
    ]),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Step>([
      'clock falls behind',
      async (model) => {
        if (await model.lab.hand.seq(0))
          await model.lab.hand.setSeq(0, String((await model.lab.hand.timeUs()) + 3_600_000_000));
      },
    ]),
  },
);

export function describeModel(make: MakeBuffer): void {
  describe('1 to 7 together', () => {
    test('random updates, flushes, repeats, loads, evictions and lost epochs keep to the model', async () => {
      const lab = await openLab(make);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: STEPS, size: 'max' }), async (steps) => {
          await lab.buffer.deleteAll();
          const model = new Model(lab);
          for (const [name, run] of steps) {
            await run(model);
            await model.check().catch((error: unknown) => {
              throw new Error(`after ${name}, of ${steps.map(([each]) => each).join('; ')}`, {
                cause: error,
              });
            });
          }
        }),
        { numRuns: RUNS },
      );
    });
  });
}
