/**
 * The ten promises, checked on the real state of both servers after any step: what was acknowledged is in the queue, in
 * the audit trail or among the dead letters; once; in order; rows and cached values are what these say. One partition.
 */
import { Redis } from 'iovalkey';
import type { World } from './world.ts';

export interface Accepted {
  readonly uid: string;
  readonly flightId: number;
  /** `YYYY-MM-DDTHH:MM:SSZ` */
  readonly departure: string;
}

export interface Losses {
  /** Acknowledged updates that only the lost memory of the buffer held. */
  readonly excused: Set<string>;
  /** Set once the buffer lost anything: cached values may then be older than the store until they expire. */
  lossy: boolean;
  /** Stored by a redrive: out of the order of acceptance on purpose. */
  readonly redriven: Set<string>;
}

export interface Snapshot {
  readonly queue: readonly Accepted[];
  readonly audit: readonly string[];
  readonly dead: readonly string[];
}

export async function takeSnapshot(world: World): Promise<Snapshot> {
  const items = await world.valkey.lrange(`${world.tag(0)}:queue`, 0, -1);
  const log = await world.rows<{ comment: string }>('SELECT comment FROM flight_log');
  const letters = await world.rows<{ item: Buffer }>(
    'SELECT item FROM afterwrite_dead_letters WHERE redriven_at IS NULL',
  );
  return {
    queue: items.map(readItem),
    audit: log.map(({ comment }) => comment),
    dead: letters.map(({ item }) => readItem(item.toString()).uid),
  };
}

function readItem(text: string): Accepted {
  const [, , , , id, changes, , uid] = JSON.parse(text) as [
    number,
    string,
    number,
    number,
    string,
    Changes,
    string,
    string,
  ];
  return { uid, flightId: Number(id), departure: changes.departure };
}

interface Changes {
  readonly departure: string;
}

/** Names every broken promise; empty when all hold. `accepted`: in the order of acceptance. */
export async function brokenPromises(
  world: World,
  accepted: readonly Accepted[],
  losses: Losses,
): Promise<string[]> {
  const { queue, audit, dead } = await takeSnapshot(world);
  const broken: string[] = [];
  const held = new Set([...queue.map(({ uid }) => uid), ...audit, ...dead]);
  for (const { uid } of accepted) {
    if (!held.has(uid) && !losses.excused.has(uid)) broken.push(`3 lost ${uid}`);
  }
  if (new Set(audit).size < audit.length) broken.push(`4 doubled in the audit trail: ${audit.join(' ')}`);
  if (new Set(dead).size < dead.length) broken.push(`4 doubled among the dead letters: ${dead.join(' ')}`);
  for (const uid of dead) if (audit.includes(uid)) broken.push(`4 both stored and parked: ${uid}`);

  const order = new Map(accepted.map(({ uid }, index) => [uid, index]));
  const stored = new Set(audit);
  const todo = queue.filter(({ uid }) => !stored.has(uid) && !dead.includes(uid));
  const rows = await world.rows<{ flight_id: number; departure: string }>(
    'SELECT flight_id, departure FROM flight',
  );
  for (const { flight_id: flightId, departure } of rows) {
    const mine = accepted.filter((update) => update.flightId === flightId && stored.has(update.uid));
    const auditOrder = audit.filter(
      (uid) => mine.some((update) => update.uid === uid) && !losses.redriven.has(uid),
    );
    const indexes = auditOrder.map((uid) => order.get(uid) ?? -1);
    if (indexes.some((at, index) => index > 0 && at < (indexes[index - 1] ?? 0))) {
      broken.push(`2 out of order, flight ${String(flightId)}: ${auditOrder.join(' ')}`);
    }
    const row = `${departure.replace(' ', 'T')}Z`;
    const newest = mine.at(-1);
    if (newest && newest.departure !== row)
      broken.push(`4 flight ${String(flightId)} is ${row}, not as ${newest.uid} left it`);
    broken.push(...(await brokenCache(world, flightId, row, { queue, todo, lossy: losses.lossy })));
  }
  return broken;
}

async function brokenCache(
  world: World,
  flightId: number,
  row: string,
  { queue, todo, lossy }: { queue: readonly Accepted[]; todo: readonly Accepted[]; lossy: boolean },
): Promise<string[]> {
  const key = `${world.tag(0)}:${String(flightId)}`;
  const [hash, ttl] = await Promise.all([world.valkey.hgetall(key), world.valkey.pttl(key)]);
  const broken: string[] = [];
  const waits = todo.some((update) => update.flightId === flightId);
  if (waits && ttl > 0 && !lossy) broken.push(`5 flight ${String(flightId)} is dirty and has a TTL`);
  const last = queue.findLast((update) => update.flightId === flightId);
  const expected = JSON.stringify(last?.departure ?? row);
  if (hash['~v'] !== undefined && hash['~m'] === undefined && !lossy && hash.departure !== expected) {
    broken.push(
      `6 flight ${String(flightId)} is cached as ${String(hash.departure)}, stored and pending say ${expected}`,
    );
  }
  return broken;
}

/** After everything was drained: nothing may stay pinned, pending or queued. */
export async function leftovers(world: World): Promise<string[]> {
  if (!(world.valkey instanceof Redis)) throw new Error('one server only');
  const left: string[] = [];
  const pending = await world.valkey.hgetall(`${world.tag(0)}:pending`);
  if (Object.keys(pending).length > 0)
    left.push(`5 still in the pending index: ${Object.keys(pending).join(' ')}`);
  for (const key of await world.valkey.keys(`${world.tag(0)}:[0-9]*`)) {
    if ((await world.valkey.pttl(key)) < 0) left.push(`5 clean and pinned for ever: ${key}`);
  }
  return left;
}
