/**
 * Which cached values must be right. Nothing was lost: all. After a loss the buffer may hold what it held earlier, and
 * such a value stays wrong until it expires. It must be right again once its base was read from the store after the
 * loss, and an update may not take a clean value from before the loss for its base. The same where an update that
 * only the lost queue held is stored after all by a flusher that had peeked it: what was read before that is too old.
 */
export class Trust {
  /** The step in which the base of the cached value was read. */
  readonly #readAt = new Map<string, number>();
  /** What was read up to this step may be older than the store. */
  readonly #staleUntil = new Map<string, number>();
  /** Clean values that a loss brought back, until they are read anew. */
  readonly #broughtBack = new Set<string>();

  has(id: string): boolean {
    return (this.#readAt.get(id) ?? 0) > (this.#staleUntil.get(id) ?? -1);
  }

  lost(id: string, step: number, isClean: boolean): void {
    this.#staleUntil.set(id, step);
    if (isClean) this.#broughtBack.add(id);
    else this.#broughtBack.delete(id);
  }

  storedThoughLost(id: string, step: number): void {
    this.#staleUntil.set(id, step);
    this.#broughtBack.delete(id);
  }

  /** Cached, or the base of an update: what was read from the store in this step. */
  readFromStore(id: string, step: number): void {
    this.#readAt.set(id, step);
    this.#broughtBack.delete(id);
  }

  /** An update was accepted on top of a clean value that was cached. */
  updatedClean(id: string, step: number): void {
    if (this.#broughtBack.has(id)) this.readFromStore(id, step);
  }
}
