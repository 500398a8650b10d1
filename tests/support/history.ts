/**
 * What was acknowledged, and the verdict on what became of it: each update stored once, the audit trail of each flight
 * an unbroken chain in the order of acceptance, and each row as its last update left it.
 */
import type { UpdateResult } from '@afterwrite/write-behind';
import type { World } from './world.ts';

interface Acknowledged {
  readonly uid: string;
  readonly flightId: number;
  readonly epoch: string;
  readonly seq: number;
  readonly departure: string;
}

interface LogRow {
  readonly comment: string;
  readonly flight_id: number;
  readonly departure_old: string;
  readonly departure_new: string;
}

export interface Verdict {
  readonly acknowledged: number;
  readonly stored: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Stored, but never acknowledged. */
  readonly unknown: readonly string[];
  readonly brokenChains: readonly string[];
  readonly wrongRows: readonly string[];
}

/** Nothing lost, doubled, out of order or wrong. */
export function cleanVerdict(count: number): Verdict {
  const none: readonly string[] = [];
  const rest = { lost: none, doubled: none, unknown: none, brokenChains: none, wrongRows: none };
  return { acknowledged: count, stored: count, ...rest };
}

export class History {
  readonly #acknowledged = new Map<string, Acknowledged>();

  /** `departure`: what the update set, `YYYY-MM-DD HH:MM:SS`. */
  acknowledge(uid: string, flightId: number, departure: string, result: UpdateResult): void {
    const [epoch = ''] = result.version.split('-');
    this.#acknowledged.set(uid, { uid, flightId, epoch, seq: result.seq, departure });
  }

  /** Forgets what was acknowledged so far: its loss is accounted for elsewhere. */
  forget(): string[] {
    const uids = [...this.#acknowledged.keys()];
    this.#acknowledged.clear();
    return uids;
  }

  async verdict(world: World): Promise<Verdict> {
    const log = await world.rows<LogRow>(
      'SELECT comment, flight_id, departure_old, departure_new FROM flight_log',
    );
    const flights = await world.rows<{ flight_id: number; departure: string }>(
      'SELECT flight_id, departure FROM flight',
    );
    const byUid = Map.groupBy(log, ({ comment }) => comment);
    const all = [...this.#acknowledged.values()];
    const brokenChains: string[] = [];
    const wrongRows: string[] = [];
    const departures = new Map(flights.map((row) => [row.flight_id, row.departure]));
    for (const [flightId, updates] of Map.groupBy(all, (update) => update.flightId)) {
      const inOrder = updates.toSorted((a, b) => a.seq - b.seq);
      for (const [index, update] of inOrder.entries()) {
        const previous = inOrder[index - 1];
        const row = byUid.get(update.uid)?.[0];
        if (
          row &&
          (row.departure_new !== update.departure || (previous && row.departure_old !== previous.departure))
        ) {
          brokenChains.push(`${update.uid}: ${row.departure_old} -> ${row.departure_new}`);
        }
      }
      if (departures.get(flightId) !== inOrder.at(-1)?.departure) wrongRows.push(String(flightId));
    }
    return {
      acknowledged: all.length,
      stored: all.filter(({ uid }) => byUid.has(uid)).length,
      lost: all.filter(({ uid }) => !byUid.has(uid)).map(({ uid }) => uid),
      doubled: [...byUid].filter(([, rows]) => rows.length > 1).map(([uid]) => uid),
      unknown: [...byUid.keys()].filter((uid) => !this.#acknowledged.has(uid)),
      brokenChains,
      wrongRows,
    };
  }
}
