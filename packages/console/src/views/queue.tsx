/** What waits and what the database refuses; and the hand on both. */
import '../style/queue.css';
import type { QueueAnswer } from '@afterwrite/client';
import { poller } from '../live/api.ts';
import { count, duration } from '../live/words.ts';
import { Freshness, usePolled } from '../ui/polled.tsx';
import { QueueActions } from './queue-actions.tsx';
import { QueueLetters } from './queue-letters.tsx';
import { QueuePartitions } from './queue-partitions.tsx';

const EVERY_MS = 2000;

export function QueueView() {
  const polled = usePolled((signal) => poller.queue({ signal }), { key: 'queue', everyMs: EVERY_MS });
  const queue = polled.value;
  return (
    <div class="queue-view" aria-busy={polled.at === null && polled.error === undefined}>
      <section class="panel queue-top" aria-label="The whole queue">
        <Freshness polled={polled} what="the queue" />
        <QueueFigures queue={queue} />
      </section>
      <QueueActions onDone={polled.refresh} />
      <QueueLetters found={queue?.deadLetters ?? null} onChanged={polled.refresh} />
      {queue && <QueuePartitions partitions={queue.partitions} />}
    </div>
  );
}

const BREAKER_WORDS = {
  CLOSED: 'stores what comes',
  OPEN: 'away: updates wait, in order',
  HALF_OPEN: 'was away: one flusher tries',
} as const;

function QueueFigures({ queue }: { readonly queue: QueueAnswer | undefined }) {
  const stopped = queue?.partitions.filter((each) => each.stopped?.retryable === false).length;
  const breaker = queue?.breaker;
  return (
    <dl class="queue-figures">
      <FigureOf name="Updates that wait" value={count(queue?.queueLength)} />
      <FigureOf name="Oldest of them" value={queue?.oldestMs === null ? 'none' : duration(queue?.oldestMs)} />
      <FigureOf name="Dead letters" value={count(queue?.deadLetters)} isBad={(queue?.deadLetters ?? 0) > 0} />
      <FigureOf name="Stopped partitions" value={count(stopped)} isBad={(stopped ?? 0) > 0} />
      <FigureOf
        name="Database"
        value={breaker ? BREAKER_WORDS[breaker.state] : '–'}
        isBad={breaker !== undefined && breaker.state !== 'CLOSED'}
        isWords
      />
    </dl>
  );
}

interface FigureOfProps {
  readonly name: string;
  readonly value: string;
  readonly isBad?: boolean;
  readonly isWords?: boolean;
}

function FigureOf({ name, value, isBad = false, isWords = false }: FigureOfProps) {
  return (
    <div class={isBad ? 'bad' : undefined}>
      <dt>{name}</dt>
      <dd class={isWords ? 'in-words' : undefined}>
        {isBad && <span aria-hidden="true">⚠ </span>}
        {value}
      </dd>
    </div>
  );
}
