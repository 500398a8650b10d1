/**
 * The load that the page asks for: one at a time, in a process of its own. What it reports is added to the live figures as
 * if a function had recorded it, for a caller cannot tell the two apart.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import {
  LATENCY_BOUNDS_MS,
  type LatencyHistogram,
  type LoadRequest,
  type LoadState,
  type PatternName,
} from '@afterwrite/client';
import type { Settings } from '@afterwrite/write-behind';
import { Buckets } from '../live/buckets.ts';
import type { Recorded } from '../live/recorded.ts';
import { lineWriter } from '../lambda/lines.ts';
import type { FromLoad, LoadReport, ToLoad } from './messages.ts';

export interface LoadOptions {
  /** Of the servers that it writes to. */
  readonly settings: Settings;
  readonly recorded: Pick<Recorded, 'record' | 'recordCounts'>;
  readonly onLog: (line: string) => void;
  readonly now?: () => number;
}

const PROGRAM = join(import.meta.dirname, 'load-process.ts');
/** Until it runs: a start of Node, connections, a thousand reads. */
const START_LIMIT_MS = 30_000;
/** From when it should end until it has: the answers to what is under way, and the connections' end. */
const END_LIMIT_MS = 10_000;

interface Run extends LoadRequest {
  startedAt: number;
  endedAt: number | null;
  accepted: number;
  late: number;
  readonly refused: Map<string, number>;
  readonly patterns: Readonly<Record<PatternName, Buckets>>;
}

export class Load {
  readonly #options: LoadOptions;
  #state: LoadState['state'] = 'IDLE';
  #reason: string | null = null;
  #run: Run | undefined;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #limit: NodeJS.Timeout | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  get state(): LoadState {
    return { state: this.#state, reason: this.#reason, run: this.#run ? shownRun(this.#run) : null };
  }

  /** For tests: that nothing is left behind. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** False while there is another. */
  start(request: LoadRequest): boolean {
    if (this.#child) return false;
    this.#run = newRun(request, this.#now());
    [this.#state, this.#reason] = ['STARTING', null];
    const child = fork(PROGRAM, [], {
      execArgv: [],
      // Nothing of the developer's: the settings come as a message.
      env: { PATH: process.env.PATH ?? '', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on(
        'data',
        lineWriter((line) => this.#options.onLog(`load ${line}`)),
      );
    }
    child.on('message', (message) => this.#hear(message as FromLoad));
    this.#ended = this.#untilEnded(child);
    this.#limitTo(START_LIMIT_MS, 'The load did not begin in time: see GET /health for the servers.');
    // A copy: the settings themselves keep their passwords out of JSON.
    this.#tell({ kind: 'START', request, settings: { ...this.#options.settings } });
    return true;
  }

  /** Resolves when it has ended; also when there is none. */
  async stop(): Promise<void> {
    if (this.#child && this.#state !== 'STOPPING') {
      this.#state = 'STOPPING';
      this.#limitTo(END_LIMIT_MS, 'The load did not end in time and was killed; what was accepted is safe.');
      this.#tell({ kind: 'STOP' });
    }
    await this.#ended;
  }

  #hear(message: FromLoad): void {
    if (message.kind === 'REPORT') this.#add(message);
    else if (message.kind === 'FAILED') this.#reason ??= message.reason;
    else if (this.#state === 'STARTING' && this.#run) {
      this.#state = 'RUNNING';
      this.#run.startedAt = this.#now();
      this.#limitTo(
        this.#run.seconds * 1000 + END_LIMIT_MS,
        'The load did not end in time and was killed; what was accepted is safe.',
      );
    }
  }

  #add({ accepted, refused, late, patterns }: LoadReport): void {
    const run = this.#run;
    if (!run) return;
    run.accepted += accepted;
    run.late += late;
    for (const [code, count] of Object.entries(refused)) {
      run.refused.set(code, (run.refused.get(code) ?? 0) + count);
    }
    for (const name of patternNames) run.patterns[name].add(patterns[name]);
    const { recorded } = this.#options;
    recorded.record({ name: 'UpdatesAccepted', values: [accepted], labels: {} });
    recorded.recordCounts('WriteLatency', patterns['write-behind']);
  }

  /** Its last reports may come after its end: the channel has to close, too. */
  async #untilEnded(child: ChildProcess): Promise<void> {
    const disconnected = new Promise<void>((resolve) => child.once('disconnect', resolve));
    const how = await new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) => {
        resolve(code === 0 ? undefined : `ended by itself (${signal ?? `exit code ${code ?? 0}`})`);
      });
    });
    if (child.pid !== undefined) await disconnected;
    clearTimeout(this.#limit);
    if (how !== undefined) {
      this.#reason ??= `The load's process ${how}. What was accepted is safe; start it again.`;
    }
    this.#state = this.#reason === null ? 'IDLE' : 'FAILED';
    if (this.#run) this.#run.endedAt = this.#now();
    this.#child = undefined;
  }

  #limitTo(ms: number, reason: string): void {
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => {
      this.#reason ??= reason;
      this.#child?.kill('SIGKILL');
    }, ms);
  }

  /** Whether it has died meanwhile is told by its end. */
  #tell(message: ToLoad): void {
    this.#child?.send(message, () => undefined);
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }
}

const patternNames = [
  'write-behind',
  'write-through',
  'cache-aside',
] as const satisfies readonly PatternName[];

function newRun({ updatesPerSecond, seconds }: LoadRequest, startedAt: number): Run {
  return {
    updatesPerSecond,
    seconds,
    startedAt,
    endedAt: null,
    accepted: 0,
    late: 0,
    refused: new Map(),
    patterns: ofEach(() => new Buckets(LATENCY_BOUNDS_MS)),
  };
}

function shownRun(run: Run): NonNullable<LoadState['run']> {
  return {
    ...run,
    refused: Object.fromEntries(run.refused),
    patterns: ofEach((name): LatencyHistogram => {
      const buckets = run.patterns[name];
      return { ...buckets.quantiles(), buckets: [...buckets.counts] };
    }),
  };
}

function ofEach<T>(give: (name: PatternName) => T): Readonly<Record<PatternName, T>> {
  return {
    'write-behind': give('write-behind'),
    'write-through': give('write-through'),
    'cache-aside': give('cache-aside'),
  };
}
