/** The functions and what stands around them on AWS, brought up in the order in which they need each other. */
import { catalog } from '@afterwrite/functions/catalog';
import { routes } from '@afterwrite/functions/routes';
import type { Settings } from '@afterwrite/write-behind';
import { bundleFunctions, requireBundles } from '../bundle/bundle.ts';
import { functionNames, projectBundles } from '../bundle/project.ts';
import { BundleWatcher } from '../bundle/watch.ts';
import { allowAll, jwtAuthorizer } from '../front/authorizer.ts';
import { HttpFront } from '../front/front.ts';
import { InvokeApi } from '../lambda/invoke-api.ts';
import { LocalLambda } from '../lambda/local-lambda.ts';
import type { FunctionDefinition } from '../lambda/outcome.ts';
import type { LiveFigures } from '../live/live-figures.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import { functionVariables } from './function-variables.ts';
import { startLive } from './live.ts';
import { withClearPortError } from './ports.ts';
import type { Environment, StartSettings } from './settings.ts';

export interface RunningApiOptions {
  readonly environment: Environment;
  readonly settings: StartSettings;
  /** Where the servers are. */
  readonly servers: Settings;
  /** The database is this stack's own: its flight_log may be given an index. */
  readonly ownsDatabase: boolean;
  /** The bundles that are there are run, and the sources left alone. */
  readonly isBuilt: boolean;
  readonly onLog: (line: string) => void;
  /** One line each for what takes time. */
  readonly onProgress: (line: string) => void;
  /** Sources that cannot be bundled, while it runs. */
  readonly onNotice: (line: string) => void;
}

export interface RunningApi {
  /** http://host:port */
  readonly url: string;
  readonly lambdaEndpoint: string;
  readonly figures: LiveFigures;
  /** Ends the load, if one runs. */
  stopLoad(): Promise<void>;
  /** Takes no more requests, lets those under way finish for `graceMs`, and ends all. Resolves with how many were cut. */
  close(graceMs: number): Promise<number>;
}

/** As on AWS: see infra/flusher.ts. */
const RECONCILE_INTERVAL_MS = 3_600_000;

/** Functions that outlive their caller's patience must be ended in the reverse order of what is pushed here. */
type Undo = () => unknown;

export async function startApi(options: RunningApiOptions): Promise<RunningApi> {
  const undos: Undo[] = [];
  const undoAll = async () => {
    for (const undo of undos.splice(0).reverse()) await undo();
  };
  try {
    return await bringUp(options, undos, undoAll);
  } catch (error) {
    await undoAll();
    throw error;
  }
}

async function bringUp(
  options: RunningApiOptions,
  undos: Undo[],
  undoAll: () => Promise<void>,
): Promise<RunningApi> {
  const { settings, onLog, onProgress } = options;
  const sourceFolders = await prepareBundles(options);
  const live = startLive({
    servers: options.servers,
    isLoadAllowed: options.ownsDatabase || settings.allowsLoad,
    onLog,
  });
  undos.push(() => live.close());
  const invokeApi = await withClearPortError('LAMBDA_PORT', () =>
    InvokeApi.listen({
      port: settings.lambdaPort,
      onLog,
      makeLambda: (endpoint) => makeLambda(options, endpoint, live.onOutput),
    }),
  );
  const { lambda, endpoint } = invokeApi;
  undos.push(() => lambda.close());
  undos.push(() => invokeApi.close());
  const watcher = watch(lambda, sourceFolders, options);
  undos.push(() => watcher.close());

  onProgress('preparing the database');
  await migrate(lambda);
  const front = await withClearPortError('PORT', () =>
    HttpFront.listen({
      lambda,
      routes,
      localRoutes: live.routes,
      authorize: settings.auth.mode === 'jwt' ? jwtAuthorizer(settings.auth) : allowAll,
      host: settings.host,
      port: settings.port,
      onLog,
    }),
  );
  const schedulers = [
    new Scheduler({ lambda, functionName: 'flush', onLog }),
    new Scheduler({
      ...{ lambda, functionName: 'reconcile', onLog },
      intervalMs: RECONCILE_INTERVAL_MS,
      waitsFirst: true,
    }),
  ];
  return {
    url: front.url,
    lambdaEndpoint: endpoint,
    figures: live.figures,
    stopLoad: () => live.load.stop(),
    async close(graceMs) {
      for (const scheduler of schedulers) scheduler.stop();
      const cut = await front.close(graceMs);
      await undoAll();
      return cut;
    },
  };
}

/** The folders to watch: none when the bundles stay as they are. */
async function prepareBundles({ isBuilt, onProgress }: RunningApiOptions): Promise<readonly string[]> {
  if (isBuilt) {
    await requireBundles(projectBundles);
    return [];
  }
  onProgress('bundling the functions');
  return (await bundleFunctions(projectBundles)).sourceFolders;
}

function makeLambda(
  options: RunningApiOptions,
  lambdaEndpoint: string,
  onOutput: (line: string) => void,
): LocalLambda {
  const { settings, onLog } = options;
  const variables = functionVariables({ ...options, lambdaEndpoint });
  const functions = functionNames.map((name): FunctionDefinition => {
    const { timeoutSeconds, memoryMb } = catalog[name];
    const taskRoot = `${projectBundles.outDir}/${name}`;
    const timeoutMs = timeoutSeconds * 1000;
    return { name, taskRoot, handler: 'index.handler', timeoutMs, memoryMb, variables };
  });
  return new LocalLambda({
    functions,
    onLog,
    onOutput,
    maxEnvironments: settings.concurrency,
    freezes: settings.freezes && process.platform !== 'win32',
  });
}

function watch(
  lambda: LocalLambda,
  sourceFolders: readonly string[],
  { onLog, onNotice }: RunningApiOptions,
): BundleWatcher {
  return new BundleWatcher(projectBundles, sourceFolders, {
    onChanged: ({ name }) => {
      onLog(`${name} has a new bundle`);
      lambda.retire(name);
    },
    onFailed: (message) => onNotice(`the functions stay as they were: ${message}`),
  });
}

async function migrate(lambda: LocalLambda): Promise<void> {
  const { functionError, payload } = await lambda.invoke('migrate', Buffer.from('{}'));
  if (functionError === undefined) return;
  const { errorMessage } = JSON.parse(payload.toString('utf8')) as { errorMessage?: string };
  throw new Error(`The migration failed: ${errorMessage ?? 'no reason was given'}`);
}
