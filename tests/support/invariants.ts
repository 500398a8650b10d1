/** What both servers hold at one moment, read past the engine, and the promises that it must keep. One partition. */
import { FIELDS, type Field, type WidgetWorld } from './widgets.ts';

export interface Accepted {
  readonly uid: string;
  readonly id: string;
  readonly field: Field;
  readonly value: string | number;
}

/** Fields by name, each as JSON text. */
type Values = Partial<Record<Field, string>>;

export interface CachedState {
  readonly hash: Readonly<Record<string, string>>;
  readonly ttlMs: number;
}

export interface KeyDump {
  readonly bytes: Buffer;
  readonly ttlMs: number;
}

export interface State {
  readonly queue: readonly { readonly uid: string; readonly id: string; readonly changes: Values }[];
  readonly pending: Readonly<Record<string, string>>;
  readonly cached: ReadonlyMap<string, CachedState>;
  /** By key, as the server would have it after a failover back to here. */
  readonly dump: ReadonlyMap<string, KeyDump>;
  /** In the order in which they were stored. */
  readonly audit: readonly string[];
  readonly dead: readonly string[];
  readonly rows: ReadonlyMap<string, Values>;
  /** Entities with a letter that was redriven by somebody who ended before the cache was told. */
  readonly untold: ReadonlySet<string>;
}

/** Cached, not tainted. */
export function isCached(entity: CachedState | undefined): boolean {
  return entity?.hash['~v'] !== undefined;
}

export function isDirty(entity: CachedState | undefined): boolean {
  return entity?.hash['~d'] !== undefined;
}

export async function readState(world: WidgetWorld): Promise<State> {
  const [buffer, store] = await Promise.all([readBuffer(world), readStore(world)]);
  return { ...buffer, ...store };
}

async function readBuffer(world: WidgetWorld): Promise<Pick<State, 'queue' | 'pending' | 'cached' | 'dump'>> {
  const { ids, tag, valkey } = world;
  const pipeline = valkey.pipeline().lrange(`${tag}:queue`, 0, -1).hgetall(`${tag}:pending`);
  for (const id of ids) pipeline.hgetall(world.entityKey(id));
  const keys = world.keys();
  for (const key of keys) pipeline.pttl(key).dumpBuffer(key);
  const replies = ((await pipeline.exec()) ?? []).map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
  const [items, pending, ...rest] = replies as [string[], Record<string, string>, ...unknown[]];
  const dump = new Map<string, KeyDump>();
  for (const [index, key] of keys.entries()) {
    const [ttlMs, bytes] = rest.slice(ids.length + 2 * index) as [number, Buffer | null];
    if (bytes) dump.set(key, { bytes, ttlMs });
  }
  const cached = new Map<string, CachedState>();
  for (const [index, id] of ids.entries()) {
    const saved = dump.get(world.entityKey(id));
    const hash = rest[index] as Record<string, string>;
    if (saved) cached.set(id, { hash: await withCopy(world, id, hash), ttlMs: saved.ttlMs });
  }
  return { queue: items.map(readItem), pending, cached, dump };
}

/** A value that lies in memcached, as if it lay in the hash. Without a copy of its version it is not cached. */
async function withCopy(
  world: WidgetWorld,
  id: string,
  hash: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const { '~x': isElsewhere, '~v': version = '', ...rest } = hash;
  if (isElsewhere === undefined) return hash;
  const copy = await world.readCopy(id);
  const [tag = ''] = copy?.split(' ') ?? [];
  // Of a fill the tag has no epoch.
  if (tag === '' || !(version === tag || (tag.startsWith('.') && version.endsWith(tag)))) return rest;
  const value = JSON.parse(copy?.slice(tag.length) ?? '') as Readonly<Record<string, unknown>>;
  return { ...rest, '~v': version, ...asTexts(value) };
}

async function readStore(world: WidgetWorld): Promise<Pick<State, 'audit' | 'dead' | 'rows' | 'untold'>> {
  const [log = [], letters = [], rows = [], untold = []] = await world.batch([
    'SELECT uid FROM widget_log ORDER BY id',
    'SELECT item FROM afterwrite_dead_letters WHERE redriven_at IS NULL ORDER BY letter_id',
    'SELECT widget_id, name, size, note FROM widget',
    'SELECT entity_id FROM afterwrite_dead_letters WHERE redriven_at IS NOT NULL',
  ]);
  return {
    audit: log.map(({ uid }) => uid as string),
    dead: letters.map(({ item }) => readItem(String(item)).uid),
    rows: new Map(rows.map((row) => [String(row.widget_id), asTexts(row)])),
    untold: new Set(untold.map((row) => String(row.entity_id))),
  };
}

