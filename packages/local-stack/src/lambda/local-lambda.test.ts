import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startLambda, testFunction, type TestLambda } from '../../testing/local-lambda.ts';
import { MAX_PAYLOAD_BYTES } from './limits.ts';
import type { LocalLambdaOptions } from './local-lambda.ts';
import type { FunctionDefinition } from './outcome.ts';

const folder = mkdtempSync(join(tmpdir(), 'afterwrite-lambda-'));
let place: TestLambda | undefined;
let latch: string;
let begun: string;

function start(functions: readonly FunctionDefinition[], more: Partial<LocalLambdaOptions> = {}): TestLambda {
  place = startLambda(functions, more);
  return place;
}

beforeEach(() => {
  latch = join(folder, 'latch');
  begun = join(folder, 'begun');
  for (const file of [latch, begun]) writeFileSync(file, '');
});
afterEach(async () => {
  await place?.lambda.close();
  expect(place?.lambda.environments ?? 0).toBe(0);
  place = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

function errorOf(payload: Buffer): unknown {
  return JSON.parse(payload.toString('utf8'));
}

async function fails(name: string, event: unknown = {}): Promise<unknown> {
  const { functionError, payload } = await place!.lambda.invoke(name, Buffer.from(JSON.stringify(event)));
  expect(functionError).toBe('Unhandled');
  return errorOf(payload);
}

interface Echo {
  readonly event: unknown;
  readonly context: Record<string, unknown>;
  readonly variables: Record<string, string>;
  readonly flags: string[];
  readonly pid: number;
  readonly invocations: number;
  readonly offsetMinutes: number;
}

test('a function sees its event, the context and the variables of Lambda, and nothing of ours', async () => {
  process.env.SECRET_OF_THE_DEVELOPER = 'x';
  const { call, lambda } = start([testFunction('echo', { variables: { DB_HOST: 'db' }, memoryMb: 300 })]);
  const said = (await call('echo', { a: ['ü', 1] })) as Echo;
  expect(said.event).toEqual({ a: ['ü', 1] });
  expect(said.context).toMatchObject({
    functionName: 'echo',
    functionVersion: '$LATEST',
    memoryLimitInMB: '300',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:echo',
    logGroupName: '/aws/lambda/echo',
    callbackWaitsForEmptyEventLoop: true,
    awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    logStreamName: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/) as string,
  });
  expect(said.context.remainingMs).toBeGreaterThan(15_000);
  expect(said.context.remainingMs).toBeLessThanOrEqual(20_000);
  expect(said.variables).toMatchObject({
    DB_HOST: 'db',
    AWS_LAMBDA_FUNCTION_NAME: 'echo',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '300',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_REGION: 'us-east-1',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    _HANDLER: 'index.echo',
    TZ: ':UTC',
  });
  expect(said.variables._X_AMZN_TRACE_ID).toMatch(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};/);
  expect(said.variables).not.toHaveProperty('SECRET_OF_THE_DEVELOPER');
  expect(said.variables).not.toHaveProperty('HOME');
  expect(said.flags).toContain('--max-old-space-size=270');
  expect(said.offsetMinutes).toBe(0);
  await vi.waitFor(() => expect(place!.lines).toContain('echo echo says {"a":["ü",1]}'));

  const again = (await call('echo')) as Echo;
  expect(again).toMatchObject({ pid: said.pid, invocations: 2 });
  expect(lambda.environments).toBe(1);
});

test('what goes wrong in a function is its outcome, in the words of Lambda, and a new environment comes', async () => {
  const names = ['throws', 'exits', 'forgotten', 'unhandled', 'notJson', 'big', 'callback'] as const;
  const { lambda } = start([
    ...names.map((name) => testFunction(name)),
    testFunction('broken', { handler: 'broken.handler' }),
    testFunction('absent', { handler: 'index.absent' }),
    testFunction('nowhere', { handler: 'nowhere.handler' }),
  ]);
  expect(await fails('throws')).toMatchObject({
    errorType: 'AlwaysError',
    errorMessage: 'this function always fails',
    trace: expect.arrayContaining([expect.stringContaining('index.mjs')]) as string[],
  });
  expect(await fails('exits')).toMatchObject({
    errorType: 'Runtime.ExitError',
    errorMessage: expect.stringMatching(
      /^RequestId: \S+ Error: Runtime exited with error: exit status 3$/,
    ) as string,
  });
  expect(await fails('exits')).toMatchObject({ errorType: 'Runtime.ExitError' });
  expect(await fails('forgotten')).toMatchObject({
    errorMessage: expect.stringContaining('Runtime exited without providing a reason') as string,
  });
  expect(await fails('unhandled')).toMatchObject({
    errorType: 'Runtime.UnhandledPromiseRejection',
    errorMessage: 'nobody looked',
  });
  expect(await fails('notJson')).toMatchObject({ errorType: 'Runtime.MarshalError' });
  expect(await fails('broken')).toMatchObject({
    errorType: 'RangeError',
    errorMessage: 'this module cannot be loaded',
  });
  expect(await fails('absent')).toMatchObject({ errorType: 'Runtime.HandlerNotFound' });
  expect(await fails('nowhere')).toMatchObject({ errorType: 'Runtime.ImportModuleError' });
  expect(await fails('callback')).toMatchObject({ errorType: 'Runtime.CallbackHandlerDeprecated' });

  expect(await fails('big', { bytes: MAX_PAYLOAD_BYTES + 101 })).toMatchObject({
    errorType: 'Function.ResponseSizeTooLarge',
  });
  const most = await lambda.invoke('big', Buffer.from(JSON.stringify({ bytes: MAX_PAYLOAD_BYTES + 100 })));
  expect(most.payload.length).toBe(MAX_PAYLOAD_BYTES + 100);
});

