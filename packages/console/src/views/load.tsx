/** A load of updates on this machine, and what an update costs by write-behind and by the two patterns it is compared with. */
import '../style/load.css';
import { latest, stage } from '../live/feed.ts';
import { LoadControl } from './load-control.tsx';
import { LoadLatencies } from './load-latencies.tsx';
import { LoadRunning } from './load-running.tsx';
import { isUnderWay } from './load-words.ts';

export function LoadView() {
  if (stage.value === 'REMOTE') return <NotHere />;
  const load = latest.value?.live?.load;
  if (stage.value === 'UNKNOWN' || !load) return <p role="status">Waiting for the first figures …</p>;
  return (
    <div class="load-view">
      <LoadControl isUnderWay={isUnderWay(load)} />
      <LoadRunning load={load} />
      <LoadLatencies run={load.run} />
    </div>
  );
}

function NotHere() {
  return (
    <section class="panel" aria-labelledby="not-here">
      <h2 id="not-here">A load is for one machine</h2>
      <p>
        This page comes from a deployment: nobody puts a load on it from a page. <code>npm start</code> on
        your own machine has this view, with servers of its own.
      </p>
      <p>
        To load a deployment, let a tool for it call <code>PATCH /flights/{'{flightId}'}</code> with your
        credentials, each update with an <code>Idempotency-Key</code> of its own, and look at the dashboard in
        CloudWatch and at <a href="#/queue">the queue</a> here.
      </p>
    </section>
  );
}
