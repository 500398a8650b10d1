/**
 * The queue item: one JSON array a line,
 *   [1,"<epoch>",<seq>,<ahead>,"<id>",{changes},"user","comment" or null]
 * The buffer's script writes the head (format version, position, by how many microseconds seq ran ahead of the
 * buffer's clock); the caller the tail. The head must stay as it is in later formats, because the ack reads it.
 */
import { isUtf8 } from 'node:buffer';
import type { FieldValues, Scalar, Update } from './entity.ts';
import type { Position } from './position.ts';

/** An update that was read back from the queue. */
export interface QueuedUpdate extends Update<FieldValues> {
  readonly kind: 'UPDATE';
  readonly position: Position;
  /** When the buffer accepted it, in microseconds since 1970. */
  readonly acceptedUs: number;
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

export type QueueItem = QueuedUpdate | UnreadableItem;

export function encodeItemTail(update: Update<FieldValues>): string {
  return JSON.stringify([update.id, update.changes, update.user, update.comment]).slice(1);
}

/** The same pattern as in `ack`: what the ack can drop by position is what is given a position here. */
const HEAD = /^\[1,"([0-9A-Za-z]{1,32})",(\d{1,16}),(\d{1,16}),"([^"\\]+)",/;

/** When an item was accepted, in microseconds since 1970, as its head shows it; undefined where it shows nothing. */
export function acceptedUsOf(bytes: Buffer): number | undefined {
  const match = HEAD.exec(bytes.toString('latin1', 0, MAX_HEAD_BYTES));
  return match ? Number(match[2]) - Number(match[3]) : undefined;
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
  const head =
    match === null
      ? undefined
      : { position: { epoch: match[1] ?? '', seq: Number(match[2]) }, id: match[4] ?? '' };
  try {
    if (!isUtf8(bytes)) throw new Error('it is not UTF-8');
    if (!head) throw new Error('it does not begin as an item of ours does');
    if (!Number.isSafeInteger(head.position.seq)) throw new Error('its seq is out of range');
    const parts: unknown = JSON.parse(text);
    if (!Array.isArray(parts) || parts.length !== 8) throw new Error('it does not have eight parts');
    const [, , , ahead, id, changes, user, comment] = parts as unknown[];
    if (typeof ahead !== 'number' || typeof id !== 'string') throw new Error('its head is damaged');
    if (typeof user !== 'string') throw new Error('its user is not a text');
    if (comment !== null && typeof comment !== 'string') throw new Error('its comment is not a text');
    return {
      kind: 'UPDATE',
      position: head.position,
      acceptedUs: head.position.seq - ahead,
      id,
      changes: readChanges(changes),
      user,
      comment,
      bytes,
    };
  } catch (error) {
    return {
      kind: 'UNREADABLE',
      bytes,
      head,
      reason: error instanceof Error ? error.message : String(error),
    };
  }
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
