/** What waits, by partition. Of many only those are shown in which there is something to see. */
import type { QueueAnswer } from '@afterwrite/client';
import { useState } from 'preact/hooks';
import { count, counted, duration, UNKNOWN } from '../live/words.ts';
import { operationsAddress } from '../operations.ts';
import { haltOf } from './queue-words.ts';

type Partition = QueueAnswer['partitions'][number];

/** As many are shown whatever is in them. */
const FEW = 16;

export function QueuePartitions({ partitions }: { readonly partitions: readonly Partition[] }) {
  const [wantsAll, setWantsAll] = useState(false);
  const busy = partitions.filter(
    ({ length, deadLetters, stopped }) => length > 0 || deadLetters !== 0 || stopped,
  );
  const isLong = partitions.length > FEW;
  const shown = isLong && !wantsAll ? busy : partitions;
  const longest = Math.max(1, ...partitions.map(({ length }) => length));
  const idle = partitions.length - busy.length;
  return (
    <section class="panel queue-partitions" aria-labelledby="partitions">
      <h2 id="partitions">Partitions</h2>
      {isLong && (
        <p>
          <label>
            <input
              type="checkbox"
              checked={wantsAll}
              onChange={({ currentTarget }) => setWantsAll(currentTarget.checked)}
            />{' '}
            Also the {counted(idle, 'partition')} in which nothing is
          </label>
        </p>
      )}
      {shown.length > 0 && (
        <div class="scroll" role="region" aria-label="Partitions, a table" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col" class="number">
                  Partition
                </th>
                <th scope="col">State</th>
                <th scope="col" class="number">
                  Wait
                </th>
                <th scope="col" class="number">
                  Oldest
                </th>
                <th scope="col" class="number">
                  Dead
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((partition) => (
                <PartitionRow key={partition.partition} partition={partition} longest={longest} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

interface PartitionRowProps {
  readonly partition: Partition;
  readonly longest: number;
}

function PartitionRow({
  partition: { partition, length, oldestMs, deadLetters, stopped },
  longest,
}: PartitionRowProps) {
  return (
    <>
      <tr>
        <th scope="row" class="number">
          {partition}
        </th>
        <td>{stopped ? haltWords(stopped) : length > 0 ? 'waits' : 'empty'}</td>
        <td class="number">
          {count(length)}
          <span class="bar-of" aria-hidden="true">
            <span style={{ width: `${(100 * length) / longest}%` }} />
          </span>
        </td>
        <td class="number">{length === 0 ? '' : duration(oldestMs)}</td>
        <td class="number">{deadLetters === null ? UNKNOWN : deadLetters === 0 ? '' : count(deadLetters)}</td>
      </tr>
      {stopped && (
        <tr class="halt">
          <td colSpan={5}>
            <Halted stopped={stopped} />
          </td>
        </tr>
      )}
    </>
  );
}

type Stopped = NonNullable<Partition['stopped']>;

function haltWords({ retryable }: Stopped) {
  if (retryable) return 'waits';
  return (
    <strong>
      <span aria-hidden="true">⚠ </span>stopped
    </strong>
  );
}

/** In a row of its own, as wide as the table: beside the figures it would be out of sight on a small screen. */
function Halted({ stopped }: { readonly stopped: Stopped }) {
  const { title, advice, chapter } = haltOf(stopped);
  return (
    <>
      <strong>{title}</strong> (<code>{stopped.code}</code>). {advice}{' '}
      <a href={operationsAddress(chapter)}>More</a>
    </>
  );
}
