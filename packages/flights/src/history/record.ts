/**
 * The record of what an application was told: JSON lines, one for each thing that happened to an update.
 *
 *   {"outcome":"acknowledged","id":"115","changes":{"departure":"…","arrival":"…"},"user":"ann","comment":null,
 *    "version":"<epoch>-<seq>","durability":"memory","at":"2027-06-01T10:30:00.123Z"}
 *
 * `sent`: about to be sent. Without another line of the same update nobody knows what became of it.
 * `acknowledged`: accepted; `version` and `durability` as the call answered. `unknown`: the reply was lost.
 * `refused`: not accepted. `key`: the idempotency key, where there is one.
 */
import { createReadStream } from 'node:fs';
import { flightDefinition } from '../flight.ts';

export type Outcome = 'sent' | 'acknowledged' | 'unknown' | 'refused';

export interface RecordLine {
  readonly outcome: Outcome;
  readonly id: string;
  /** ISO 8601, UTC, whole seconds. */
  readonly changes: { readonly departure: string; readonly arrival: string };
  readonly user: string;
  readonly comment: string | null;
  /** Of what was acknowledged: `<epoch>-<seq>`. */
  readonly version?: string;
  readonly durability?: string;
  /** Idempotency key. */
  readonly key?: string;
  /** When the line was written, ISO 8601 UTC. */
  readonly at: string;
}

/** A line is not of a record, so nothing can be said about it. */
export class RecordFormatError extends Error {
  override readonly name = 'RecordFormatError';
  constructor(file: string, line: number, reason: string) {
    super(`${file}, line ${String(line)}: ${reason}. docs/OPERATIONS.md says what a record looks like.`);
  }
}

const OUTCOMES: ReadonlySet<unknown> = new Set<Outcome>(['sent', 'acknowledged', 'unknown', 'refused']);
const VERSION = /^[0-9A-Za-z]{1,32}-\d{1,16}$/;
/** As the engine writes a time: needs no second look. */
const PLAIN_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/** Throws Error that says what is wrong with it. */
function parseRecordLine(text: string): RecordLine {
  const line: unknown = JSON.parse(text);
  if (typeof line !== 'object' || line === null) throw new Error('it is not a JSON object');
  const { outcome, id, changes, user, comment = null, version, at } = line as Record<string, unknown>;
  if (!OUTCOMES.has(outcome)) throw new Error(`outcome is none of ${[...OUTCOMES].join(', ')}`);
  if (typeof user !== 'string') throw new Error('user is not a text');
  if (comment !== null && typeof comment !== 'string') throw new Error('comment is not a text');
  if (typeof at !== 'string') throw new Error('at is not a time');
  if (outcome === 'acknowledged' && !(typeof version === 'string' && VERSION.test(version))) {
    throw new Error('version is not <epoch>-<seq>, as the update answered it');
  }
  return {
    ...(line as RecordLine),
    id: flightDefinition.parseId(id),
    changes: isPlain(changes) ? changes : flightDefinition.parseChanges(changes),
    comment,
  };
}

function isPlain(changes: unknown): changes is RecordLine['changes'] {
  const { departure, arrival } = (changes ?? {}) as Record<string, unknown>;
  return [departure, arrival].every((time) => typeof time === 'string' && PLAIN_TIME.test(time));
}

export interface ReadLine {
  readonly line: RecordLine;
  /** How far into the file. */
  readonly bytes: number;
}

/**
 * The lines of one file, a chunk at a time. A last line without an end that cannot be read was cut off by a crash of its
 * writer, before anybody was told: it is left out. Throws RecordFormatError for any other.
 */
export async function* readRecord(file: string): AsyncGenerator<ReadLine[]> {
  let [number, bytes, rest] = [0, 0, ''];
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    bytes += Buffer.byteLength(chunk as string);
    const texts = (rest + (chunk as string)).split('\n');
    rest = texts.pop() ?? '';
    const lines: ReadLine[] = [];
    for (const text of texts) {
      number++;
      try {
        if (text.trim() !== '') lines.push({ line: parseRecordLine(text), bytes });
      } catch (error) {
        throw new RecordFormatError(file, number, error instanceof Error ? error.message : String(error));
      }
    }
    yield lines;
  }
  try {
    if (rest.trim() !== '') yield [{ line: parseRecordLine(rest), bytes }];
  } catch {
    // Cut off.
  }
}
