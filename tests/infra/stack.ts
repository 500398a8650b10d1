/** The resources of a stage, and what a rule about them is. */
import { catalog, type FunctionName } from '@afterwrite/functions/catalog';
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
}

export class Stack {
  resources: Resource[];
  constructor(resources: Resource[]) {
    this.resources = resources;
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

  parameter(name: string): any {
    const { parameters } = this.one('rds/parameterGroup') as { parameters: { name: string }[] };
    return parameters.find((each) => each.name === name);
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
