/** What scenarios begin with. */
import type { BufferPort } from '@afterwrite/write-behind/internal';
import { replacing } from '../support/decorate.ts';
import type { Stage } from './stage.ts';

export const many = async (stage: Stage) => {
  for (const id of ['1', '2', '1', '2']) await stage.update(stage.healthy, id, 'name');
  await stage.update(stage.healthy, '1', 'size');
};

/** Another flusher holds the partition for the first two looks. */
export function othersAtWork({ world: { ports } }: Stage): Stage['world']['ports'] {
  let looks = 0;
  const claim: BufferPort['claim'] = async (...args) => ++looks > 2 && (await ports.buffer.claim(...args));
  return { ...ports, buffer: replacing(ports.buffer, { claim }) };
}
