/** A process with a load that waits to be killed; says on standard output which process the load is. */
import { parseSettings, readEnvironment } from '@afterwrite/write-behind';
import { Recorded } from '../src/live/recorded.ts';
import { Load } from '../src/load/load.ts';

const load = new Load({
  settings: parseSettings(readEnvironment()),
  recorded: new Recorded(),
  onLog: () => undefined,
});
load.start({ updatesPerSecond: 100, seconds: 60 });
const waiting = setInterval(() => {
  if (load.state.state === 'STARTING') return;
  clearInterval(waiting);
  console.log(JSON.stringify({ pid: load.pid, state: load.state.state }));
}, 20);
