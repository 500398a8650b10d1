/**
 * Writers that go on whatever happens to what they write to: an update whose outcome is not known is sent again under its
 * idempotency key until it is acknowledged. So the record holds all that was accepted.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { UpdateResult } from '@afterwrite/write-behind';
import type { History } from './history.ts';

export interface Sent {
  readonly uid: string;
  readonly flightId: number;
  readonly departure: string;
  readonly arrival: string;
}

/** Between two updates of one writer, and between two attempts at one. */
const REST_MS = 5;
const AGAIN_MS = 50;

/** Each update sets a departure of its own, so that a chain shows every swap. */
export function numbered(number: number, flights: number): Sent & { readonly column: string } {
  const departure = new Date(Date.UTC(2030, 0, 1) + number * 1000);
  const iso = departure.toISOString();
  return {
    uid: `u${String(number)}`,
    flightId: 1 + ((Math.imul(number, 2_654_435_761) >>> 0) % flights),
    departure: iso,
    arrival: new Date(departure.getTime() + 3_600_000).toISOString(),
    column: iso.slice(0, 19).replace('T', ' '),
  };
}

/** Writes until `stop`, which resolves with how many updates were acknowledged. */
export function startWriters(options: {
  readonly history: History;
  readonly flights: number;
  readonly writers: number;
  /** Of the first update. */
  readonly from?: number;
  /** Rejects where it shall be sent again. */
  readonly send: (sent: Sent) => Promise<Pick<UpdateResult, 'version' | 'seq'>>;
}): { stop(): Promise<number> } {
  const { history, flights, writers, from = 0, send } = options;
  let next = from;
  let isStopped = false;
  const write = async () => {
    while (!isStopped) {
      const { column, ...sent } = numbered(next++, flights);
      for (;;) {
        const result = await send(sent).catch(() => undefined);
        if (result) {
          history.acknowledge(sent.uid, sent.flightId, column, result);
          break;
        }
        await delay(AGAIN_MS);
      }
      await delay(REST_MS);
    }
  };
  const all = Promise.all(Array.from({ length: writers }, write));
  return {
    async stop() {
      isStopped = true;
      await all;
      return next - from;
    },
  };
}
