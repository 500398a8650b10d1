/**
 * What the program, which is built with SST's sources, hands to the script that runs it: resources, and as `sst:app` what
 * sst.config.ts says of the stage itself.
 */
import type { CacheEngine } from '../../infra/cache-engines.ts';
import type { DatabaseEngine } from '../../infra/database-engines.ts';

export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface Synthesis {
  /** By type and name. Throws an Error while the program has not ended. */
  resources(): Resource[];
}

/** In place of those in the stage's settings. */
export interface Engines {
  readonly database: DatabaseEngine | undefined;
  readonly cache: CacheEngine | undefined;
}

export interface Program {
  synthesize(stage: string, engines: Engines): Synthesis;
}
