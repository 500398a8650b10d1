/**
 * The Lambda functions' own handlers in this process, whole: authorisation, validation, Powertools and all, with the
 * variables that a deployment gives them. What they write is formatted and dropped.
 */
import type { FlightChanges } from '@afterwrite/flights';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { Environment } from './section.ts';
import { eventOf } from './events.ts';

type Handler = (event: unknown, context: unknown) => Promise<APIGatewayProxyStructuredResultV2>;

export interface Handlers {
  update(flightId: string, changes: FlightChanges): Promise<unknown>;
  get(flightId: string): Promise<unknown>;
  /** Closes their clients and gives this process its environment and its output back. */
  close(): Promise<void>;
}

/** As `infra/functions.ts` sets them, and the level that Powertools starts with. */
export const DEPLOYED: Environment = {
  AUTH_MODE: 'iam',
  POWERTOOLS_SERVICE_NAME: 'afterwrite-bench',
  POWERTOOLS_TRACE_ENABLED: 'false',
  POWERTOOLS_LOG_LEVEL: 'INFO',
};

const CONTEXT = {
  awsRequestId: '7f1c0b52-6f0e-4e0b-9a55-2f1c6cf0a6f4',
  functionName: 'bench',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:bench',
  memoryLimitInMB: '512',
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => 10_000,
};

/** They read `process.env`: nobody else may while they are open. */
export async function openHandlers(environment: Environment): Promise<Handlers> {
  const before = { ...process.env };
  const write = process.stdout.write.bind(process.stdout);
  Object.assign(process.env, DEPLOYED, environment);
  process.stdout.write = () => true;
  const giveBack = () => {
    process.stdout.write = write;
    process.env = before;
  };
  try {
    const { handler: update } = await load('update-flight');
    const { handler: get } = await load('get-flight');
    const { closeClients } = await import('@afterwrite/functions/compose');
    return {
      update: (flightId, changes) =>
        answered(202, update(eventOf('update-flight', flightId, changes), CONTEXT)),
      get: (flightId) => answered(200, get(eventOf('get-flight', flightId), CONTEXT)),
      close: async () => {
        await closeClients();
        giveBack();
      },
    };
  } catch (error) {
    giveBack();
    throw error;
  }
}

async function load(name: 'update-flight' | 'get-flight'): Promise<{ handler: Handler }> {
  return (await import(`@afterwrite/functions/${name}`)) as { handler: Handler };
}

async function answered(
  status: number,
  answering: Promise<APIGatewayProxyStructuredResultV2>,
): Promise<void> {
  const { statusCode, body } = await answering;
  if (statusCode !== status) throw new Error(`A handler answered ${String(statusCode)}: ${body ?? ''}`);
}
