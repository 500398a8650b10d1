/** What `lua/update-7.lua` takes after its keys, in the order in which its header lists it. */
import { createHash } from 'node:crypto';
import type { UpdateRequest } from './buffer.ts';
import { fieldArguments } from './entity-hash.ts';

export interface UpdateLimits {
  readonly partitions: number;
  readonly fillLeaseMs: number;
  /** Updates that may wait in one partition. */
  readonly queueMaxLength: number;
  readonly idempotencyTtlMs: number;
  /** Answers to idempotency keys kept in one partition. */
  readonly idempotencyMaxAnswers: number;
  readonly uniqueName: () => string;
}

export function updateArguments(request: UpdateRequest, limits: UpdateLimits): (string | number)[] {
  const { id, idempotencyKey, tail } = request;
  const changes = fieldArguments(request.changes);
  return [
    id,
    limits.uniqueName(),
    request.token,
    limits.fillLeaseMs,
    limits.queueMaxLength,
    tail,
    request.ifVersion ?? '',
    // By entity, so that one key may be used for updates of several entities.
    idempotencyKey === undefined ? '' : `${id} ${idempotencyKey}`,
    idempotencyKey === undefined ? '' : createHash('sha256').update(tail).digest('base64url').slice(0, 22),
    limits.idempotencyTtlMs * 1000,
    limits.idempotencyMaxAnswers,
    limits.partitions,
    changes.length,
    ...changes,
    ...(request.base === undefined ? [] : fieldArguments(request.base)),
  ];
}
