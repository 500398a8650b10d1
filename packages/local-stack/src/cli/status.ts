/** `npm run status`: what the console shows, without a browser. */
import { systemRuntime } from '@afterwrite/write-behind';
import { Command } from 'commander';
import { type CommandContext, parseCommandLine, runCommand } from '../command.ts';
import { localAddress } from '../remote/local-address.ts';
import { openTarget, type Target } from '../remote/target.ts';
import { lookOnce, Watch } from '../status/look.ts';
import { Redraw } from '../status/redraw.ts';
import { reportOf, type StatusReport } from '../status/report.ts';
import { lineOf, screenOf } from '../status/screen.ts';
import { createStyle, isFancy } from '../terminal/style.ts';

const EXIT_NEEDS_A_PERSON = 1;
/** A mistake, or nothing answers. */
const EXIT_UNKNOWN = 2;
const DRAW_EVERY_MS = 1000;

interface StatusOptions {
  readonly watch?: boolean;
  readonly json?: boolean;
  readonly url?: string;
  readonly tokenFile?: string;
}

const command = new Command()
  .description(
    'What waits, how fast it is stored, and what needs a person. Exit code 0: nothing does; 1: something does; 2: a mistake, ' +
      'or nothing answers.',
  )
  .option('-w, --watch', 'again each second, until Ctrl-C')
  .option('--json', 'one object; with --watch one a line')
  .option('--url <address>', 'of the API; where it is left out: what `npm start` serves on PORT')
  .option('--token-file <file>', 'send the bearer token in this file; AFTERWRITE_TOKEN has the token itself');

async function status(options: StatusOptions, context: CommandContext): Promise<void> {
  const { environment, signal } = context;
  try {
    const target = openTarget({
      url: options.url ?? localAddress(environment),
      tokenFile: options.tokenFile,
      environment,
    });
    if (options.watch === true) await watch(target, options, context);
    else {
      const report = reportOf(await lookOnce({ target, signal }));
      show(report, options, context);
      if (report.state !== 'HEALTHY') process.exitCode = EXIT_NEEDS_A_PERSON;
    }
  } catch (error) {
    // Ctrl-C, which runCommand knows how to say.
    signal.throwIfAborted();
    const { code, message } = error as Error & { readonly code?: string };
    const help = code === 'UNREACHABLE' || code === 'TIMEOUT' ? ` ${whatToDo(options, context)}` : '';
    console.error(`afterwrite: ${message}${help}`);
    process.exitCode = EXIT_UNKNOWN;
  }
}

function whatToDo({ url }: StatusOptions, { environment }: CommandContext): string {
  return url === undefined
    ? `Nothing is at ${localAddress(environment)}: start it with \`npm start\`, or name another by --url.`
    : `Is ${url} the right address?`;
}

function show(report: StatusReport, { json = false }: StatusOptions, { environment }: CommandContext): void {
  const { stdout } = process;
  const style = createStyle({ isFancy: isFancy(stdout, environment), columns: stdout.columns });
  console.log(json ? JSON.stringify(report) : screenOf(report, style, stdout.columns).join('\n'));
}

async function watch(
  target: Target,
  { json = false }: StatusOptions,
  context: CommandContext,
): Promise<void> {
  const { environment, signal } = context;
  const { stdout } = process;
  const watching = new Watch({ target, signal });
  const isDrawn = !json && stdout.isTTY && environment.TERM !== 'dumb';
  const redraw = isDrawn ? new Redraw(stdout) : undefined;
  const style = createStyle({ isFancy: isFancy(stdout, environment), columns: stdout.columns });
  const runtime = systemRuntime();
  try {
    await Promise.race([watching.first, runtime.sleep(DRAW_EVERY_MS, signal).catch(() => undefined)]);
    while (!signal.aborted) {
      const report = reportOf(watching.seen);
      if (redraw) redraw.draw(screenOf(report, style, stdout.columns));
      else console.log(json ? JSON.stringify(report) : lineOf(report));
      await runtime.sleep(DRAW_EVERY_MS, signal).catch(() => undefined);
    }
  } finally {
    redraw?.end();
  }
  await watching.ended;
}

if (parseCommandLine(command, 'status')) {
  const options = command.opts<StatusOptions>();
  await runCommand({ isVerbose: false }, (context) => status(options, context));
}
