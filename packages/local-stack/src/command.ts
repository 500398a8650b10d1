/** What all commands share: signals, exit codes, and errors in words instead of stacks. */
import { readEnvironment, type Logger } from '@afterwrite/write-behind';
import { CommanderError, type Command } from 'commander';
import { StartupNotes } from './terminal/startup-notes.ts';

/** The command line was wrong: exit code 2. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

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

export interface CommandContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborts at the first signal, and when nobody reads the output any more. The second signal ends the process. */
  readonly signal: AbortSignal;
  readonly notes: StartupNotes;
  readonly logger: Logger;
}

/**
 * Runs a command to its end and sets the exit code: 0, also when `work` ends by itself after a signal; 1 after an error;
 * 2 for a wrong command line; 128 + n when a signal cut it short.
 */
export async function runCommand(
  { isVerbose }: { readonly isVerbose: boolean },
  work: (context: CommandContext) => Promise<void>,
): Promise<void> {
  const interruption = new AbortController();
  for (const [name, exitCode] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (interruption.signal.aborted) process.exit(exitCode);
      interruption.abort(new Interrupted(name, exitCode));
    });
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    // `npm run demo | head`: there is no reader to work for.
    interruption.abort(new Interrupted('nobody reads the output', 0));
  });
  const notes = new StartupNotes({ stream: process.stderr, environment: process.env, isVerbose });
  try {
    await work({
      environment: readEnvironment(),
      signal: interruption.signal,
      notes,
      logger: plainLogger(),
    });
  } catch (error) {
    notes.clear();
    const reason: unknown = interruption.signal.reason;
    if (reason instanceof Interrupted) {
      process.exitCode = reason.exitCode;
      if (isVerbose && error !== reason) console.error(error);
    } else {
      process.exitCode = error instanceof UsageError ? 2 : 1;
      console.error(`afterwrite: ${messageOf(error)}`);
      if (isVerbose && !(error instanceof UsageError)) console.error(error);
    }
  } finally {
    notes.clear();
  }
}

/**
 * Parses the command line. Prints the help and gives undefined when that was asked for; a mistake is one line and
 * exit code 2.
 */
export function parseCommandLine(command: Command, npmScript: string): boolean {
  const help = `npm run ${npmScript} -- --help`;
  command
    .usage('[options]')
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
