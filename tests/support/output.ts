/** What functions print in this process: their metrics' documents and their log's lines. For the tests of one file. */
import { METRICS_NAMESPACE } from '@afterwrite/functions/metrics';
import { expect, vi } from 'vitest';

interface Emf {
  readonly _aws: {
    readonly CloudWatchMetrics: readonly [
      {
        readonly Namespace: string;
        readonly Dimensions: readonly (readonly string[])[];
        readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
      },
    ];
  };
  readonly [name: string]: unknown;
}

export type Line = Readonly<Record<string, unknown>> & { readonly message: string };

export interface Output {
  /** Each with the values of its metrics. */
  readonly documents: ReadonlyMap<string, readonly number[]>[];
  /** The same, as they were printed. */
  readonly printed: Emf[];
  readonly lines: Line[];
  clear(): void;
}

/** Ends with `vi.restoreAllMocks`. */
export function watchOutput(): Output {
  const output = {
    documents: [] as ReadonlyMap<string, readonly number[]>[],
    printed: [] as Emf[],
    lines: [] as Line[],
    clear() {
      for (const list of [output.documents, output.printed, output.lines]) list.length = 0;
    },
  };
  vi.spyOn(console, 'log').mockImplementation((text: string) => {
    const document = JSON.parse(text) as Emf;
    output.printed.push(document);
    output.documents.push(valuesOf(document));
  });
  for (const name of ['info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, name).mockImplementation((text: string) => {
      output.lines.push(JSON.parse(text) as Line);
    });
  }
  return output;
}

/** What CloudWatch would take of it. */
function valuesOf(document: Emf): ReadonlyMap<string, readonly number[]> {
  const [{ Namespace, Dimensions, Metrics }] = document._aws.CloudWatchMetrics;
  expect(Namespace).toBe(METRICS_NAMESPACE);
  expect(Dimensions).toEqual([['service']]);
  return new Map(
    Metrics.map(({ Name }) => {
      const values = [document[Name]].flat() as number[];
      expect(values.every(Number.isFinite), `${Name}: ${JSON.stringify(values)}`).toBe(true);
      return [Name, values];
    }),
  );
}

/** Of a counter, over these documents. */
export function sumOf({ documents }: Output, name: string): number {
  return documents.flatMap((document) => document.get(name) ?? []).reduce((sum, value) => sum + value, 0);
}
