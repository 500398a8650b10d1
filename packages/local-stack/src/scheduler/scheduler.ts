/**
 * EventBridge Scheduler on one machine: invokes a function at an interval, and at once unless it is told to wait for the first, with the event that a
 * schedule without an input of its own sends. Runs may overlap, as they may on AWS; one that fails is logged, and the
 * next one comes at its time.
 */
import { randomUUID } from 'node:crypto';
import type { LocalLambda } from '../lambda/local-lambda.ts';
import { ACCOUNT_ID, REGION } from '../lambda/variables.ts';

/** EventBridge Scheduler calls no more often than this. */
export const SCHEDULE_INTERVAL_MS = 60_000;

export interface SchedulerOptions {
  readonly lambda: Pick<LocalLambda, 'invoke'>;
  readonly functionName: string;
  readonly intervalMs?: number;
  /** The first one comes after the interval, too. */
  readonly waitsFirst?: boolean;
  readonly onLog: (line: string) => void;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #timer: NodeJS.Timeout;
  #isStopped = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#run(), options.intervalMs ?? SCHEDULE_INTERVAL_MS);
    if (options.waitsFirst !== true) void this.#run();
  }

  /** What runs goes on; that it is ended with everything else is no news. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  async #run(): Promise<void> {
    const { lambda, functionName } = this.#options;
    const onLog = (line: string) => this.#isStopped || this.#options.onLog(line);
    try {
      const event = Buffer.from(JSON.stringify(scheduledEvent(functionName, new Date())));
      const { functionError, payload } = await lambda.invoke(functionName, event);
      if (functionError !== undefined) onLog(`scheduler ${functionName} failed: ${payload.toString('utf8')}`);
    } catch (error) {
      onLog(`scheduler ${functionName} could not be invoked: ${String(error)}`);
    }
  }
}

export function scheduledEvent(scheduleName: string, now: Date): Record<string, unknown> {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.scheduler',
    account: ACCOUNT_ID,
    time: `${now.toISOString().slice(0, 'YYYY-MM-DDThh:mm:ss'.length)}Z`,
    region: REGION,
    resources: [`arn:aws:scheduler:${REGION}:${ACCOUNT_ID}:schedule/default/${scheduleName}`],
    detail: '{}',
  };
}
