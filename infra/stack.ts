/** All of it, in the order in which each part needs the ones before. */
import { createAlarms } from './alarms.ts';
import { createApi } from './api.ts';
import { createCache } from './cache.ts';
import { createDashboard } from './dashboard.ts';
import { createDatabase } from './database.ts';
import { createFailureQueue, createReconcileSchedule, createSchedule, runMigration } from './flusher.ts';
import { createFunctions } from './functions.ts';
import { createLocalEngines } from './local-engines.ts';
import { createNetwork } from './network.ts';
import { readDeployOptions, settingsOf, type StageSettings } from './settings.ts';

export function createStack(settings: StageSettings = settingsOf($app.stage)) {
  const deploy = readDeployOptions(process.env);
  if ($dev) createLocalEngines(settings);
  // On this machine nothing of it is needed, and functions in it could not reach this machine.
  const network = $dev ? null : createNetwork(settings, deploy.hasProxy);
  const cache = createCache(settings, network);
  const database = createDatabase(settings, network, deploy.hasProxy);
  const flushFailures = createFailureQueue('FlushFailures');
  const functions = createFunctions({ settings, deploy, network, cache, database, flushFailures });
  const api = createApi(settings, deploy, functions);
  if (!$dev) {
    const needed = [
      ...(network?.paths ?? []),
      cache.credentials?.version,
      database.credentials?.version,
      cache.server.component,
      cache.memcached?.cluster,
      database.component,
    ];
    const migration = runMigration(
      functions,
      settings,
      needed.filter((each) => each !== undefined),
    );
    const deliveryFailures = createFailureQueue('FlushDeliveryFailures');
    createSchedule(functions, deliveryFailures, migration);
    createReconcileSchedule(functions, migration);
    createAlarms({ settings, deploy, functions, api, cache, database, flushFailures, deliveryFailures });
    createDashboard({ functions, api, cache, database });
  }
  return { api: api.url, authentication: deploy.jwt ? 'jwt' : 'iam' };
}
