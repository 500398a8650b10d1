/**
 * What cache-aside and write-through have in common: reads, checks of the input, and that an update is in the database
 * before it is answered. They differ in what they do to the cache, and when.
 *
 * Reads are write-behind's own: a hit, or the row, cached under a fill lease (invariant 6). What was read is cached only
 * if nothing has taken that lease away, so a pattern is right if each write takes it away after its commit, or keeps it
 * from before its commit until it fills.
 */
import {
  type CachePorts,
  type CacheSettings,
  ClosedError,
  type EntityDefinition,
  type FieldValues,
  NotFoundError,
  OutcomeUnknownError,
  type ReadResult,
  type Update,
  type UpdateOptions,
  ValidationError,
} from '@afterwrite/write-behind';
import {
  checkFieldValues,
  Loader,
  parseAttribution,
  parseEntityId,
  Reader,
} from '@afterwrite/write-behind/internal';

export type PatternUpdateOptions = Pick<UpdateOptions, 'user' | 'comment'>;

/** What became of the cache, once the update was committed. */
export type CacheStep =
  /** It holds the row as this update left it, or as a later one did. */
  | { readonly cache: 'CACHED'; readonly version: string }
  /** Nothing that was read before the commit is in it, nor will be. The next read loads the row. */
  | { readonly cache: 'DROPPED' }
  /** It could not be reached. docs/PATTERNS.md says what readers may get, and for how long. */
  | { readonly cache: 'NOT_TOLD' };

export type PatternUpdateResult = CacheStep & {
  readonly cacheKey: string;
  /** The database has it. */
  readonly durability: 'stored';
};

/** What only write-behind keeps; ignored, they would be missed when it is too late. */
const NOT_OFFERED = ['idempotencyKey', 'ifVersion'] as const;

export abstract class PatternCache<Value extends FieldValues, Changes extends FieldValues> {
  protected readonly ports: CachePorts;
  protected readonly loader: Loader;
  readonly #definition: EntityDefinition<Value, Changes>;
  readonly #reader: Reader;
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** The ports must be of an entity of their own: see `openCacheAside` and `openWriteThrough`. */
  constructor(
    definition: EntityDefinition<Value, Changes>,
    ports: CachePorts,
    settings: Pick<CacheSettings, 'waitMs'>,
  ) {
    this.#definition = definition;
    this.ports = ports;
    // Nothing is ever queued here.
    this.loader = new Loader(ports, settings, () => Promise.resolve(false));
    this.#reader = new Reader(definition.name, ports, this.loader);
  }

  /**
   * Reads one entity: from the cache, else from the database and into the cache, else past it.
   * Throws ValidationError (id), NotFoundError, ForeignKeyTypeError, and StoreUnavailableError on a miss.
   */
  async get(id: unknown): Promise<ReadResult<Value>> {
    const found = await this.#run(() => this.#reader.read(parseEntityId(this.#definition, id)));
    return { ...found, value: found.value as Value };
  }

  /**
   * Resolves when the update and its audit row are committed. Nothing is written where it throws ValidationError,
   * NotFoundError, StoreUnavailableError (try again), StoreDataError or StoreError; write-through adds
   * BufferUnavailableError, BufferFullError and ForeignKeyTypeError. OutcomeUnknownError: COMMIT was sent, its reply was lost.
   */
  async update(id: unknown, changes: unknown, options: PatternUpdateOptions): Promise<PatternUpdateResult> {
    return await this.#run(async () => {
      const update = this.#parse(id, changes, options);
      const step = await this.#write(update);
      return { ...step, cacheKey: this.ports.buffer.cacheKey(update.id), durability: 'stored' };
    });
  }

  /** Takes no more calls, and lets those under way finish: an update must not end between the database and the cache. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  /** Commits the update and brings the cache into step. */
  protected abstract write(update: Update<FieldValues>): Promise<CacheStep | 'MISSING'>;

  /** After a commit: drops what is cached, and breaks the lease of whoever loads. Never throws. */
  protected async drop(id: string): Promise<CacheStep> {
    try {
      await this.ports.buffer.invalidate(id);
      return { cache: 'DROPPED' };
    } catch (error) {
      this.ports.logger.warn('The update is committed, but the cache could not be told.', {
        cacheKey: this.ports.buffer.cacheKey(id),
        error: String(error),
      });
      return { cache: 'NOT_TOLD' };
    }
  }

  async #write(update: Update<FieldValues>): Promise<CacheStep> {
    try {
      const step = await this.write(update);
      if (step === 'MISSING') throw new NotFoundError(this.#definition.name, update.id);
      return step;
    } catch (error) {
      if (error instanceof OutcomeUnknownError) await this.#keepOut(update.id).catch(() => undefined);
      throw error;
    }
  }

  /** A COMMIT on its way may still arrive: while the lease lasts, nobody caches the row as it was before. */
  async #keepOut(id: string): Promise<void> {
    const { buffer, runtime } = this.ports;
    const token = runtime.uniqueName();
    const { kind } = await buffer.seize(id, token);
    if (kind === 'UNFENCED') await buffer.lease(id, token);
  }

  #parse(id: unknown, changes: unknown, options: PatternUpdateOptions): Update<FieldValues> {
    const key = parseEntityId(this.#definition, id);
    const parsed: FieldValues = this.#definition.parseChanges(changes);
    checkFieldValues(parsed);
    for (const name of NOT_OFFERED) {
      if ((options as UpdateOptions)[name] !== undefined) {
        throw new ValidationError(name, 'this pattern has none; write-behind has');
      }
    }
    return { id: key, changes: parsed, ...parseAttribution(options.user, options.comment) };
  }

  async #run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new ClosedError();
    const running = call();
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    await Promise.allSettled([this.ports.buffer.close(), this.ports.store.close()]);
  }
}
