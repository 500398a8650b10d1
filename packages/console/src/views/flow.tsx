/** The way of an update, live: callers, cache, queue, flusher, database; and the partitions of the queue. */
import '../style/flow.css';
import { useMemo } from 'preact/hooks';
import { link, looks, stage } from '../live/feed.ts';
import { flowOf, inWords } from './flow-numbers.ts';
import { Partitions } from './flow-partitions.tsx';
import { Picture } from './flow-picture.tsx';

export function FlowView() {
  const all = looks.value;
  const flow = useMemo(() => flowOf(all), [all]);
  const isLive = link.value.kind === 'LIVE';
  const n = all.at(-1)?.at ?? 0;
  return (
    <div class={isLive ? 'flow' : 'flow old'}>
      <section class="panel" aria-labelledby="way">
        <h2 id="way">The way of an update</h2>
        <Picture flow={flow} beat={isLive ? n : 0} />
        <ul class="hidden">
          {inWords(flow).map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
        <p class="note">
          {all.length === 0
            ? 'Waiting for the first figures …'
            : stage.value === 'REMOTE'
              ? 'On AWS the rates are in CloudWatch; here are the queue and its partitions, every 3 s.'
              : 'Means of 10 s. The dots are those of the last second: ten times as many updates are one or two dots more.'}
        </p>
      </section>
      {flow.queue && <Partitions queue={flow.queue} peak={flow.partitionPeak} />}
    </div>
  );
}
