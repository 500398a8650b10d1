/** Child processes of a round: started, killed, and started again; those that end by themselves are a finding. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

interface Member {
  readonly child: ChildProcess;
  /** Resolves when it is gone. */
  readonly gone: Promise<void>;
  isKilled: boolean;
}

/** A writer has one update under way when it is told to stop, and that may wait for servers that are starting. */
const STOP_TIMEOUT_MS = 90_000;

export class Crew {
  readonly #members: Member[] = [];
  readonly #script: string;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #onTrouble: (trouble: string) => void;

  /** `script`: of the folder tests/. */
  constructor(
    script: string,
    environment: Readonly<Record<string, string | undefined>>,
    onTrouble: (trouble: string) => void,
  ) {
    this.#script = new URL(`../${script}`, import.meta.url).pathname;
    this.#environment = environment;
    this.#onTrouble = onTrouble;
  }

  get size(): number {
    return this.#members.length;
  }

  /** Resolves when it is at work, or gone. */
  async start(...args: string[]): Promise<void> {
    const child = fork(this.#script, args, {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
    // A child that is gone cannot be told anything.
    child.on('error', () => undefined);
    const gone = once(child, 'exit').then(([code]) => {
      if (!member.isKilled && code !== 0)
        this.#onTrouble(`${this.#script} ended with ${String(code)}: ${said}`);
    });
    const member: Member = { child, gone, isKilled: false };
    this.#members.push(member);
    await Promise.race([gone, new Promise((resolve) => child.once('message', resolve))]);
  }

  /** SIGKILL at whatever line it is, and gone. */
  async kill(index: number): Promise<void> {
    const [member] = this.#members.splice(index, 1);
    if (!member) return;
    member.isKilled = true;
    member.child.kill('SIGKILL');
    await member.gone;
  }

  async killAll(): Promise<void> {
    while (this.size > 0) await this.kill(0);
  }

  /** Tells each to finish what it has begun; kills, and reports, those that do not. An abort kills them at once. */
  async stop(signal: AbortSignal | undefined): Promise<void> {
    const end = () => void this.killAll();
    signal?.addEventListener('abort', end);
    const timer = setTimeout(() => {
      this.#onTrouble(`${this.#script} did not stop within ${String(STOP_TIMEOUT_MS)} ms`);
      end();
    }, STOP_TIMEOUT_MS);
    await Promise.all(
      [...this.#members].map(async ({ child, gone }) => {
        if (child.connected) child.send('stop');
        await gone;
      }),
    );
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    signal?.throwIfAborted();
    this.#members.length = 0;
  }
}
