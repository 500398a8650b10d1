/** A bar a partition, as long as what waits in it; 16 or 256 of them. */
import type { LiveQueue } from '@afterwrite/client';
import { count, counted } from '../live/words.ts';
import { WhatToDo } from '../ui/what-to-do.tsx';
import { longestInWords, shareOf, stoppedInWords } from './flow-numbers.ts';

interface PartitionsProps {
  readonly queue: LiveQueue;
  /** The longest that one was within the minute. */
  readonly peak: number;
}

/** Numbers under the bars: of every one while they fit, then of some. */
const MOST_LABELS = 16;
/** No gaps between them from so many on: there is no room. */
const DENSE_FROM = 64;

export function Partitions({ queue, peak }: PartitionsProps) {
  const { partitions, stopped } = queue;
  const halted = new Set(stopped);
  const step = Math.ceil(partitions.length / MOST_LABELS);
  const words = `${counted(partitions.length, 'partition')}. ${longestInWords(queue)} ${stoppedInWords(queue)}`;
  return (
    <section class="panel partitions" aria-labelledby="partitions">
      <h2 id="partitions">Partitions of the queue</h2>
      <p>
        {longestInWords(queue)}{' '}
        {stopped.length > 0 && <strong class="problem">{stoppedInWords(queue)} </strong>}
        {stopped.length > 0 && <WhatToDo heading="PartitionsStopped" about="stopped partitions" />}
      </p>
      <div class={partitions.length > DENSE_FROM ? 'bars bars-dense' : 'bars'} role="img" aria-label={words}>
        <span class="scale">{count(peak)}</span>
        {partitions.map((length, partition) => (
          <div key={partition} class={halted.has(partition) ? 'bar-place stopped' : 'bar-place'}>
            <div class="bar-fill" style={{ transform: `scaleY(${shareOf(length, peak)})` }} />
            {halted.has(partition) && <span class="halt">!</span>}
            {partition % step === 0 && <span class="bar-label">{partition}</span>}
          </div>
        ))}
      </div>
      <p class="note">As high as the longest of the last minute. A stopped one is striped and has a mark.</p>
    </section>
  );
}
