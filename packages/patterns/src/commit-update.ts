/**
 * One update as one transaction of its own, with the statements that the flusher runs: lock the row, change it, write its
 * audit row, commit. Writers of one entity come one after the other, from the lock until the commit.
 */
import { OutcomeUnknownError, type Runtime, type Update, type FieldValues } from '@afterwrite/write-behind';
import type { StorePort, StoreTransaction } from '@afterwrite/write-behind/internal';

export type CommitReply =
  | { readonly kind: 'COMMITTED' }
  /** There is no such row. Nothing was written. */
  | { readonly kind: 'MISSING' }
  /** `first` said no. Nothing was written. */
  | { readonly kind: 'NOT_BEGUN' };

export interface CommitPorts {
  readonly store: StorePort;
  readonly runtime: Runtime;
}

/**
 * `first` is called under the row's lock, before anything is written, and says whether to go on. Throws
 * StoreUnavailableError, StoreDataError or StoreError, rolled back; OutcomeUnknownError where COMMIT was sent and its
 * reply was lost.
 */
export async function commitUpdate(
  { store, runtime }: CommitPorts,
  update: Update<FieldValues>,
  first: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<CommitReply> {
  const progress = { isCommitSent: false };
  const work = async (transaction: StoreTransaction): Promise<CommitReply> => {
    const before = (await transaction.lockRows([update.id])).get(update.id);
    // Answered, not thrown: a transaction that wrote nothing may commit, and its connection is used again.
    if (!before) return { kind: 'MISSING' };
    if (!(await first())) return { kind: 'NOT_BEGUN' };
    // Under the lock, so that the audit trail's times are in the order of the commits, as far as clocks agree.
    const accepted = { ...update, acceptedUs: runtime.now() * 1000 };
    await transaction.write([{ update: accepted, before, after: store.change(before, update.changes) }]);
    progress.isCommitSent = true;
    return { kind: 'COMMITTED' };
  };
  try {
    return await store.transaction(work);
  } catch (error) {
    if (!progress.isCommitSent) throw error;
    throw new OutcomeUnknownError(
      'COMMIT',
      error,
      'Read the row or its audit trail in the database to find out.',
    );
  }
}
