import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../src/errors.ts';
import type { StorePort } from '../src/store/store.ts';
import type { StoreContract } from './store-contract.ts';

/** Pairs of counts that are opened at once; enough for the slower of two to be overtaken at every line. */
const RACES = 25;

export function describeOpening(contract: StoreContract): void {
  describe('open', () => {
    test('makes its tables in a new database, and a watermark for each partition', async () => {
      const harness = await contract.makeHarness();
      const store = harness.makeStore({ partitions: 3 });
      await expect(store.readWatermarks()).rejects.toMatchObject({ code: 'STORE_ERROR' });
      const check = await store.open();
      expect(check.version).toMatch(/\d/);
      expect(check.warnings).toEqual([]);
      const fresh = { position: { epoch: '', seq: 0 }, deadLetters: 0 };
      expect(await store.readWatermarks()).toMatchObject([fresh, fresh, fresh]);
      await store.ping();
      expect(check.storeId).toMatch(/^\w+$/);
      expect(check).toMatchObject(await store.check());
      expect(await store.readEpoch(2)).toBe('');
      expect(await store.deadLetters({ afterLetterId: 0, limit: 10 })).toEqual([]);
      await store.close();
      await harness.drop();
    });

    test('in a new database may be done by many at once', async () => {
      const harness = await contract.makeHarness();
      const stores = Array.from({ length: 6 }, () => harness.makeStore({ partitions: 3, poolSize: 2 }));
      await Promise.all(stores.map((store) => store.open()));
      expect(await stores[0]!.readWatermarks()).toHaveLength(3);
      await Promise.all(stores.map((store) => store.close()));
      await harness.drop();
    });

    test('again, and migrate again, changes nothing', async () => {
      const store = await contract.openStore();
      const moved = { position: { epoch: 'e1', seq: 5 }, deadLetters: 2 };
      await store.transaction((transaction) => transaction.moveWatermark(1, moved));
      await store.migrate();
      await store.migrate();
      await store.open();
      expect((await store.readWatermarks())[1]).toMatchObject(moved);
    });

    test('3 refuses another count of partitions than at first use, and names both', async () => {
      const namespace = contract.namespace();
      await contract.openStore({ namespace, partitions: 3 });
      for (const partitions of [1, 2, 4]) {
        const other = contract.makeStore({ namespace, partitions });
        await expect(other.open()).rejects.toThrow(ConfigurationError);
        await expect(other.open()).rejects.toThrow(new RegExp(`QUEUE_PARTITIONS is ${partitions}.*has 3`));
      }
      expect(await contract.makeStore({ namespace, partitions: 3 }).readWatermarks()).toHaveLength(3);
    });

    test('and close, which may be repeated; a closed store serves no more', async () => {
      const store = await contract.openStore();
      await Promise.all([store.close(), store.close()]);
      await store.close();
      await expect(store.readEpoch(0)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await contract.makeStore().close();
    });

    test('keeps namespaces apart', async () => {
      const one = await contract.openStore({ partitions: 2 });
      const other = await contract.openStore({ partitions: 5 });
      await one.transaction((transaction) =>
        transaction.moveWatermark(0, { position: { epoch: 'e1', seq: 1 }, deadLetters: 0 }),
      );
      expect(await other.readEpoch(0)).toBe('');
      expect(await one.readEpoch(0)).toBe('e1');
    });

    test('of processes that open at once with different counts one count wins, and rows are never mixed', async () => {
      for (let race = 0; race < RACES; race++) {
        const namespace = contract.namespace();
        const counts = [3, 5, 3, 5];
        const stores = counts.map((partitions) => contract.makeStore({ namespace, partitions, poolSize: 2 }));
        const opened = await Promise.allSettled(stores.map((store) => store.open()));
        const winners = await countsKnown(stores[0]!);
        for (const [index, outcome] of opened.entries()) {
          if (counts[index] === winners) expect(outcome.status).toBe('fulfilled');
          else expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CONFIGURATION' } });
        }
        expect(counts).toContain(winners);
        await Promise.all(stores.map((store) => store.close()));
      }
    });
  });
}

async function countsKnown(store: StorePort): Promise<number> {
  return (await store.readWatermarks()).length;
}
