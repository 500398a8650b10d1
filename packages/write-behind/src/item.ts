/**
 * The queue item: one JSON array a line,
 *   [format,"<epoch>",<seq>,<ahead>,"<id>", … what the format says
 * The buffer's script writes the head (format, position, by how many microseconds seq ran ahead of the buffer's clock);
 * the caller the tail. The head up to the id must stay as it is in every format, because the ack reads it.
 *
 * Items and dead letters outlive the code that wrote them. So a format that was ever written is read for ever: a new one
 * adds a reader to READERS, and a file to `testing/recorded/`. It is written (`update-n.lua`) only one release later, so
 * that whoever runs beside it can read it. (Formats 1 and 2 came before the first release: both are read and written.) What
 * is newer than this code is not understood and not parked either: it waits. An update is written in the oldest format
 * that holds all it says.
 */
import { isUtf8 } from 'node:buffer';
import type { FieldValues, Scalar, Update } from './entity.ts';
import type { Position } from './position.ts';

/** An update as the audit trail shows it. */
export interface AcceptedUpdate extends Update<FieldValues> {
  /** When it was accepted, in microseconds since 1970. */
  readonly acceptedUs: number;
}

/** An update that was read back from the queue. */
export interface QueuedUpdate extends AcceptedUpdate {
  readonly kind: 'UPDATE';
  readonly position: Position;
  readonly bytes: Buffer;
}

/** An item that is not ours, or is damaged: parked as its bytes. */
export interface UnreadableItem {
  readonly kind: 'UNREADABLE';
  readonly bytes: Buffer;
  readonly reason: string;
  /** The position and id that its head still shows, if any. Only to be trusted within an epoch that is known. */
  readonly head: { readonly position: Position; readonly id: string } | undefined;
}

/** An item in a format that newer code wrote: to be left alone until that code reads it. */
export interface NewerItem {
  readonly kind: 'NEWER';
  readonly bytes: Buffer;
  readonly format: number;
  readonly reason: string;
  readonly head: { readonly position: Position; readonly id: string };
}

/** An item whose fate this code can decide. */
export type KnownItem = QueuedUpdate | UnreadableItem;
export type QueueItem = KnownItem | NewerItem;

export function encodeItemTail(update: Update<FieldValues>): string {
  return JSON.stringify([update.id, update.changes, update.user, update.comment]).slice(1);
}

/**
 * The tail in format 2, as the script takes it: behind the digit of its format, which a tail of format 1 does without. The
 * trace needs no escapes, see `parseTrace`.
 */
export function withTrace(tail: string, trace: string): string {
  return `2${tail.slice(0, -1)},"${trace}"]`;
}

/** What a format says after the head: what `parts` hold is checked for its shape only, see decodeItem. */
type ReadItem = (parts: readonly unknown[]) => Update<FieldValues>;

/** Formats that this code understands. Of those that were ever written none may go. */
const READERS: Readonly<Record<number, ReadItem>> = {
  1: readFormat1,
  2: readFormat2,
};
/** The newest of them. */
export const ITEM_FORMAT = Math.max(...Object.keys(READERS).map(Number));

/** The same pattern as in `ack`: what the ack can drop by position is what is given a position here. */
const HEAD = /^\[(0|[1-9]\d{0,3}),"([0-9A-Za-z]{1,32})",(\d{1,16}),(\d{1,16}),"([^"\\]+)",/;

/** When an item was accepted, in microseconds since 1970, as its head shows it; undefined where it shows nothing. */
export function acceptedUsOf(bytes: Buffer): number | undefined {
  const match = HEAD.exec(bytes.toString('latin1', 0, MAX_HEAD_BYTES));
  return match ? Number(match[3]) - Number(match[4]) : undefined;
}

/** Format, epoch, seq, ahead and an id of 128 characters, with room to spare. */
const MAX_HEAD_BYTES = 256;

/**
 * Never throws. The changes are checked for their shape only: whether a value is allowed was decided when it was
 * accepted, by rules that may have changed since, and is decided at the end by the database.
 */
export function decodeItem(bytes: Buffer): QueueItem {
  const text = bytes.toString('utf8');
  const match = HEAD.exec(text);
  const format = Number(match?.[1]);
  const head =
    match === null
      ? undefined
      : { position: { epoch: match[2] ?? '', seq: Number(match[3]) }, id: match[5] ?? '' };
  try {
    if (!isUtf8(bytes)) throw new Error('it is not UTF-8');
    if (!head) throw new Error('it does not begin as an item of ours does');
    if (!Number.isSafeInteger(head.position.seq)) throw new Error('its seq is out of range');
    if (format > ITEM_FORMAT) {
      const reason = `it is of format ${String(format)}, this code knows up to ${String(ITEM_FORMAT)}`;
      return { kind: 'NEWER', bytes, format, reason, head };
    }
    const read = READERS[format];
    if (!read) throw new Error(`nothing was ever written in its format, ${String(format)}`);
    const parts: unknown = JSON.parse(text);
    const ahead = Array.isArray(parts) ? (parts as unknown[])[3] : undefined;
    if (!Array.isArray(parts) || typeof ahead !== 'number') throw new Error('its head is damaged');
    const acceptedUs = head.position.seq - ahead;
    return { kind: 'UPDATE', position: head.position, acceptedUs, ...read(parts), bytes };
  } catch (error) {
    return {
      kind: 'UNREADABLE',
      bytes,
      head,
      reason: error instanceof Error ? error.message : String(error),
    };
  }
}

/** [1,"epoch",seq,ahead,"id",{changes},"user","comment" or null] */
function readFormat1(parts: readonly unknown[]): Update<FieldValues> {
  if (parts.length !== 8) throw new Error('it does not have eight parts');
  const [, , , , id, changes, user, comment] = parts;
  if (typeof id !== 'string') throw new Error('its head is damaged');
  if (typeof user !== 'string') throw new Error('its user is not a text');
  if (comment !== null && typeof comment !== 'string') throw new Error('its comment is not a text');
  return { id, changes: readChanges(changes), user, comment };
}

/** [2,"epoch",seq,ahead,"id",{changes},"user","comment" or null,"trace"] */
function readFormat2(parts: readonly unknown[]): Update<FieldValues> {
  if (parts.length !== 9) throw new Error('it does not have nine parts');
  const trace = parts[8];
  if (typeof trace !== 'string') throw new Error('its trace is not a text');
  return { ...readFormat1(parts.slice(0, 8)), trace };
}

function readChanges(changes: unknown): FieldValues {
  if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) {
    throw new Error('its changes are not an object');
  }
  for (const value of Object.values(changes)) {
    if (typeof value === 'object' && value !== null)
      throw new Error('its changes hold more than plain values');
    // JSON has numbers that no number of ours holds: as SQL, Infinity would be the name of a column.
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new Error('its changes hold a number out of range');
  }
  return changes as Record<string, Scalar>;
}
