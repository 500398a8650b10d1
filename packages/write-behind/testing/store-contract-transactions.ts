import { describe, expect, test } from 'vitest';
import { StoreError, StoreUnavailableError } from '../src/errors.ts';
import type { StoreContract } from './store-contract.ts';
import { oneWaits } from './store-harness.ts';
import { deadLetter, queuedUpdate, writeUpdates } from './store-items.ts';

const MOVED = { position: { epoch: 'e1', seq: 7 }, deadLetters: 0 };

export function describeTransactions(contract: StoreContract): void {
  describe('transaction', () => {
    test('commits what was done in it, and gives what the work gave', async () => {
      const store = await contract.openStore();
      const answer = await store.transaction(async (transaction) => {
        await transaction.lockWatermark(0);
        await transaction.moveWatermark(0, MOVED);
        return 42;
      });
      expect(answer).toBe(42);
      expect(await store.readEpoch(0)).toBe('e1');
      expect(await store.readWatermarks()).toMatchObject([MOVED, { position: { epoch: '', seq: 0 } }]);
    });

    test('shows nothing to others before it commits', async () => {
      const store = await contract.openStore();
      await store.transaction(async (transaction) => {
        await transaction.lockWatermark(0);
        await transaction.moveWatermark(0, MOVED);
        expect(await store.readEpoch(0)).toBe('');
      });
      expect(await store.readEpoch(0)).toBe('e1');
    });

    test('keeps a seq of microseconds exactly', async () => {
      const store = await contract.openStore();
      const position = { epoch: 'e1', seq: Number.MAX_SAFE_INTEGER };
      await store.transaction(async (transaction) => {
        await transaction.retire(0, [position]);
        await transaction.moveWatermark(0, { position, deadLetters: 0 });
      });
      expect((await store.readWatermarks())[0]?.position).toEqual(position);
      const retired = await store.transaction((transaction) => transaction.readRetired(0, ['e1', 'e2']));
      expect(retired).toEqual(new Map([['e1', Number.MAX_SAFE_INTEGER]]));
    });

    test('is undone whole when its work fails, and the error comes as it was thrown', async () => {
      const store = await contract.openStore({ poolSize: 1 });
      const failure = new StoreError('the work failed');
      const work = store.transaction(async (transaction) => {
        await transaction.lockWatermark(0);
        await writeUpdates(store, transaction, [queuedUpdate({ seq: 1 })]);
        await transaction.moveWatermark(0, MOVED);
        throw failure;
      });
      await expect(work).rejects.toBe(failure);
      await store.transaction((transaction) => transaction.lockWatermark(1));
      await expectUntouched(contract, await store.readEpoch(0));
    });

    test('4 leaves nothing for the next one to commit after a lock wait that took too long', async () => {
      // A database that undoes only the statement leaves the transaction open, and the next BEGIN would commit it.
      const store = await contract.openStore({ poolSize: 1, lockWaitSeconds: 1 });
      const release = await contract.harness().holdWidget(2);
      const late = store.transaction(async (transaction) => {
        await transaction.lockWatermark(0);
        await transaction.moveWatermark(0, MOVED);
        await writeUpdates(store, transaction, [queuedUpdate({ seq: 1, id: '1' })]);
        await transaction.lockRows(['2']);
      });
      await expect(late).rejects.toThrow(StoreUnavailableError);
      await store.transaction((transaction) => transaction.lockWatermark(1));
      await release();
      await expectUntouched(contract, await store.readEpoch(0));
    });

    test('4 leaves nothing for the next one to commit after a refused value', async () => {
      const store = await contract.openStore({ poolSize: 1 });
      const refused = store.transaction(async (transaction) => {
        await transaction.lockWatermark(0);
        await transaction.moveWatermark(0, MOVED);
        await writeUpdates(store, transaction, [queuedUpdate({ seq: 1, id: '1' })]);
        await writeUpdates(store, transaction, [queuedUpdate({ seq: 2, id: '2', changes: { size: -1 } })]);
      });
      await expect(refused).rejects.toMatchObject({ code: 'STORE_DATA_REFUSED' });
      await store.transaction((transaction) => transaction.lockWatermark(1));
      await expectUntouched(contract, await store.readEpoch(0));
    });

    test('holds a partition for itself from lockWatermark on, and the other sees what it committed', async () => {
      const store = await contract.openStore();
      const steps: string[] = [];
      const firstHasLock = Promise.withResolvers<undefined>();
      const mayCommit = Promise.withResolvers<undefined>();
      const first = store.transaction(async (transaction) => {
        await transaction.lockWatermark(0);
        firstHasLock.resolve(undefined);
        await mayCommit.promise;
        await transaction.moveWatermark(0, MOVED);
        steps.push('first commits');
      });
      await firstHasLock.promise;
      const second = store.transaction(async (transaction) => {
        const watermark = await transaction.lockWatermark(0);
        steps.push('second has the lock');
        return watermark;
      });
      // Another partition is free meanwhile.
      await store.transaction((transaction) => transaction.lockWatermark(1));
      await oneWaits(contract.harness());
      mayCommit.resolve(undefined);
      await first;
      expect(await second).toEqual(MOVED);
      expect(steps).toEqual(['first commits', 'second has the lock']);
    });

    test('tells what became of a position', async () => {
      const store = await contract.openStore();
      const ask = async (epoch: string, seq: number) => await store.positionState(0, { epoch, seq });
      expect(await ask('e1', 1)).toEqual({ state: 'UNKNOWN' });
      await store.transaction(async (transaction) => {
        await transaction.retire(0, [{ epoch: 'e1', seq: 5 }]);
        await transaction.moveWatermark(0, { position: { epoch: 'e2', seq: 7 }, deadLetters: 2 });
        await transaction.park(0, [
          deadLetter({ seq: 3, epoch: 'e2' }),
          deadLetter({ seq: 4, epoch: 'e2', reason: 'UNREADABLE' }),
        ]);
      });
      expect(await ask('e1', 5)).toEqual({ state: 'STORED' });
      expect(await ask('e1', 6)).toEqual({ state: 'UNKNOWN' });
      expect(await ask('e2', 7)).toEqual({ state: 'STORED' });
      expect(await ask('e2', 8)).toEqual({ state: 'UNKNOWN' });
      expect(await ask('e3', 1)).toEqual({ state: 'UNKNOWN' });
      expect(await ask('e2', 3)).toMatchObject({ state: 'DEAD', reason: 'REFUSED' });
      expect(await ask('e2', 4)).toMatchObject({ state: 'DEAD', reason: 'UNREADABLE' });
      // Accepted when the entity was of another partition: the number of partitions has changed since.
      const elsewhere = async (epoch: string, seq: number) => await store.positionState(1, { epoch, seq });
      expect(await elsewhere('e1', 5)).toEqual({ state: 'STORED' });
      expect(await elsewhere('e1', 6)).toEqual({ state: 'UNKNOWN' });
      expect(await elsewhere('e2', 7)).toEqual({ state: 'STORED' });
      expect(await elsewhere('e2', 3)).toMatchObject({ state: 'DEAD', reason: 'REFUSED' });
      expect(await elsewhere('e3', 1)).toEqual({ state: 'UNKNOWN' });
    });

    test('fails on a partition that was never made', async () => {
      const store = await contract.openStore();
      await expect(store.transaction((transaction) => transaction.lockWatermark(9))).rejects.toThrow(
        StoreError,
      );
      await expect(store.readEpoch(9)).rejects.toThrow(StoreError);
    });

    test('records its statements without their values', async () => {
      const store = await contract.openStore();
      const statements = await store.transaction(async (transaction) => {
        await transaction.lockWatermark(0);
        await transaction.readRetired(0, ['secret1']);
        const secret = queuedUpdate({ seq: 1, changes: { note: 'secret2' }, user: 'secret3' });
        await writeUpdates(store, transaction, [secret]);
        return transaction.statements;
      });
      const text = statements.join('\n');
      expect(text).toMatch(/START TRANSACTION|BEGIN/);
      expect(statements.at(-1)).toBe('COMMIT');
      expect(text).not.toMatch(/secret/);
    });
  });
}

/** Nothing of a transaction that set size, log and watermark is there. */
async function expectUntouched(contract: StoreContract, epoch: string): Promise<void> {
  expect(epoch).toBe('');
  expect(await contract.harness().log()).toEqual([]);
  expect((await contract.harness().widgets()).filter(({ size }) => size !== 0)).toEqual([]);
}
