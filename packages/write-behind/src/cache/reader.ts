/** Reads one entity, cache-aside: from the buffer, else from the store and into the buffer, else past it. */
import type { BufferPort } from '../buffer/buffer.ts';
import type { FieldValues } from '../entity.ts';
import {
  BufferFullError,
  BufferUnavailableError,
  NotFoundError,
  OutcomeUnknownError,
  PartitionsChangedError,
  PartitionsChangingError,
  type AfterwriteError,
} from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import type { LoadedRow, StorePort } from '../store/store.ts';
import type { Loader } from './loader.ts';
import type { ReadResult, ReadSource } from './results.ts';

/** Reads that lose against updates this often go past the cache. */
const MAX_READS = 5;

interface Found {
  readonly value: FieldValues | undefined;
  readonly version: string;
  readonly query: string | null;
  readonly pending: boolean | null;
}

interface ReaderPorts {
  readonly buffer: BufferPort;
  readonly store: StorePort;
  readonly runtime: Runtime;
}

export class Reader {
  readonly #entity: string;
  readonly #ports: ReaderPorts;
  readonly #loader: Loader;

  constructor(entity: string, ports: ReaderPorts, loader: Loader) {
    this.#entity = entity;
    this.#ports = ports;
    this.#loader = loader;
  }

  async read(id: string): Promise<ReadResult<FieldValues>> {
    const startMs = this.#ports.runtime.monotonicMs();
    const answer = (source: ReadSource, found: Found) => this.#answer(id, startMs, source, found);
    const bypass = async (row?: LoadedRow, pending: boolean | null = null) =>
      answer('CACHE_BYPASS', this.#bypassed(row ?? (await this.#ports.store.load(id)), pending));
    try {
      for (let attempt = 1; attempt <= MAX_READS; attempt++) {
        const cached = await this.#ports.buffer.read(id);
        if (cached) return answer('CACHE_HIT', { ...cached, query: null, pending: cached.dirty });
        const outcome = await this.#loader.load(id);
        if (outcome.kind === 'BYPASSED') return await bypass(outcome.row, outcome.pending);
        if (outcome.kind === 'FILLED') {
          return answer('CACHE_MISS', { ...outcome.row, version: outcome.version, pending: false });
        }
      }
      return await bypass();
    } catch (error) {
      if (!isBufferAway(error)) throw error;
      return await bypass();
    }
  }

  /** A version of its own: nobody else will see this content under it. */
  #bypassed(row: LoadedRow, pending: boolean | null): Found {
    return { ...row, version: `bypass.${this.#ports.runtime.uniqueName()}`, pending };
  }

  #answer(id: string, startMs: number, source: ReadSource, found: Found): ReadResult<FieldValues> {
    if (found.value === undefined) throw new NotFoundError(this.#entity, id);
    return {
      value: found.value,
      source,
      latencyMs: this.#ports.runtime.monotonicMs() - startMs,
      cacheKey: this.#ports.buffer.cacheKey(id),
      query: found.query,
      version: found.version,
      pending: found.pending,
    };
  }
}

/** Errors after which a read can still be answered by the store. */
function isBufferAway(error: unknown): error is AfterwriteError {
  return (
    error instanceof BufferUnavailableError ||
    error instanceof BufferFullError ||
    error instanceof OutcomeUnknownError ||
    error instanceof PartitionsChangedError ||
    error instanceof PartitionsChangingError
  );
}
