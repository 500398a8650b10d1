/**
 * What the record, the queue, the dead letters and the tables say, a fact at a time, spread over files by flight. So no
 * more than one file's flights are in memory at once, however long the record is, and a flight's facts keep their order.
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from './record.ts';

/** `what`: the content by which an update and its audit row are told from others; see `contentOf`. */
export type Fact =
  | [kind: 'LINE', id: string, what: string, outcome: Outcome, told: Told]
  | [kind: 'QUEUED' | 'DEAD', id: string, what: string, version: string]
  | TrailFact
  | [kind: 'ROW', id: string, value: string];

/** `group`: of rows that have the same one the order is not known; without it, it is that in which they are read. */
export type TrailFact = [
  kind: 'TRAIL',
  id: string,
  what: string,
  before: string,
  after: string,
  group?: string,
];

/** Of a line: what the caller was told; empty where there is nothing. */
export interface Told {
  readonly version: string;
  readonly durability: string;
  readonly key: string;
  readonly at: string;
}

interface Content {
  readonly departure: string;
  readonly arrival: string;
  readonly user: string;
  readonly comment: string | null;
}

/** flight_log has no key: an audit row is known by what it says. */
export function contentOf({ departure, arrival, user, comment }: Content): string {
  return JSON.stringify([departure, arrival, user, comment]);
}

/** What is held back for each file before it is written. */
const BUFFER_CHARACTERS = 64 * 1024;

export class FactFiles {
  readonly #folder: string;
  readonly #waiting: string[];

  constructor(count: number) {
    this.#folder = mkdtempSync(join(tmpdir(), 'afterwrite-history-'));
    this.#waiting = Array.from({ length: count }, () => '');
  }

  add(fact: Fact): void {
    const index = Number(fact[1]) % this.#waiting.length;
    const text = `${this.#waiting[index] ?? ''}${JSON.stringify(fact)}\n`;
    this.#waiting[index] = text.length < BUFFER_CHARACTERS ? text : '';
    if (text.length >= BUFFER_CHARACTERS) appendFileSync(this.#path(index), text);
  }

  /** The facts of some flights, by flight; each flight is in one of these and no other. */
  *byFlight(): Generator<Map<string, Fact[]>> {
    for (const [index, waiting] of this.#waiting.entries()) {
      const path = this.#path(index);
      const text = (existsSync(path) ? readFileSync(path, 'utf8') : '') + waiting;
      rmSync(path, { force: true });
      const flights = new Map<string, Fact[]>();
      for (const line of text.split('\n')) {
        if (line === '') continue;
        const fact = JSON.parse(line) as Fact;
        const facts = flights.get(fact[1]);
        if (facts) facts.push(fact);
        else flights.set(fact[1], [fact]);
      }
      yield flights;
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #path(index: number): string {
    return join(this.#folder, String(index));
  }
}
