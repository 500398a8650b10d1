/** A load while it runs, or the last one: how far it is, what became of its updates, and what the queue makes of it. */
import type { LoadRun, LoadState } from '@afterwrite/client';
import { latest, link, looks } from '../live/feed.ts';
import { count, duration, rate } from '../live/words.ts';
import { Chart, Legend, type Line } from '../ui/chart.tsx';
import { elapsedSeconds, headWords, lateWords, leftWords, refusalWords } from './load-words.ts';

const CHART_HEIGHT = 190;

export function LoadRunning({ load }: { readonly load: LoadState }) {
  const { run } = load;
  const elapsed = elapsedSeconds(load, latest.value?.at);
  return (
    <section class="panel load-running" aria-labelledby="load-state">
      <h2 id="load-state">
        <span role="status" class={load.state === 'FAILED' ? 'problem' : undefined}>
          {headWords(load, link.value)}
        </span>
      </h2>
      {run && <Progress run={run} left={leftWords(load, elapsed, link.value)} elapsed={elapsed} />}
      {run && <Counts run={run} elapsed={elapsed} />}
      <QueueMeanwhile />
      <p class="note">
        The lag moves like a saw: a flusher that has emptied the queue looks again after{' '}
        <code>QUEUE_PROCESS_INTERVAL</code>, 5 s by default, and what came first meanwhile has waited as long.{' '}
        <code>QUEUE_PROCESS_INTERVAL=1 npm start</code> makes it a second.
      </p>
    </section>
  );
}

interface ProgressProps {
  readonly run: LoadRun;
  readonly left: string;
  readonly elapsed: number;
}

function Progress({ run, left, elapsed }: ProgressProps) {
  return (
    <div class="load-progress">
      <p>
        {count(run.updatesPerSecond)} updates a second for {count(run.seconds)} s{left}
      </p>
      <progress aria-label="How far the load is" max={run.seconds} value={elapsed} />
    </div>
  );
}

function Counts({ run, elapsed }: Omit<ProgressProps, 'left'>) {
  const refused = Object.entries(run.refused).filter(([, found]) => found > 0);
  const allRefused = refused.reduce((sum, [, found]) => sum + found, 0);
  return (
    <>
      <dl class="load-counts">
        <div>
          <dt>Accepted</dt>
          <dd>{count(run.accepted)}</dd>
          <dd class="note">
            {elapsed < 1 ? 'a second: not yet known' : `${rate(run.accepted / elapsed)} a second`}
          </dd>
        </div>
        <div class={allRefused > 0 ? 'bad' : undefined}>
          <dt>Refused</dt>
          <dd>{count(allRefused)}</dd>
          {refused.length === 0 && <dd class="note">none</dd>}
          {refused.map(([code, found]) => (
            <dd key={code} class="note">
              {count(found)} because {refusalWords(code)} (<code>{code}</code>)
            </dd>
          ))}
        </div>
        <div class={run.late > 0 ? 'bad' : undefined}>
          <dt>Late</dt>
          <dd>{count(run.late)}</dd>
          <dd class="note">{lateWords(run.late)}</dd>
        </div>
      </dl>
    </>
  );
}

function QueueMeanwhile() {
  const shown = looks.value;
  const now = latest.value;
  const times = shown.map(({ at }) => at);
  const lag = now?.live?.minute.lag;
  const lags: readonly Line[] = [
    {
      name: 'p50',
      color: '--lag',
      values: shown.map(({ live }) => live?.latencies.lag?.p50 ?? null),
      isSparse: true,
    },
    {
      name: 'p99',
      color: '--lag',
      pattern: 'DASHED',
      values: shown.map(({ live }) => live?.latencies.lag?.p99 ?? null),
      isSparse: true,
    },
  ];
  return (
    <div class="load-charts">
      <figure>
        <figcaption>
          <strong>Queue: {count(now?.queue?.length)}</strong>{' '}
          <span class="note">updates wait, the last minute</span>
        </figcaption>
        <Chart
          label="Updates that wait"
          times={times}
          lines={[
            {
              name: 'queue',
              color: '--queued',
              values: shown.map(({ queue }) => queue?.length ?? null),
            },
          ]}
          format={count}
          isWhole
          height={CHART_HEIGHT}
        />
      </figure>
      <figure>
        <figcaption>
          <strong>Lag: {duration(lag?.p50)}</strong>{' '}
          <span class="note">
            p50 of the minute, p99 {duration(lag?.p99)}, from acceptance to the database
          </span>
        </figcaption>
        <Legend times={times} lines={lags} format={duration} />
        <Chart label="Lag" times={times} lines={lags} format={duration} height={CHART_HEIGHT} />
      </figure>
    </div>
  );
}
