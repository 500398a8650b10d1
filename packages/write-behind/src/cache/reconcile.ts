/**
 * Compares cached values with their rows, and drops those that differ: for what changes the table past the cache, and for
 * values that outlived a loss of the buffer's.
 *
 * Only a clean value at an unchanged version is ever called different. All of its updates are stored then, so that the
 * row read between two looks that agree must be what is cached, whoever updates or flushes meanwhile. The drop repeats
 * the check in one step with the removal: an update or a fill that came in between wins. Killed at any line it has
 * dropped some clean values or none, which costs a read each.
 */
import type { BufferPort, CachedEntity, CachedLook } from '../buffer/buffer.ts';
import { AfterwriteError, ReconcileInterruptedError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import type { StorePort } from '../store/store.ts';
import { differences } from './consistency.ts';
import type { ReconcileOptions, ReconcileResult } from './results.ts';

/** What is taken where nothing is said, and the most that may be asked for. */
export const reconcileLimits = {
  /** Their ids are kept in memory. */
  sample: { usual: 1000, most: 1_000_000 },
  /** 200 take a fifth of one connection's time, about. */
  ratePerSecond: { usual: 200, most: 10_000 },
} as const;

/** So that a second's share is not asked for at once. */
const CHUNKS_PER_SECOND = 10;
const MAX_CHUNK = 100;
/** Between two portions of the search for what is cached: a portion is a fraction of a millisecond's work. */
const SCAN_REST_MS = 5;
/** An entity that is updated at each of these is for another time. */
const MAX_LOOKS = 3;
const MAX_EXAMPLES = 10;

interface Ports {
  readonly buffer: BufferPort;
  readonly store: StorePort;
  readonly runtime: Runtime;
}

type Settings = ReconcileOptions & { readonly sample: number | 'all'; readonly ratePerSecond: number };

/** One run. */
export class Reconciler {
  readonly #ports: Ports;
  readonly #isId: (text: string) => boolean;
  readonly #options: Settings;
  readonly #deadlineAt: number;
  readonly #counts = { scanned: 0, chosen: 0, compared: 0, different: 0, dropped: 0, skipped: 0 };
  readonly #examples: { id: string; differing: string[] }[] = [];

  /** `isId`: what else lies under such a key, put there by hand, is no row's. */
  constructor(ports: Ports, isId: (text: string) => boolean, options: Settings) {
    this.#ports = ports;
    this.#isId = isId;
    this.#options = options;
    this.#deadlineAt = options.deadline?.getTime() ?? Infinity;
  }

  async run(): Promise<ReconcileResult> {
    const { sample } = this.#options;
    try {
      return this.#result(sample === 'all' ? await this.#compareAll() : await this.#compareSample(sample));
    } catch (error) {
      if (!(error instanceof AfterwriteError)) throw error;
      throw new ReconcileInterruptedError(this.#result(false), error);
    }
  }

  async #compareAll(): Promise<boolean> {
    return await this.#scan(this.#deadlineAt, (ids) => this.#compare(ids));
  }

  /** Vitter's algorithm R: after n ids each of them is among the drawn with the same chance, whatever n will be. */
  async #compareSample(size: number): Promise<boolean> {
    const drawn: string[] = [];
    let seen = 0;
    const draw = (id: string) => {
      const place =
        drawn.length < size ? drawn.length : Math.floor(this.#ports.runtime.random() * (seen + 1));
      if (place < size) drawn[place] = id;
      seen++;
    };
    const wasScanned = await this.#scan(this.#scanUntil(size), (ids) => {
      ids.forEach(draw);
      return Promise.resolve(true);
    });
    return (await this.#compare([...new Set(drawn)])) && wasScanned;
  }

  /** Leaves the time that comparing takes, but not more than half. */
  #scanUntil(size: number): number {
    if (this.#deadlineAt === Infinity) return Infinity;
    const nowMs = this.#ports.runtime.now();
    const compareMs = (size * 1000) / this.#options.ratePerSecond;
    return this.#deadlineAt - Math.min(compareMs, Math.max(0, this.#deadlineAt - nowMs) / 2);
  }

  /** Gives each portion of what is cached to `take`. False if it ended early, by the time or by `take`. */
  async #scan(untilAt: number, take: (ids: readonly string[]) => Promise<boolean>): Promise<boolean> {
    for (let cursor: string | undefined; ;) {
      if (this.#isOver(untilAt)) return false;
      const { ids, next } = await this.#ports.buffer.cachedIds(cursor);
      const ours = ids.filter(this.#isId);
      this.#counts.scanned += ours.length;
      if (!(await take(ours))) return false;
      if (next === undefined) return true;
      cursor = next;
      await this.#rest(SCAN_REST_MS);
    }
  }

  /** False if the time was up before the last. */
  async #compare(ids: readonly string[]): Promise<boolean> {
    const { ratePerSecond, onProgress } = this.#options;
    const { runtime } = this.#ports;
    const size = Math.min(MAX_CHUNK, Math.ceil(ratePerSecond / CHUNKS_PER_SECOND));
    this.#counts.chosen += ids.length;
    for (let start = 0; start < ids.length; start += size) {
      const startedMs = runtime.monotonicMs();
      const chunk = ids.slice(start, start + size);
      if (!(await this.#compareChunk(chunk))) return false;
      onProgress?.(this.#result(false));
      await this.#rest((chunk.length * 1000) / ratePerSecond - (runtime.monotonicMs() - startedMs));
    }
    return true;
  }

  async #compareChunk(ids: readonly string[]): Promise<boolean> {
    if (this.#isOver()) return false;
    const looks = await this.#ports.buffer.look(ids);
    for (const [index, id] of ids.entries()) {
      if (this.#isOver()) return false;
      const value = cleanOf(looks[index]);
      if (!value) this.#counts.skipped++;
      else if ((await this.#differing(id, value)).length === 0) this.#counts.compared++;
      else await this.#lookAgain(id);
    }
    return true;
  }

  /** Whatever was seen before, an update, a flush or a redrive may have come in between. */
  async #lookAgain(id: string): Promise<void> {
    for (let attempt = 1; attempt <= MAX_LOOKS; attempt++) {
      const [before] = await this.#ports.buffer.look([id]);
      const value = cleanOf(before);
      if (!value) break;
      const differing = await this.#differing(id, value);
      const [after] = await this.#ports.buffer.look([id]);
      if (cleanOf(after)?.version !== value.version) continue;
      this.#counts.compared++;
      if (differing.length > 0) await this.#repair(id, value.version, differing);
      return;
    }
    this.#counts.skipped++;
  }

  async #differing(id: string, { value }: CachedEntity): Promise<string[]> {
    const row = await this.#ports.store.load(id);
    return differences(value ?? null, row.value ?? null);
  }

  async #repair(id: string, version: string, differing: string[]): Promise<void> {
    const { repair = true } = this.#options;
    this.#counts.different++;
    if (this.#examples.length < MAX_EXAMPLES) this.#examples.push({ id, differing });
    if (repair && (await this.#ports.buffer.drop(id, version))) this.#counts.dropped++;
  }

  async #rest(ms: number): Promise<void> {
    const { runtime } = this.#ports;
    const { signal } = this.#options;
    const restMs = Math.min(ms, this.#deadlineAt - runtime.now());
    if (restMs <= 0 || signal?.aborted) return;
    await runtime.sleep(restMs, signal).catch((error: unknown) => {
      if (!signal?.aborted) throw error;
    });
  }

  #isOver(untilAt = this.#deadlineAt): boolean {
    return this.#options.signal?.aborted === true || this.#ports.runtime.now() >= untilAt;
  }

  #result(complete: boolean): ReconcileResult {
    const { compared, different } = this.#counts;
    const divergenceRate = compared === 0 ? null : different / compared;
    return { ...this.#counts, divergenceRate, examples: [...this.#examples], complete };
  }
}

/** What may be compared: of everything else the row is not, or not yet, what is cached. */
function cleanOf(look: CachedLook | undefined): CachedEntity | undefined {
  return look?.pending === false && look.cached?.dirty === false ? look.cached : undefined;
}
