/** What was acknowledged to writers that do not all call FlightCache themselves, and the checker's verdict on it. */
import type { HistoryCounts } from '@afterwrite/flights/history';
import type { UpdateResult } from '@afterwrite/write-behind';
import { onTestFinished } from 'vitest';
import { cleanCounts, makeRecord, type TestRecord } from './record.ts';
import type { World } from './world.ts';

/** An update whose outcome is not known may be stored or not. */
export type Verdict = Omit<HistoryCounts, 'unknown' | 'unknownFound'>;

export interface Sent {
  readonly uid: string;
  readonly flightId: number;
  /** What was set, `YYYY-MM-DD HH:MM:SS`; its arrival is an hour later. */
  readonly departure: string;
  readonly user?: string;
}

/** Nothing lost, doubled, out of order or wrong. */
export function cleanVerdict(count: number): Verdict {
  return withoutUnknown(cleanCounts(count));
}

export class History {
  readonly #record: TestRecord = makeRecord();

  constructor() {
    onTestFinished(() => {
      this.#record[Symbol.dispose]();
    });
  }

  acknowledge(
    uid: string,
    flightId: number,
    departure: string,
    { version }: Pick<UpdateResult, 'version'>,
    user = 'test',
  ): void {
    const sent = { uid, flightId, departure, user };
    this.#record.recorder.write({ outcome: 'acknowledged', ...lineOf(sent), version });
  }

  unknown(sent: Sent): void {
    this.#record.recorder.write({ outcome: 'unknown', ...lineOf(sent) });
  }

  async verdict(world: Pick<World, 'settings'>): Promise<Verdict> {
    const { lines, trailRows, findings, durationMs, ...counts } = await this.#record.check(world);
    if (findings.length > 0) console.log({ lines, trailRows, durationMs, findings });
    return withoutUnknown(counts);
  }
}

function lineOf({ uid, flightId, departure, user = 'test' }: Sent) {
  const arrival = new Date(Date.parse(isoOf(departure)) + 3_600_000).toISOString();
  const changes = { departure: isoOf(departure), arrival: `${arrival.slice(0, 19)}Z` };
  return { id: String(flightId), changes, user, comment: uid };
}

function isoOf(column: string): string {
  return `${column.replace(' ', 'T')}Z`;
}

function withoutUnknown({ unknown: _, unknownFound: __, ...verdict }: HistoryCounts): Verdict {
  return verdict;
}
