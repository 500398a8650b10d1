/**
 * A receipt names one accepted update: flight, epoch and seq, signed with a key that only this database's functions know,
 * so that one which never was is told from one that is real.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Position, UpdateResult } from '@afterwrite/write-behind';
import { Problem } from './problem.ts';

export interface Receipt {
  readonly flightId: string;
  readonly position: Position;
}

const PATTERN = /^([1-9]\d{0,9})-([0-9A-Za-z]{1,32})-(\d{1,16})-([\w-]{22})$/;

export function writeReceipt(
  key: string,
  flightId: string,
  { version }: Pick<UpdateResult, 'version'>,
): string {
  const text = `${flightId}-${version}`;
  return `${text}-${sign(key, text)}`;
}

/** Throws a Problem (404) for what was not written with this key. */
export function readReceipt(key: string, text: string): Receipt {
  const match = PATTERN.exec(text);
  const [, flightId = '', epoch = '', seq = '', signature = ''] = match ?? [];
  const expected = sign(key, `${flightId}-${epoch}-${seq}`);
  if (!match || !timingSafeEqual(Buffer.from(signature), Buffer.from(expected))) {
    throw new Problem('not-found', 'There never was such a receipt.', { field: 'receipt' });
  }
  return { flightId, position: { epoch, seq: Number(seq) } };
}

/** 128 bits are enough to be beyond guessing. */
function sign(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url').slice(0, 22);
}
