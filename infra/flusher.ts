/** What makes the queue drain by itself: a call every minute, and a place for the calls that nobody took. */
import type { FunctionName } from '../functions/catalog.ts';
import { databaseEngines } from './database-engines.ts';
import type { Functions } from './functions.ts';
import type { StageSettings } from './settings.ts';
import { hashesOfBundles } from './bundles.ts';

/** Long enough for a long weekend; SQS keeps no longer. */
const KEPT_SECONDS = 14 * 24 * 3600;

export function createFailureQueue(name: 'FlushDeliveryFailures' | 'FlushFailures'): sst.aws.Queue {
  return new sst.aws.Queue(name, {
    transform: { queue: { messageRetentionSeconds: KEPT_SECONDS, sqsManagedSseEnabled: true } },
  });
}

export function createSchedule(
  functions: Functions,
  deliveryFailures: sst.aws.Queue,
  migration: aws.lambda.Invocation,
): sst.aws.CronV2 {
  return new sst.aws.CronV2('FlushSchedule', {
    // The smallest rate there is; the function lingers and looks every few seconds in between.
    schedule: 'rate(1 minute)',
    function: functions.flush.arn,
    retries: 2,
    dlq: deliveryFailures.arn,
    transform: {
      schedule: (args, options) => {
        // Before it there is nothing to flush, and the first calls would fail.
        options.dependsOn = migration;
        args.target = $util.output(args.target).apply((target) => ({
          ...target,
          // Two calls later it is of no use.
          retryPolicy: { ...target.retryPolicy, maximumEventAgeInSeconds: 120 },
        }));
      },
    },
  });
}

/** A sample of what is cached is compared with its rows. */
export function createReconcileSchedule(
  functions: Functions,
  migration: aws.lambda.Invocation,
): sst.aws.CronV2 {
  return new sst.aws.CronV2('ReconcileSchedule', {
    schedule: 'rate(1 hour)',
    function: functions.reconcile.arn,
    // One that nobody took is of no use later: the next one takes another sample.
    retries: 0,
    transform: {
      schedule: (_args, options) => {
        options.dependsOn = migration;
      },
    },
  });
}

/**
 * Calls `migrate` once the database and the cache are there, and again when its bundle has changed. A failure fails the
 * deployment, before a first one has a schedule. Its routes may be there by then: they answer 503.
 */
export function runMigration(
  functions: Functions,
  settings: StageSettings,
  /** What it reads and the ways to it: no input of its own says that it needs them. */
  dependsOn: $util.Resource[],
): aws.lambda.Invocation {
  const name: FunctionName = 'migrate';
  const { engine } = settings.database;
  const database = `${engine} ${databaseEngines[engine].version}`;
  return new aws.lambda.Invocation(
    'Migration',
    {
      functionName: functions[name].name,
      input: JSON.stringify({ createSchema: true, flights: settings.seededFlights }),
      triggers: { bundle: hashesOfBundles()[name], database },
    },
    { dependsOn },
  );
}
