/** Whether the rows of large writes go by COPY, which costs PostgreSQL half of an INSERT and stores the same, where it is let. */

/** Below it a COPY, which is planned by nobody but needs a look at the table, costs as much. */
export const MIN_COPIED_ROWS = 20;
/** Writes after a failure that do without, so that no more than one in a thousand is spent on finding out. */
const PAUSE_WRITES = 1000;

/** What COPY cannot: tables with policies for rows, views, and whatever else an INSERT finds a way around. */
export class Copying {
  #pause = 0;

  /** Asked once for each write. */
  mayCopy(): boolean {
    if (this.#pause === 0) return true;
    this.#pause--;
    return false;
  }

  pause(): void {
    this.#pause = PAUSE_WRITES;
  }
}
