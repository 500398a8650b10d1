/** What the scripts answer, as the port's outcomes: each reply code is named in one place. */
import { BufferError } from '../errors.ts';
import type { Position } from '../position.ts';
import type { BreakerReply, BreakerState, PartitionLife, UpdateReply } from './buffer.ts';

export function readUpdateReply(reply: unknown[]): UpdateReply {
  const [kind, first, second, third, fourth] = reply;
  switch (kind) {
    case 'OK': {
      const position: Position = { epoch: String(first), seq: Number(second) };
      return { kind, position, queueLength: Number(third), replayed: fourth === 1 };
    }
    case 'BUSY':
      return { kind, leaseMs: Number(first) };
    case 'CONFLICT':
      return { kind, version: String(first) };
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
    default:
      throw unexpected('update', kind);
  }
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
