/**
 * One round: writers at full speed, flushers, and one kind of process killed again and again at random moments. In the
 * end the writers stop, the queue is drained, and the checker holds the writers' records against the servers.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FlightCache } from '@afterwrite/flights';
import { checkHistory, type Finding, type HistoryReport } from '@afterwrite/flights/history';
import { AfterwriteError, parseSettings, type Settings } from '@afterwrite/write-behind';
import type { Random } from '../support/random.ts';
import { Crew } from './crew.ts';
import { makeDatabase, Server } from './servers.ts';
import { EVERYSEC_LOSS_MS, type SoakSetting } from './settings.ts';
import { SyncProbe } from './sync-probe.ts';
import type { WriterOptions } from './writer-process.ts';

export interface RoundOptions {
  readonly setting: SoakSetting;
  readonly mysql: Server;
  readonly random: Random;
  /** How long there is load. */
  readonly durationMs: number;
  /** Between two kills, at most beyond the setting's least, from when the last one's process is back. */
  readonly pauseMs: number;
  /** Gets the writers' records. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
}

export interface RoundResult {
  readonly report: HistoryReport;
  readonly kills: number;
  readonly cutBytes: number;
  /** Of the updates that may be lost, the age of the oldest at the cut that took it; 0 if none was lost. */
  readonly oldestLostMs: number;
  /** What must not be; empty when all promises held. */
  readonly troubles: readonly string[];
}

const FLIGHTS = 500;
const WRITERS = 2;
const FLUSHERS = 2;
const DRAIN_TIMEOUT_MS = 120_000;
/** A quick flusher leaves nothing at stake in Valkey, a slow one nothing to find twice. */
const FLUSHER_IDLE_MS = [0, 20, 400] as const;
const MOST_TROUBLES = 10;
/** A kill is noted in whole milliseconds, and takes effect a little later. */
const KILL_NOTED_MS = 5;
/** Queues are kept short, so that draining takes seconds: writers are faster than MySQL, and then are told to wait. */
const LIMITS = {
  QUEUE_PARTITIONS: '4',
  QUEUE_MAX_LENGTH: '2500',
  CACHE_CONNECT_TIMEOUT_MS: '500',
  DB_CONNECT_TIMEOUT_MS: '1000',
};
const silentLogger = { debug() {}, info() {}, warn() {}, error() {} };

export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const round = new Round(options);
  try {
    return await round.run();
  } finally {
    await round.end();
  }
}

class Round {
  readonly #options: RoundOptions;
  readonly #name = `soak_${randomBytes(6).toString('hex')}`;
  readonly #valkey: Server;
  readonly #troubles: string[] = [];
  /** Valkey's ends, in milliseconds since 1970. */
  readonly #killedAtMs: number[] = [];
  #cutBytes = 0;
  #kills = 0;
  #written = 0;
  #crews: { readonly writers: Crew; readonly flushers: Crew } | undefined;
  #database: Awaited<ReturnType<typeof makeDatabase>> | undefined;
  #probe: SyncProbe | undefined;

  constructor(options: RoundOptions) {
    this.#options = options;
    const { appendfsync, losesPower } = options.setting;
    // The probe looks into one file: no rewrite begins another.
    const oneFile = losesPower ? ['--auto-aof-rewrite-percentage', '0'] : [];
    this.#valkey = new Server('valkey', ['--appendfsync', appendfsync, ...oneFile]);
  }

  async run(): Promise<RoundResult> {
    const { setting, mysql, folder, random, durationMs, pauseMs, signal } = this.#options;
    mkdirSync(folder, { recursive: true });
    const { host, port } = await this.#startValkey();
    this.#database = await makeDatabase(mysql.engine, this.#name, FLIGHTS);
    const environment = {
      ...this.#database.environment,
      ...LIMITS,
      CACHE_HOST: host,
      CACHE_PORT: String(port),
      CACHE_NAMESPACE: this.#name,
      FLUSHER_IDLE_MS: String(random.pick(FLUSHER_IDLE_MS)),
    };
    const settings = parseSettings(environment);
    const onTrouble = (trouble: string) => void this.#troubles.push(trouble);
    const writers = new Crew('soak/writer-process.ts', environment, onTrouble);
    const flushers = new Crew('support/flusher-process.ts', environment, onTrouble);
    this.#crews = { writers, flushers };
    await Promise.all([
      ...Array.from({ length: WRITERS }, () => this.#startWriter(writers)),
      ...Array.from({ length: FLUSHERS }, () => flushers.start()),
    ]);
    for (const untilMs = Date.now() + durationMs; Date.now() < untilMs;) {
      await delay(setting.leastPauseMs + random.below(pauseMs), undefined, { signal });
      await this.#kill(writers, flushers);
    }
    await writers.stop(signal);
    await this.#drain(settings);
    await flushers.killAll();
    return await this.#verdict(settings);
  }

  async end(): Promise<void> {
    this.#probe?.close();
    await this.#crews?.writers.killAll();
    await this.#crews?.flushers.killAll();
    // Cut short while MySQL was down: its folder goes in the end, this database with it.
    await this.#database?.drop().catch(() => undefined);
    await this.#valkey.remove();
  }

  async #startValkey(): Promise<{ host: string; port: number }> {
    const engine = await this.#valkey.start();
    const { losesPower, appendfsync } = this.#options.setting;
    if (losesPower && appendfsync === 'everysec') this.#probe = await SyncProbe.start(engine);
    return engine;
  }

