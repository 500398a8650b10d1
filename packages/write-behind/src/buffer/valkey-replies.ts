/** What the scripts answer, as the port's outcomes: each reply code is named in one place. */
import { BufferError } from '../errors.ts';
import { parsePosition } from '../position.ts';
import type { BreakerReply, BreakerState, LeaseReply, PartitionLife, UpdateReply } from './buffer.ts';

export type ScriptedUpdateReply =
  | UpdateReply
  /** Clean, at this version, and its value lies elsewhere. */
  | { readonly kind: 'ELSEWHERE'; readonly version: string };

/**
 * One of the texts that `update` answers with: a kind, and what belongs to it, separated by spaces. undefined: unfenced, the
 * store must say first whether we may write here.
 */
export function readUpdateReply(reply: unknown): ScriptedUpdateReply | undefined {
  const [kind, first = '', second, third] = String(reply).split(' ');
  switch (kind) {
    case 'OK':
      return { kind, position: parsePosition(first), queueLength: Number(second), replayed: third === '1' };
    case 'BUSY':
      return { kind, leaseMs: Number(first) };
    case 'CONFLICT':
    case 'ELSEWHERE':
      return { kind, version: first };
    case 'FULL':
      return { kind: 'QUEUE_FULL', limit: Number(first) };
    case 'ANSWERS_FULL':
      return { kind, limit: Number(first) };
    case 'MISS':
    case 'RETRY':
    case 'PENDING':
    case 'MISSING':
    case 'REUSED':
      return { kind };
    case 'UNFENCED':
      return undefined;
    default:
      throw unexpected('update', kind);
  }
}

/** undefined: unfenced. */
export function readLeaseReply([kind, leaseMs]: unknown[]): LeaseReply | undefined {
  if (kind === 'UNFENCED') return undefined;
  if (kind === 'BUSY') return { kind, leaseMs: Number(leaseMs) };
  if (kind === 'LEASED' || kind === 'PRESENT' || kind === 'PENDING') return { kind };
  throw unexpected('lease', kind);
}

export function unexpected(script: string, reply: unknown): BufferError {
  return new BufferError(script, new Error(`unknown reply ${String(reply)}`));
}

/** Numbers come as texts where Lua would lose digits of them. */
export function readBreakerReply([kind, first, second, third]: unknown[]): BreakerReply {
  if (kind === 'CLOSED') return { kind };
  if (kind === 'TRIAL') return { kind, failures: Number(first) };
  if (kind === 'OPEN') return { kind, ...readBreakerState([first, second, third]) };
  throw unexpected('gate', kind);
}

export function readBreakerState([waitMs, failures, sinceMs]: unknown[]): BreakerState {
  return { waitMs: Number(waitMs), failures: Number(failures), sinceMs: Number(sinceMs) };
}

export function readLife([epoch, acked, begun, beforeEpoch, beforeSeq, isSame]: unknown[]): PartitionLife {
  const before = { epoch: String(beforeEpoch), seq: Number(beforeSeq) };
  return {
    epoch: String(epoch),
    isSameServer: isSame === 1,
    ackedSeq: Number(acked),
    begun:
      begun === '' ? undefined : { atUs: Number(begun), before: before.epoch === '' ? undefined : before },
  };
}
