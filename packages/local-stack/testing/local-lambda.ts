/** A local Lambda on the handlers of this folder. */
import { join } from 'node:path';
import { LocalLambda, type LocalLambdaOptions } from '../src/lambda/local-lambda.ts';
import type { FunctionDefinition } from '../src/lambda/outcome.ts';

const HANDLERS = join(import.meta.dirname, 'handlers');

export function testFunction(name: string, more: Partial<FunctionDefinition> = {}): FunctionDefinition {
  return {
    name,
    taskRoot: HANDLERS,
    handler: `index.${name}`,
    timeoutMs: 20_000,
    memoryMb: 256,
    variables: {},
    ...more,
  };
}

export interface TestLambda {
  readonly lambda: LocalLambda;
  readonly lines: string[];
  /** Parsed answer of a function; fails when the function did. */
  call(name: string, event?: unknown): Promise<unknown>;
}

export function startLambda(
  functions: readonly FunctionDefinition[],
  more: Partial<LocalLambdaOptions> = {},
): TestLambda {
  const lines: string[] = [];
  const lambda = new LocalLambda({ functions, onLog: (line) => lines.push(line), ...more });
  return {
    lambda,
    lines,
    async call(name, event = {}) {
      const { functionError, payload } = await lambda.invoke(name, Buffer.from(JSON.stringify(event)));
      const text = payload.toString('utf8');
      if (functionError !== undefined) throw new Error(text);
      return JSON.parse(text) as unknown;
    },
  };
}
