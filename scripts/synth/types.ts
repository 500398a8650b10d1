/**
 * What the program, which is built with SST's sources, hands to the script that runs it: resources, and as `sst:app` what
 * sst.config.ts says of the stage itself.
 */
export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface Synthesis {
  /** By type and name. Throws an Error while the program has not ended. */
  resources(): Resource[];
}

export interface Program {
  synthesize(stage: string): Synthesis;
}
