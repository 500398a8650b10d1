/**
 * The load's own process: its callers must not take the front's time, nor measure it. It tells its parent each 250 ms what
 * came of the updates, and ends when its time is over, when it is told to, and when its parent is gone.
 */
import type { Logger } from '@afterwrite/write-behind';
import type { FromLoad, ToLoad } from './messages.ts';
import { runLoad } from './run.ts';
import { Tally } from './tally.ts';

const REPORT_EVERY_MS = 250;

const stopping = new AbortController();
const tally = new Tally();

async function tell(message: FromLoad): Promise<void> {
  // Without a channel the parent is gone, and nobody listens.
  await new Promise<void>((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}

async function run({ request, settings }: Extract<ToLoad, { kind: 'START' }>): Promise<void> {
  const reporting = setInterval(() => void tell({ kind: 'REPORT', ...tally.take() }), REPORT_EVERY_MS);
  try {
    await runLoad({
      ...request,
      settings,
      logger: onlyErrors,
      tally,
      onRunning: () => void tell({ kind: 'RUNNING' }),
      signal: stopping.signal,
    });
    clearInterval(reporting);
    await tell({ kind: 'REPORT', ...tally.take() });
  } catch (error) {
    clearInterval(reporting);
    await tell({ kind: 'FAILED', reason: error instanceof Error ? error.message : String(error) });
  }
  process.disconnect();
}

/** What fails is counted; a line for each would be thousands a second. */
const drop = () => undefined;
const onlyErrors: Logger = {
  debug: drop,
  info: drop,
  warn: drop,
  error: (message) => console.error(message),
};

process.on('message', (message: ToLoad) => {
  if (message.kind === 'START') void run(message);
  else stopping.abort();
});
process.on('disconnect', () => process.exit(0));
// The terminal's Ctrl-C is for the parent, which then says STOP.
process.on('SIGINT', () => undefined);