  async #startWriter(writers: Crew): Promise<void> {
    const { setting, random, folder } = this.#options;
    const { callers, insisting, durability } = setting;
    const name = `w${String(this.#written++)}`;
    const seed = random.below(2 ** 31);
    const file = join(folder, `${name}.jsonl`);
    const options: WriterOptions = { name, file, seed, callers, insisting, durability, flights: FLIGHTS };
    await writers.start(JSON.stringify(options));
  }

  async #kill(writers: Crew, flushers: Crew): Promise<void> {
    const { setting, random, mysql } = this.#options;
    this.#kills++;
    switch (setting.target) {
      case 'writer':
        await writers.kill(random.below(writers.size));
        await this.#startWriter(writers);
        return;
      case 'flusher':
        await flushers.kill(random.below(flushers.size));
        await flushers.start();
        return;
      case 'mysql':
        await mysql.kill();
        await mysql.start();
        return;
      case 'valkey': {
        this.#killedAtMs.push(await this.#valkey.kill());
        if (setting.losesPower) await this.#losePower();
        await this.#startValkey();
      }
    }
  }

  async #losePower(): Promise<void> {
    const { random } = this.#options;
    if (this.#probe) this.#cutBytes += await this.#probe.cut(random);
    else await this.#valkey.tearLastWrite(random);
  }

  /** What waits is stored, also if a server has only just come back. */
  async #drain(settings: Settings): Promise<void> {
    const deadline = new Date(Date.now() + DRAIN_TIMEOUT_MS);
    let last: unknown;
    const { signal } = this.#options;
    while (Date.now() < deadline.getTime()) {
      signal?.throwIfAborted();
      try {
        const cache = await FlightCache.open(settings, { logger: silentLogger });
        try {
          last = await cache.flushQueue({ deadline, ...(signal ? { signal } : {}) });
          if ((await cache.queueLength()) === 0) return;
        } finally {
          await cache.close();
        }
      } catch (error) {
        if (!(error instanceof AfterwriteError) || !error.retryable) throw error;
        last = error;
      }
      await delay(50);
    }
    this.#troubles.push(`the queue was not drained in time: ${JSON.stringify(last)}`);
  }

  async #verdict(settings: Settings): Promise<RoundResult> {
    const { folder, signal, setting } = this.#options;
    const { durability } = setting;
    const files = readdirSync(folder).map((name) => join(folder, name));
    let oldestLostMs = 0;
    const onFinding = (finding: Finding) => {
      const ageMs = this.#allowedLoss(finding);
      if (ageMs === undefined) this.#note(finding);
      else oldestLostMs = Math.max(oldestLostMs, ageMs);
    };
    const report = await checkHistory({ files, settings, onFinding, ...(signal ? { signal } : {}) });
    const { pending, unrecorded, unreadable } = report;
    if (pending + unrecorded + unreadable > 0) {
      this.#troubles.push(JSON.stringify({ pending, unrecorded, unreadable }));
    }
    if (!files.some((file) => readFileSync(file, 'utf8').includes(`"durability":"${durability}"`))) {
      this.#troubles.push(`nothing was acknowledged at level ${durability}`);
    }
    const troubles = this.#troubles.slice(0, MOST_TROUBLES);
    return { report, kills: this.#kills, cutBytes: this.#cutBytes, oldestLostMs, troubles };
  }

  #note({ kind, flightId, version, at, durability, detail }: Finding): void {
    const kills = this.#killedAtMs.map((ms) => new Date(ms).toISOString()).join(' ');
    this.#troubles.push(
      `${kind}: flight ${flightId}, ${JSON.stringify({ version, at, durability, kills })}: ${detail}`,
    );
  }

  /** Of a loss that this setting allows, how long before the kill the update had been accepted. */
  #allowedLoss({ kind, version = '', durability }: Finding): number | undefined {
    if (kind !== 'LOST' || this.#options.setting.appendfsync === 'always' || durability === 'aof')
      return undefined;
    const acceptedMs = Number(version.split('-')[1]) / 1000;
    const killedAtMs = this.#killedAtMs.find((ms) => ms + KILL_NOTED_MS >= acceptedMs) ?? Infinity;
    const ageMs = Math.max(0, killedAtMs - acceptedMs);
    return ageMs <= EVERYSEC_LOSS_MS ? ageMs : undefined;
  }
}
