/** The resources of a stage, and what a rule about them is. */
import { catalog, type FunctionName } from '@afterwrite/functions/catalog';
import { caches, databases, type Engines } from './engines.ts';
import type { Resource } from './synthesized.ts';

/** Found wrong, in words. */
export type Findings = string[];

export interface Rule {
  readonly name: string;
  readonly check: (stack: Stack) => Findings;
  /** Each alone makes the rule find something. */
  readonly breaks: Readonly<Record<string, (stack: Stack) => void>>;
  /** Only where somebody's data is. */
  readonly isForProduction?: boolean;
  /** Of these engines; default: of all. */
  readonly isFor?: (engines: Engines) => boolean;
}

export class Stack {
  resources: Resource[];
  /** What was chosen. */
  readonly engines: Engines;

  constructor(resources: Resource[], engines: Engines) {
    this.resources = resources;
    this.engines = engines;
  }

  /** What must be so of the database that was chosen. */
  get expected() {
    return { database: databases[this.engines.database], cache: caches[this.engines.cache] };
  }

  /** RDS's instance, or Aurora's cluster: what has the data. */
  get database(): any {
    const found = [...this.all('rds/instance'), ...this.all('rds/cluster')];
    if (found.length !== 1) throw new Error(`${found.length} databases; 1 was expected`);
    return found[0]!.inputs;
  }

  /** The one of RDS, or those of the cluster. */
  get databaseInstances(): any[] {
    return [...this.all('rds/instance'), ...this.all('rds/clusterInstance')].map(({ inputs }) => inputs);
  }

  /** Has the queue, whatever the cache is. */
  get queueServer(): any {
    return this.one('elasticache/replicationGroup');
  }

  /** `rds/instance`. */
  all(type: string): { name: string; inputs: any }[] {
    return this.resources.filter((each) => each.type.startsWith(`aws:${type}:`));
  }

  one(type: string, name?: string): any {
    const found = this.all(type).filter((each) => name === undefined || each.name === name);
    if (found.length !== 1)
      throw new Error(`${found.length} resources ${type} ${name ?? ''}; 1 was expected`);
    return found[0]!.inputs;
  }

  /** What sst.config.ts says of the stage. */
  get app(): any {
    return this.resources.find(({ type }) => type === 'sst:app')?.inputs;
  }

  remove(type: string, name: string): void {
    const before = this.resources.length;
    this.resources = this.resources.filter(
      (each) => !(each.type.startsWith(`aws:${type}:`) && each.name === name),
    );
    if (this.resources.length === before) throw new Error(`there was no ${type} ${name}`);
  }

  add(type: string, name: string, inputs: Record<string, unknown>): void {
    this.resources.push({ type: `aws:${type}:`, name, inputs });
  }

  /** Of a function by its name in the catalog. */
  function(name: FunctionName): any {
    return this.one('lambda/function', `${component(name)}Function`);
  }

  role(name: FunctionName): any {
    return this.one('iam/role', `${component(name)}Role`);
  }

  get parameterGroups(): any[] {
    const groups = [...this.all('rds/parameterGroup'), ...this.all('rds/clusterParameterGroup')];
    return groups.map(({ inputs }) => inputs);
  }

  /** Of the database. */
  parameter(name: string): any {
    return this.parameterGroups.flatMap(({ parameters }) => parameters).find((each) => each.name === name);
  }
}

export const functionNames = Object.keys(catalog) as FunctionName[];

function component(name: string): string {
  return name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** The finding, unless it holds. */
export function missing(what: string, isThere: unknown): Findings {
  return isThere ? [] : [what];
}

export function variables(stack: Stack, name: FunctionName): Record<string, string> {
  return stack.function(name).environment.variables;
}
