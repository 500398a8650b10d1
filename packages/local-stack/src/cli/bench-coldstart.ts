/**
 * `npm run bench:coldstart`: from nothing to the first answer of each function, its bundle loaded in a process of its
 * own and the servers warm, beside a function that does nothing. Medians; the ratio is what to compare.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalog, type FunctionName } from '@afterwrite/functions/catalog';
import { routes } from '@afterwrite/functions/routes';
import { Command } from 'commander';
import { type Bundled, bundleFunctions } from '../bundle/bundle.ts';
import { functionNames, projectBundles } from '../bundle/project.ts';
import { type CommandContext, parseCommandLine, runCommand } from '../command.ts';
import { LocalLambda } from '../lambda/local-lambda.ts';
import type { FunctionDefinition } from '../lambda/outcome.ts';
import { withFlightStack } from '../stack.ts';
import { functionVariables } from '../start/function-variables.ts';
import { parseStartSettings } from '../start/settings.ts';

const ROUNDS = 7;
const EMPTY = 'empty';

const command = new Command().description(
  'Times the cold start of each function beside that of an empty one.',
);

/** One event for each function that it can answer by itself. */
function eventOf(name: FunctionName): unknown {
  const route = routes.find((each) => each.function === name);
  if (!route) return {};
  const parameters = { flightId: '115', receipt: 'none' };
  return {
    version: '2.0',
    routeKey: `${route.method} ${route.path}`,
    rawPath: route.path,
    rawQueryString: '',
    headers: { 'content-type': 'application/json' },
    pathParameters: parameters,
    requestContext: { http: { method: route.method, path: route.path, sourceIp: '127.0.0.1' } },
    isBase64Encoded: false,
    ...(route.method === 'PATCH'
      ? { body: JSON.stringify({ departure: '2027-08-16T21:40:00Z', arrival: '2027-08-17T07:45:00Z' }) }
      : {}),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Milliseconds from the invocation to its answer, in an environment that is made for it. */
async function coldStartMs(lambda: LocalLambda, name: string, event: unknown): Promise<number> {
  lambda.retire(name);
  const startMs = performance.now();
  const { functionError, payload } = await lambda.invoke(name, Buffer.from(JSON.stringify(event)));
  const spentMs = performance.now() - startMs;
  if (functionError !== undefined) throw new Error(`${name}: ${payload.toString('utf8')}`);
  return spentMs;
}

function definitions(variables: Record<string, string>, emptyRoot: string): FunctionDefinition[] {
  const common = { handler: 'index.handler', memoryMb: 1024, timeoutMs: 60_000, variables };
  return [
    { ...common, name: EMPTY, taskRoot: emptyRoot },
    ...functionNames.map((name) => ({
      ...common,
      name,
      taskRoot: join(projectBundles.outDir, name),
      memoryMb: catalog[name].memoryMb,
    })),
  ];
}

async function measure(
  lambda: LocalLambda,
  bundles: readonly Bundled[],
  context: CommandContext,
): Promise<void> {
  const names = [EMPTY, ...functionNames];
  const spent = new Map<string, number[]>(names.map((name) => [name, []]));
  // In turn, so that a machine that slows down slows all of them down.
  for (let round = 0; round < ROUNDS; round++) {
    context.notes.progress(`round ${String(round + 1)} of ${String(ROUNDS)}`);
    for (const name of names) {
      context.signal.throwIfAborted();
      const event = name === EMPTY ? {} : eventOf(name as FunctionName);
      spent.get(name)?.push(await coldStartMs(lambda, name, event));
    }
  }
  context.notes.clear();
  const floorMs = median(spent.get(EMPTY) ?? []);
  console.log('function            cold start   beside empty   bundle, zipped');
  for (const name of names) {
    const ms = median(spent.get(name) ?? []);
    const bytes = bundles.find((bundle) => bundle.name === name)?.zippedBytes;
    const size = bytes === undefined ? '' : `${(bytes / 1024).toFixed(0)} KiB`;
    const columns = [
      name.padEnd(18),
      `${ms.toFixed(0)} ms`.padStart(10),
      `${(ms / floorMs).toFixed(2)} x`.padStart(14),
    ];
    console.log(`${columns.join(' ')}${size.padStart(17)}`);
  }
}

async function run(context: CommandContext): Promise<void> {
  const { environment, signal, notes } = context;
  const quiet = () => undefined;
  const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const stack = { environment, signal, onProgress: notes.progress, onNotice: notes.notice, logger };
  await withFlightStack(stack, async ({ servers }) => {
    const { bundles } = await bundleFunctions(projectBundles);
    const emptyRoot = await mkdtemp(join(tmpdir(), 'afterwrite-empty-'));
    await writeFile(
      join(emptyRoot, 'index.mjs'),
      'export const handler = async () => ({ statusCode: 204 });\n',
    );
    const variables = functionVariables({
      environment: { ...environment, FLUSH_LINGER_SECONDS: '0' },
      servers: servers.settings,
      ownsDatabase: servers.mysql.isLocal,
      settings: parseStartSettings({ AUTH_MODE: 'none' }),
      lambdaEndpoint: '',
    });
    const lambda = new LocalLambda({ functions: definitions(variables, emptyRoot), onLog: quiet });
    try {
      await measure(lambda, bundles, context);
    } finally {
      await lambda.close();
      await rm(emptyRoot, { recursive: true, force: true });
    }
  });
}

if (parseCommandLine(command, 'bench:coldstart')) await runCommand({ isVerbose: false }, run);