test.each(['never', 'busy'])(
  'an invocation that takes too long ends, its environment with it: %s',
  async (name) => {
    start([testFunction(name, { timeoutMs: 300 }), testFunction('echo')]);
    for (let round = 0; round < 2; round += 1) {
      expect(await fails(name)).toMatchObject({
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringMatching(/ Task timed out after 0\.30 seconds$/) as string,
      });
    }
  },
);

test('the memory setting limits the heap', async () => {
  start([testFunction('eatsMemory', { memoryMb: 64 })]);
  expect(await fails('eatsMemory')).toMatchObject({
    errorType: 'Runtime.ExitError',
    errorMessage: expect.stringContaining('Runtime exited with error: signal: aborted') as string,
  });
});

test('an environment is frozen between invocations, and goes on where it was', async () => {
  const { call } = start([testFunction('counts'), testFunction('echo')]);
  const { pid } = (await call('counts')) as { pid: number };
  await vi.waitFor(() => expect(stateOf(pid)).toBe('T'));
  await call('echo');
  const { seen } = (await call('counts')) as { seen: number };
  // It had a few ticks before it stopped and after it was woken, not the hundreds of the meantime.
  expect(seen).toBeLessThan(50);
  await place!.lambda.close();

  const awake = start([testFunction('counts')], { freezes: false });
  const first = (await awake.call('counts')) as { pid: number };
  await vi.waitFor(async () =>
    expect(((await awake.call('counts')) as { seen: number }).seen).toBeGreaterThan(20),
  );
  expect(stateOf(first.pid)).not.toBe('T');
});

/** The letter that ps gives: T is stopped. */
function stateOf(pid: number): string {
  return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).slice(0, 1);
}

test('environments grow to the limit, then callers wait if they may, and are throttled if not', async () => {
  const { call, lambda } = start([testFunction('waitForFile')], { maxEnvironments: 2 });
  const event = { file: latch, begun };
  const running = [call('waitForFile', event), call('waitForFile', event)];
  await vi.waitFor(() => expect(readFileSync(begun, 'utf8').split('\n')).toHaveLength(3));
  await expect(call('waitForFile', event)).rejects.toMatchObject({ code: 'TooManyRequestsException' });
  const payload = Buffer.from(JSON.stringify(event));
  await expect(lambda.invoke('waitForFile', payload, { waitMs: 20 })).rejects.toMatchObject({ status: 429 });
  const patient = lambda.invoke('waitForFile', payload, { waitMs: 20_000 });
  writeFileSync(latch, 'go');
  const pids = await Promise.all(running);
  expect(pids).toContain(JSON.parse((await patient).payload.toString('utf8')));
  expect(lambda.environments).toBe(2);
});

test('calls one after the other share one environment; a changed bundle gets a new one after the running call', async () => {
  const { call, lambda } = start([testFunction('waitForFile'), testFunction('echo')]);
  for (let round = 0; round < 30; round += 1) await call('echo');
  // An environment is free a moment after its answer was sent: a call that comes at once may find none.
  expect(lambda.environments).toBeLessThanOrEqual(3);
  const before = (await call('echo')) as Echo;
  lambda.retire('echo');
  const after = (await call('echo')) as Echo;
  expect(after.pid).not.toBe(before.pid);
  expect(after.invocations).toBe(1);

  const running = call('waitForFile', { file: latch, begun });
  await vi.waitFor(() => expect(readFileSync(begun, 'utf8')).not.toBe(''));
  lambda.retire('waitForFile');
  writeFileSync(latch, 'go');
  const old = await running;
  expect(await call('waitForFile', { file: latch })).not.toBe(old);
});

test('an environment that is killed from outside is replaced; unknown functions and too large payloads are refused', async () => {
  const { call, lambda } = start([testFunction('echo')]);
  const { pid } = (await call('echo')) as Echo;
  process.kill(pid, 'SIGKILL');
  await vi.waitFor(() => expect(lambda.environments).toBe(0));
  expect(((await call('echo')) as Echo).pid).not.toBe(pid);
  await expect(lambda.invoke('none', Buffer.from('{}'))).rejects.toMatchObject({ status: 404 });
  await expect(lambda.invoke('echo', Buffer.alloc(MAX_PAYLOAD_BYTES + 1))).rejects.toMatchObject({
    code: 'RequestTooLargeException',
  });
});

test('a stop ends what runs, and later calls are refused', async () => {
  const { call, lambda } = start([testFunction('never')]);
  const running = expect(call('never')).rejects.toThrow();
  await vi.waitFor(() => expect(lambda.environments).toBe(1));
  await lambda.close();
  await running;
  await expect(call('never')).rejects.toMatchObject({ code: 'ServiceException' });
});
