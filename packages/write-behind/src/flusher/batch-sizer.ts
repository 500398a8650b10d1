/**
 * How many rows the next batch takes: small when little waits, growing while batches come full and commit quickly, so
 * that a short queue is stored at once and a long one in few transactions. Keeps the time in which a partition's row
 * is locked near the target.
 */
export class BatchSizer {
  readonly #mostRows: number;
  #rows: number;

  constructor(mostRows: number, firstRows = FIRST_ROWS) {
    this.#mostRows = mostRows;
    this.#rows = Math.min(mostRows, firstRows);
  }

  get rows(): number {
    return this.#rows;
  }

  learn(batch: { readonly rows: number; readonly items: number; readonly storeMs: number }): void {
    if (batch.storeMs > TARGET_STORE_MS * 2) this.#rows = Math.max(1, Math.floor(this.#rows / 2));
    else if (batch.items >= batch.rows && batch.storeMs < TARGET_STORE_MS) {
      this.#rows = Math.min(this.#mostRows, this.#rows * GROWTH);
    }
  }
}

/** Stored well within the target by a database a tenth as fast as most. */
const FIRST_ROWS = 1000;
const GROWTH = 4;
/** Long enough to make the commit's fsync cheap, short enough for a lag of seconds and a Lambda's last moments. */
const TARGET_STORE_MS = 250;
