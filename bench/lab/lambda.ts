/** The bundles as they are deployed, each in a process of its own behind the Lambda Runtime API, and an empty function. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalog, type FunctionName } from '@afterwrite/functions/catalog';
import { bundleFunctions, LocalLambda, projectBundles } from '@afterwrite/local-stack';
import { DEPLOYED } from './handlers.ts';
import type { Environment } from './section.ts';

/** A function that does nothing: what remains is Node's, the runtime's and this machine's. */
export const EMPTY = 'empty';
const EMPTY_SOURCE = 'export const handler = async () => ({ statusCode: 204 });\n';

export type BenchFunction = FunctionName | typeof EMPTY;

export interface Functions {
  /** Bytes that a bundle adds to a zip file, by function. */
  readonly zippedBytes: ReadonlyMap<string, number>;
  /** Of an invocation, in an environment that is there. Throws what the function answers but success. */
  invoke(name: BenchFunction, event: unknown): Promise<void>;
  /** The next invocation starts an environment. */
  retire(name: BenchFunction): void;
  close(): Promise<void>;
}

export async function openFunctions(
  names: readonly FunctionName[],
  environment: Environment,
): Promise<Functions> {
  const folder = await mkdtemp(join(tmpdir(), 'afterwrite-bench-bundles-'));
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(join(folder, `${EMPTY}.ts`), EMPTY_SOURCE);
    const empty = { sourceDir: folder, outDir: join(folder, 'empty'), names: [EMPTY] };
    const ours = { ...projectBundles, outDir: join(folder, 'ours'), names };
    const made = [await bundleFunctions(ours), await bundleFunctions(empty)];
    const common = { handler: 'index.handler', timeoutMs: 60_000 };
    const lambda = new LocalLambda({
      functions: [
        { ...common, name: EMPTY, memoryMb: 512, taskRoot: join(empty.outDir, EMPTY), variables: DEPLOYED },
        ...names.map((name) => ({
          ...common,
          name,
          memoryMb: catalog[name].memoryMb,
          taskRoot: join(ours.outDir, name),
          variables: { ...DEPLOYED, ...environment, FLUSH_LINGER_SECONDS: '0' },
        })),
      ],
      onLog: () => undefined,
      // One invocation follows the other at once.
      freezes: false,
    });
    return {
      zippedBytes: new Map(
        made.flatMap(({ bundles }) => bundles.map((each) => [each.name, each.zippedBytes])),
      ),
      invoke: (name, event) => invoke(lambda, name, event),
      retire: (name) => lambda.retire(name),
      close: async () => {
        await lambda.close();
        await removeFolder();
      },
    };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

async function invoke(lambda: LocalLambda, name: BenchFunction, event: unknown): Promise<void> {
  const { functionError, payload } = await lambda.invoke(name, Buffer.from(JSON.stringify(event)));
  const text = payload.toString('utf8');
  const { statusCode = 200 } = (JSON.parse(text) ?? {}) as { statusCode?: number };
  if (functionError !== undefined || statusCode >= 500) throw new Error(`${name} answered ${text}`);
}
