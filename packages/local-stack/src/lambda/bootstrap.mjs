/**
 * The runtime inside an environment's process: loads the handler, then asks the Runtime API for one event after the
 * other. Plain JavaScript, so that a cold start does not pay for reading TypeScript. The context is the one that
 * Lambda's Node 24 runtime gives; handlers with a callback are refused there, so they are here.
 *
 * It ends when the Runtime API is gone: without its host it would run for ever.
 */
import { Buffer } from 'node:buffer';
import { existsSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const {
  AWS_LAMBDA_RUNTIME_API: api = '',
  _HANDLER: handlerName = '',
  LAMBDA_TASK_ROOT: taskRoot = '',
} = process.env;
const [host, port] = api.split(':');
const agent = new Agent({ keepAlive: true });
/** What Lambda's runtime ends with after an error that nobody caught. */
const UNCAUGHT_EXIT_CODE = 129;
const UNHANDLED_EXIT_CODE = 128;
const HOST_GONE_EXIT_CODE = 1;

let currentId;
let isServing = false;

function call(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        agent,
        host,
        port,
        method,
        path: `/2018-06-01/runtime${path}`,
        headers: body === undefined ? headers : { ...headers, 'Content-Length': Buffer.byteLength(body) },
      },
      (incoming) => {
        const chunks = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.once('error', reject);
        incoming.once('end', () => resolve({ headers: incoming.headers, body: Buffer.concat(chunks) }));
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  }).catch(() => process.exit(HOST_GONE_EXIT_CODE));
}

function describe(error, errorType) {
  const isError = error instanceof Error;
  return JSON.stringify({
    errorType: errorType ?? (isError ? error.name : typeof error),
    errorMessage: isError ? error.message : String(error),
    trace: isError && typeof error.stack === 'string' ? error.stack.split('\n') : [],
  });
}

async function postError(path, error, errorType) {
  const body = describe(error, errorType);
  const type = JSON.parse(body).errorType;
  console.error(`${new Date().toISOString()}\t${currentId ?? '-'}\tERROR\t${body}`);
  // Names of errors may hold what a header may not.
  const safe = /^[\w.-]{1,100}$/.test(type) ? type : 'Error';
  await call('POST', path, body, { 'Lambda-Runtime-Function-Error-Type': safe });
}

function failNow(exitCode, errorType) {
  return (error) => {
    // Between two events there is nobody to tell: the next one gets a new environment.
    if (isServing && currentId === undefined) process.exit(exitCode);
    const path = currentId === undefined ? '/init/error' : `/invocation/${currentId}/error`;
    void postError(path, error, errorType).finally(() => process.exit(exitCode));
  };
}

async function loadHandler() {
  const dot = handlerName.lastIndexOf('.');
  const [file, name] = [handlerName.slice(0, dot), handlerName.slice(dot + 1)];
  const path = ['.mjs', '.js', '.cjs', ''].map((ending) => join(taskRoot, file + ending)).find(existsSync);
  if (path === undefined) throw runtimeError('Runtime.ImportModuleError', `Cannot find module '${file}'`);
  const { [name]: handler } = await import(pathToFileURL(path).href);
  if (typeof handler !== 'function') {
    throw runtimeError('Runtime.HandlerNotFound', `${handlerName} is undefined or not exported`);
  }
  if (handler.length > 2) {
    throw runtimeError('Runtime.CallbackHandlerDeprecated', 'Handlers with a callback are not supported.');
  }
  return handler;
}

function runtimeError(name, message) {
  return Object.assign(new Error(message), { name });
}

function contextOf(headers) {
  const deadlineMs = Number(headers['lambda-runtime-deadline-ms']);
  const clientContext = headers['lambda-runtime-client-context'];
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    clientContext: clientContext === undefined ? undefined : JSON.parse(clientContext),
    identity: undefined,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
}

function toJson(result) {
  try {
    return JSON.stringify(result) ?? 'null';
  } catch {
    throw runtimeError('Runtime.MarshalError', 'Unable to stringify response body');
  }
}

async function serve(handler) {
  isServing = true;
  for (;;) {
    currentId = undefined;
    const { headers, body } = await call('GET', '/invocation/next');
    currentId = headers['lambda-runtime-aws-request-id'];
    process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? '';
    try {
      const result = toJson(await handler(JSON.parse(body.toString('utf8')), contextOf(headers)));
      await call('POST', `/invocation/${currentId}/response`, result, { 'Content-Type': 'application/json' });
    } catch (error) {
      await postError(`/invocation/${currentId}/error`, error);
    }
  }
}

process.on('uncaughtException', failNow(UNCAUGHT_EXIT_CODE));
process.on('unhandledRejection', failNow(UNHANDLED_EXIT_CODE, 'Runtime.UnhandledPromiseRejection'));

async function main() {
  let handler;
  try {
    handler = await loadHandler();
  } catch (error) {
    await postError('/init/error', error);
    process.exit(1);
  }
  await serve(handler);
}

// Not awaited: a handler that leaves nothing to wait for ends the process with 0, which Lambda reports as it is.
void main();
