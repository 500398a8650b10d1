import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  InvokeCommand,
  type InvokeCommandInput,
  LambdaClient,
  RequestTooLargeException,
  ResourceNotFoundException,
  TooManyRequestsException,
} from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startLambda, testFunction, type TestLambda } from '../../testing/local-lambda.ts';
import { InvokeApi } from './invoke-api.ts';
import { MAX_EVENT_BYTES } from './limits.ts';

const folder = mkdtempSync(join(tmpdir(), 'afterwrite-invoke-'));
const log: string[] = [];
let place: TestLambda;
let api: InvokeApi;
let client: LambdaClient;

beforeAll(async () => {
  place = startLambda(
    [
      testFunction('echo'),
      testFunction('throws'),
      testFunction('never', { timeoutMs: 300 }),
      testFunction('waitForFile'),
    ],
    { maxEnvironments: 1, eventRetryDelaysMs: [5, 10] },
  );
  api = await InvokeApi.listen({ makeLambda: () => place.lambda, port: 0, onLog: (line) => log.push(line) });
  client = new LambdaClient({
    endpoint: api.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client.destroy();
  api.close();
  await place.lambda.close();
  rmSync(folder, { recursive: true });
});

async function invoke(name: string, more: Partial<InvokeCommandInput> = {}) {
  const answer = await client.send(new InvokeCommand({ FunctionName: name, ...more }));
  return { ...answer, text: answer.Payload?.transformToString() ?? '' };
}

function fileNamed(name: string): string {
  const file = join(folder, name);
  writeFileSync(file, '');
  return file;
}

test('synchronous, by name, ARN, part of one, and with a qualifier; the log on demand', async () => {
  const names = [
    'echo',
    'echo:$LATEST',
    'function:echo',
    '123456789012:function:echo',
    'arn:aws:lambda:eu-central-1:123456789012:function:echo:live',
  ];
  for (const name of names) {
    const { StatusCode, ExecutedVersion, FunctionError, text } = await invoke(name, { Payload: '{"a":1}' });
    expect({ StatusCode, ExecutedVersion, FunctionError }).toEqual({
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
      FunctionError: undefined,
    });
    expect(JSON.parse(text)).toMatchObject({ event: { a: 1 } });
  }
  const { LogResult = '', text } = await invoke('echo', {
    LogType: 'Tail',
    Payload: '{"said":1}',
    ClientContext: Buffer.from('{"client":2}').toString('base64'),
  });
  expect(Buffer.from(LogResult, 'base64').toString()).toBe('echo says {"said":1}\n');
  expect(JSON.parse(text)).toMatchObject({ context: { clientContext: { client: 2 } } });
  expect(JSON.parse((await invoke('echo')).text)).toMatchObject({ event: {} });
});

test('a function that fails, and one that takes too long', async () => {
  const failed = await invoke('throws');
  expect(failed).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
  expect(JSON.parse(failed.text)).toMatchObject({ errorType: 'AlwaysError' });
  const late = await invoke('never');
  expect(late).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
  expect(JSON.parse(late.text)).toMatchObject({
    errorMessage: expect.stringContaining('Task timed out after 0.30 seconds') as string,
  });
});

test('unknown functions, too large and unreadable payloads are refused as Lambda refuses them', async () => {
  await expect(invoke('none')).rejects.toBeInstanceOf(ResourceNotFoundException);
  await expect(invoke('none', { InvocationType: 'Event' })).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    message: 'Function not found: none',
    $metadata: { httpStatusCode: 404 },
  });
  const large = JSON.stringify('x'.repeat(6 * 1024 * 1024));
  await expect(invoke('echo', { Payload: large })).rejects.toBeInstanceOf(RequestTooLargeException);
  const event = JSON.stringify('x'.repeat(MAX_EVENT_BYTES));
  await expect(invoke('echo', { Payload: event, InvocationType: 'Event' })).rejects.toMatchObject({
    name: 'RequestTooLargeException',
    $metadata: { httpStatusCode: 413 },
  });
  await expect(invoke('echo', { Payload: '{' })).rejects.toMatchObject({
    name: 'InvalidRequestContentException',
  });
  const { status } = await fetch(`${api.endpoint}/2015-03-31/functions/`);
  expect(status).toBe(404);
});

test('DryRun runs nothing', async () => {
  expect(await invoke('throws', { InvocationType: 'DryRun' })).toMatchObject({ StatusCode: 204 });
});

test('more than may run at once are throttled', async () => {
  const [file, begun] = [fileNamed('throttle'), fileNamed('throttle-begun')];
  const Payload = JSON.stringify({ file, begun });
  const running = invoke('waitForFile', { Payload });
  await vi.waitFor(() => expect(readFileSync(begun, 'utf8')).not.toBe(''));
  await expect(invoke('waitForFile', { Payload })).rejects.toBeInstanceOf(TooManyRequestsException);
  // An event waits instead.
  expect(await invoke('waitForFile', { Payload, InvocationType: 'Event' })).toMatchObject({
    StatusCode: 202,
  });
  writeFileSync(file, 'go');
  await running;
  await vi.waitFor(() => expect(readFileSync(begun, 'utf8').split('\n')).toHaveLength(3));
});

test('an event is answered before it runs, and is tried three times when the function fails', async () => {
  const tries = fileNamed('tries');
  const Payload = JSON.stringify({ file: tries });
  const { StatusCode, text } = await invoke('throws', { Payload, InvocationType: 'Event' });
  expect({ StatusCode, text }).toEqual({ StatusCode: 202, text: '' });
  await vi.waitFor(() => expect(log).toHaveLength(1));
  expect(log[0]).toMatch(/^throws gives up on the event \S+: .*this function always fails/);
  expect(readFileSync(tries, 'utf8')).toBe('tried\n'.repeat(3));
});
