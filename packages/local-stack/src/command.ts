/** What all commands share: signals, exit codes, and errors in words instead of stacks. */
import { readEnvironment, type Logger } from '@afterwrite/write-behind';
import { CommanderError, type Command } from 'commander';
import { StartupNotes } from './terminal/startup-notes.ts';

class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;
  constructor(reason: string, exitCode: number) {
    super(reason);
    this.exitCode = exitCode;
  }
}

/** 128 + the signal's number, as shells say it. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** npm hands on the Ctrl-C that the terminal has sent us already; a person's second one takes longer. */
const ECHO_MS = 300;
/** `npm run demo | head`, and a terminal that was closed. */
const NO_READER: ReadonlySet<string> = new Set(['EPIPE', 'EIO']);

export interface CommandContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborts at the first signal, and when nobody reads the output any more. The second signal ends the process. */
  readonly signal: AbortSignal;
  readonly notes: StartupNotes;
  readonly logger: Logger;
}

/** Aborts at the first signal, and when the output has no reader; the second signal ends the process at once. */
function interruptions(): AbortSignal {
  const controller = new AbortController();
  let firstAtMs = 0;
  for (const [name, exitCode] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (controller.signal.aborted) {
        // A terminal that closes says so to those who are ending already, too.
        const isMeant = name !== 'SIGHUP' && performance.now() - firstAtMs > ECHO_MS;
        if (isMeant) process.exit(exitCode);
        return;
      }
      firstAtMs = performance.now();
      controller.abort(new Interrupted(name, exitCode));
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!NO_READER.has(error.code ?? '')) throw error;
      controller.abort(new Interrupted('nobody reads the output', 0));
    });
  }
  return controller.signal;
}

/**
 * Runs a command to its end and sets the exit code: 0, also when `work` ends by itself after a signal; 1 after an error;
 * 128 + n when a signal cut it short.
 */
export async function runCommand(
  { isVerbose }: { readonly isVerbose: boolean },
  work: (context: CommandContext) => Promise<void>,
): Promise<void> {
  const interruption = interruptions();
  const notes = new StartupNotes({ stream: process.stderr, environment: process.env, isVerbose });
  try {
    await work({
      environment: readEnvironment(),
      signal: interruption,
      notes,
      logger: plainLogger(),
    });
  } catch (error) {
    notes.clear();
    const reason: unknown = interruption.reason;
    if (reason instanceof Interrupted) {
      process.exitCode = reason.exitCode;
      if (isVerbose && error !== reason) console.error(error);
    } else {
      process.exitCode = 1;
      console.error(`afterwrite: ${messageOf(error)}`);
      if (isVerbose) console.error(error);
    }
  } finally {
    notes.clear();
  }
}

/**
 * Parses the command line. False when there is nothing to do: the help was asked for, or a mistake was told in one line
 * (exit code 2).
 */
export function parseCommandLine(command: Command, npmScript: string): boolean {
  const help = `npm run ${npmScript} -- --help`;
  command
    .name(`npm run ${npmScript} --`)
    .helpOption('-h, --help', 'show this help')
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => undefined })
    .exitOverride();
  try {
    command.parse();
    return true;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return false;
    const said = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
    console.error(`afterwrite: ${said.replace(/\.$/, '')}. See ${help}`);
    process.exitCode = 2;
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : String(error);
}

/** Warnings and errors of the engine, a line each on standard error. */
function plainLogger(): Logger {
  const write = (level: string) => (message: string, details?: Record<string, unknown>) => {
    const more = Object.entries(details ?? {}).map(([name, value]) => `${name}=${asText(value)}`);
    console.error([`${level}: ${message}`, ...more].join(' '));
  };
  const drop = () => undefined;
  return { debug: drop, info: drop, warn: write('warning'), error: write('error') };
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