function readItem(text: string): State['queue'][number] {
  const parts = JSON.parse(text) as [
    number,
    string,
    number,
    number,
    string,
    Record<string, unknown>,
    string,
    string,
  ];
  return { id: parts[4], changes: asTexts(parts[5]), uid: parts[7] };
}

function asTexts(values: Readonly<Record<string, unknown>>): Values {
  return Object.fromEntries(
    FIELDS.filter((field) => field in values).map((field) => [field, JSON.stringify(values[field])]),
  );
}

export interface History {
  /** In the order of acceptance. */
  readonly accepted: readonly Accepted[];
  /** Acknowledged updates that only the lost memory of the buffer held. */
  readonly excused: ReadonlySet<string>;
  /** Stored by a redrive: out of the order of acceptance on purpose. */
  readonly redriven: ReadonlySet<string>;
  /** Whether what is cached of an entity must be right: see trust.ts. */
  isTrusted(id: string): boolean;
}

/** Names every broken promise; empty when all hold. */
export function brokenPromises(state: State, history: History): string[] {
  const { audit, dead, queue } = state;
  const broken: string[] = [];
  const held = new Set([...queue.map(({ uid }) => uid), ...audit, ...dead]);
  for (const { uid } of history.accepted)
    if (!held.has(uid) && !history.excused.has(uid)) broken.push(`3 lost ${uid}`);
  if (new Set(audit).size < audit.length) broken.push(`4 doubled in the audit trail: ${audit.join(' ')}`);
  if (new Set(dead).size < dead.length) broken.push(`4 doubled among the dead letters: ${dead.join(' ')}`);
  for (const uid of dead) if (audit.includes(uid)) broken.push(`4 both stored and parked: ${uid}`);
  for (const id of state.rows.keys()) {
    broken.push(...brokenStore(id, state, history), ...brokenBuffer(id, state, history));
  }
  return broken;
}

function brokenStore(id: string, { audit, rows }: State, { accepted, redriven }: History): string[] {
  const broken: string[] = [];
  const stored = new Set(audit);
  const mine = accepted.filter((update) => update.id === id && stored.has(update.uid));
  const wanted = mine.map(({ uid }) => uid).filter((uid) => !redriven.has(uid));
  const found = audit.filter((uid) => wanted.includes(uid));
  if (found.join() !== wanted.join()) broken.push(`2 out of order, widget ${id}: ${found.join(' ')}`);
  for (const field of FIELDS) {
    const newest = mine.findLast((update) => update.field === field);
    const row = rows.get(id)?.[field];
    if (newest && row !== JSON.stringify(newest.value))
      broken.push(`4 widget ${id}.${field} is ${String(row)}, not as ${newest.uid} left it`);
  }
  return broken;
}

function brokenBuffer(id: string, state: State, history: History): string[] {
  const broken: string[] = [];
  const entity = state.cached.get(id);
  const waiting = state.queue.filter((item) => item.id === id);
  const todo = waiting.filter(({ uid }) => !state.audit.includes(uid) && !state.dead.includes(uid));
  if (todo.length > 0 && (entity?.ttlMs ?? 0) > 0) broken.push(`5 widget ${id} is dirty and has a TTL`);
  if (todo.length > 0 && state.pending[id] === undefined)
    broken.push(`6 widget ${id} waits for the store and is not in the pending index`);
  if (entity === undefined || !isCached(entity) || !history.isTrusted(id)) return broken;
  const expected = Object.assign({}, state.rows.get(id), ...waiting.map(({ changes }) => changes)) as Values;
  for (const field of FIELDS) {
    if (entity.hash[field] !== expected[field])
      broken.push(
        `6 widget ${id}.${field} is cached as ${String(entity.hash[field])}, stored and pending say ${String(expected[field])}`,
      );
  }
  return broken;
}

/** After everything was drained: nothing may stay queued, pending or pinned. */
export function leftovers({ queue, pending, cached }: State): string[] {
  const left = queue.map(({ uid }) => `3 still queued: ${uid}`);
  for (const id of Object.keys(pending)) left.push(`5 still in the pending index: ${id}`);
  for (const [id, { ttlMs }] of cached) if (ttlMs < 0) left.push(`5 clean and pinned for ever: ${id}`);
  return left;
}
