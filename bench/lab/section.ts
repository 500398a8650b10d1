/** What a part of the benchmark is given and what it gives back. */
import type { FlightCache } from '@afterwrite/flights';
import type { Settings } from '@afterwrite/write-behind';
import type { Servers } from './servers.ts';
import type { TargetRow } from './targets.ts';

export interface Lab {
  readonly servers: Servers;
  /** Two minutes for everything instead of ten: fewer rounds, fewer calls. */
  readonly isQuick: boolean;
  /** How often what is compared is measured in turn. */
  readonly rounds: number;
  readonly signal: AbortSignal;
  /** Tells a waiting person what is going on. */
  readonly say: (line: string) => void;
  /** What the sections before this one gave. */
  readonly results: ReadonlyMap<string, SectionResult>;
  /** Of the bench's servers. */
  readonly settings: (namespace: string, overrides?: Environment) => Settings;
  /** A cache on the bench's servers; closed by who opened it. Of `namespace`s each has keys and rows of its own. */
  readonly open: (namespace: string, overrides?: Environment) => Promise<FlightCache>;
}

export type Environment = Readonly<Record<string, string>>;

export interface Section {
  readonly name: string;
  /** What it measures, as a heading. */
  readonly title: string;
  run(lab: Lab): Promise<SectionResult>;
}

export interface SectionResult {
  /** Rows of the table of targets. */
  readonly rows: readonly TargetRow[];
  readonly tables: readonly Table[];
  readonly plots: readonly Plot[];
  /** Figures that later sections or documents use, by name. */
  readonly figures: Readonly<Record<string, number>>;
  /** How it was measured, and what a reader must know to judge it: a paragraph each. */
  readonly remarks: readonly string[];
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

export interface Plot {
  /** Of its file in the results' folder, without `.svg`. */
  readonly file: string;
  readonly title: string;
  readonly kind: 'line' | 'bar';
  readonly x: { readonly name: string; readonly isLog?: boolean; readonly categories?: readonly string[] };
  readonly y: { readonly name: string; readonly isLog?: boolean };
  /** Of lines [x, y]; of bars one value a category. */
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly (readonly [x: number, y: number])[] | readonly number[];
    /** A floor or a peer, beside what is ours. */
    readonly isDashed?: boolean;
  }[];
}
