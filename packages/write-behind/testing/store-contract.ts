/**
 * What every store must do, on its real database. A later database plugs in with a StoreHarness of its own and one
 * call of `describeStore`; what is particular to it has tests beside its store.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import type { StorePort } from '../src/store/store.ts';
import { describeLetters } from './store-contract-letters.ts';
import { describeOpening } from './store-contract-open.ts';
import { describeTransactions } from './store-contract-transactions.ts';
import { describeWriting } from './store-contract-writing.ts';
import type { StoreHarness, StoreHarnessOptions } from './store-harness.ts';

const WIDGETS = 10;

/** What the parts of the suite share; each test has a namespace of its own, and the widgets as `reset` leaves them. */
export interface StoreContract {
  makeHarness(): Promise<StoreHarness>;
  harness(): StoreHarness;
  /** A name that no other test uses. */
  namespace(): string;
  /** Opened, and closed after the test. */
  openStore(options?: StoreHarnessOptions): Promise<StorePort>;
  /** Not opened; closed after the test. */
  makeStore(options?: StoreHarnessOptions): StorePort;
}

export function describeStore(name: string, makeHarness: () => Promise<StoreHarness>): void {
  describe(name, () => {
    let harness: StoreHarness;
    let stores: StorePort[] = [];
    let namespaces = 0;
    const contract: StoreContract = {
      makeHarness,
      harness: () => harness,
      namespace: () => `test-${namespaces++}`,
      makeStore(options = {}) {
        const store = harness.makeStore({ namespace: contract.namespace(), ...options });
        stores.push(store);
        return store;
      },
      async openStore(options) {
        const store = contract.makeStore(options);
        await store.open();
        return store;
      },
    };
    beforeAll(async () => {
      harness = await makeHarness();
    });
    beforeEach(async () => {
      await harness.reset(WIDGETS);
    });
    afterEach(async () => {
      await Promise.all(stores.splice(0).map((store) => store.close()));
      stores = [];
      // The server notices a closed connection a moment later.
      await expect.poll(() => harness.connections(), { message: 'connections left open' }).toBe(0);
    });
    afterAll(async () => {
      await harness.drop();
    });

    describeOpening(contract);
    describeTransactions(contract);
    describeWriting(contract);
    describeLetters(contract);
  });
}
