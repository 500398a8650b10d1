/**
 * The contract of BufferPort: what every buffer engine must do, by the numbers of the invariants. An engine plugs in
 * with a function that makes a buffer in a namespace of its own, and the hand that reaches its data past the port.
 */
import { describe } from 'vitest';
import { describeAcks } from './buffer-acks.ts';
import { describeAnswers } from './buffer-answers.ts';
import { describeComparing } from './buffer-compare.ts';
import { describeDistrust } from './buffer-distrust.ts';
import { describeBreaker } from './buffer-breaker.ts';
import { describeDurability } from './buffer-durability.ts';
import { describeEpochs } from './buffer-epochs.ts';
import type { MakeBuffer } from './buffer-lab.ts';
import { describeLives } from './buffer-lives.ts';
import { describeModel } from './buffer-model.ts';
import { describePartitions } from './buffer-partitions.ts';
import { describeReads } from './buffer-reads.ts';
import { describeTogether } from './buffer-together.ts';
import { describeUpdates } from './buffer-updates.ts';

export interface EngineTraits {
  /** Whether it can tell what is on its disk: WAITAOF. */
  readonly seesDisk?: boolean;
}

export function describeBuffer(
  name: string,
  makeBuffer: MakeBuffer,
  { seesDisk = true }: EngineTraits = {},
): void {
  describe(name, () => {
    describeReads(makeBuffer);
    describeUpdates(makeBuffer);
    describeTogether(makeBuffer);
    describeAnswers(makeBuffer);
    describeEpochs(makeBuffer);
    describeDurability(makeBuffer, seesDisk);
    describeAcks(makeBuffer);
    describeDistrust(makeBuffer);
    describeComparing(makeBuffer);
    describePartitions(makeBuffer);
    describeBreaker(makeBuffer);
    describeLives(makeBuffer);
    describeModel(makeBuffer);
  });
}
