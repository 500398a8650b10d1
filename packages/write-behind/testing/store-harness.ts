/** What a database must offer beside its store, so that the contract suite can look past the store. */
import { expect } from 'vitest';
import type { StorePort } from '../src/store/store.ts';
import type { Widget } from './widgets.ts';

export interface StoreHarnessOptions {
  /** Default 2. */
  readonly partitions?: number;
  /** Default ''. Stores of different namespaces share nothing but the widgets. */
  readonly namespace?: string;
  readonly poolSize?: number;
  readonly lockWaitSeconds?: number;
}

export interface WidgetLogRow {
  readonly id: number;
  readonly accepted_us: number;
  readonly user: string;
  readonly comment: string | null;
  readonly widget_id: number;
  readonly name_before: string;
  readonly name_after: string;
  readonly size_before: number;
  readonly size_after: number;
  readonly note_before: string | null;
  readonly note_after: string | null;
}

/** One database of its own. */
export interface StoreHarness {
  /** Not opened yet, with connections of its own. */
  makeStore(options?: StoreHarnessOptions): StorePort;
  /** Leaves the widgets 1 to `widgets`, named `widget <id>`, of size 0 and without a note, and an empty log. */
  reset(widgets: number): Promise<void>;
  /** By id. */
  widgets(): Promise<Widget[]>;
  /** In the order in which they were written. */
  log(): Promise<WidgetLogRow[]>;
  /** Locks a widget's row from outside; the answer gives it back. */
  holdWidget(id: number): Promise<() => Promise<void>>;
  /** Transactions in this database that wait for a lock now. */
  lockWaits(): Promise<number>;
  /** Connections of stores, and of nothing else, that the server knows now. */
  connections(): Promise<number>;
  drop(): Promise<void>;
}

/** Resolves once one transaction waits for a lock. */
export async function oneWaits(harness: Pick<StoreHarness, 'lockWaits'>): Promise<void> {
  await expect.poll(() => harness.lockWaits(), { timeout: 5000, message: 'nobody waits' }).toBe(1);
}
