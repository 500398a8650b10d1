/**
 * A receipt names one accepted update: flight, epoch and seq, with a few check characters, so that one which was typed
 * wrongly is told from one that is real. It opens nothing that the flight's own state does not show.
 */
import { createHash } from 'node:crypto';
import type { Position, UpdateResult } from '@afterwrite/write-behind';
import { Problem } from './problem.ts';

export interface Receipt {
  readonly flightId: string;
  readonly position: Position;
}

/** Flights are numbered by a signed INT. */
const MAX_FLIGHT_ID = 2_147_483_647;
const PATTERN = /^([1-9]\d{0,9})-([0-9A-Za-z]{1,32})-(\d{1,16})-([\w-]{8})$/;

export function writeReceipt(flightId: string, { version }: Pick<UpdateResult, 'version'>): string {
  const text = `${flightId}-${version}`;
  return `${text}-${checkOf(text)}`;
}

export function readReceipt(text: string): Receipt {
  const match = PATTERN.exec(text);
  const [, flightId = '', epoch = '', seq = '', check = ''] = match ?? [];
  // The check characters hold no secret: anybody can make them for numbers that never were.
  const isPossible = Number(flightId) <= MAX_FLIGHT_ID && Number.isSafeInteger(Number(seq));
  if (!match || !isPossible || check !== checkOf(`${flightId}-${epoch}-${seq}`)) {
    throw new Problem('not-found', 'There never was such a receipt.', { field: 'receipt' });
  }
  return { flightId, position: { epoch, seq: Number(seq) } };
}

function checkOf(text: string): string {
  return createHash('sha256').update(`afterwrite receipt ${text}`).digest('base64url').slice(0, 8);
}
