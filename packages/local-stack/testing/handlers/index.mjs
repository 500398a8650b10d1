/** Functions with one habit each, for the tests of the local Lambda. */
import { Buffer } from 'node:buffer';
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const startedAt = Date.now();
let invocations = 0;
let ticks = 0;

export const echo = async (event, context) => {
  invocations += 1;
  console.log(`echo says ${JSON.stringify(event)}`);
  return {
    event,
    context: { ...context, remainingMs: context.getRemainingTimeInMillis() },
    variables: process.env,
    flags: process.execArgv,
    pid: process.pid,
    parent: process.ppid,
    folder: process.cwd(),
    offsetMinutes: new Date().getTimezoneOffset(),
    invocations,
    startedAt,
  };
};

/** Answers once the file holds something: the caller decides when. */
export const waitForFile = async ({ file, begun }) => {
  if (begun) appendFileSync(begun, `${process.pid}\n`);
  while (readFileSync(file, 'utf8') === '') await delay(5);
  return process.pid;
};

export const never = () => new Promise((resolve) => setTimeout(resolve, 1e9));

export const forgotten = () => new Promise(() => undefined);

export const busy = () => {
  for (;;);
};

export const throws = async ({ file } = {}) => {
  if (file) appendFileSync(file, 'tried\n');
  throw Object.assign(new TypeError('this function always fails'), { name: 'AlwaysError' });
};

export const unhandled = () => {
  void Promise.reject(new Error('nobody looked'));
  return new Promise(() => undefined);
};

export const exits = () => process.exit(3);

export const big = async ({ bytes }) => 'x'.repeat(bytes - 2);

export const notJson = async () => 1n;

export const eatsMemory = async () => {
  const kept = [];
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, index) => ({ index })));
};

/** Goes on counting after its answer. */
export const counts = async () => {
  const seen = ticks;
  if (invocations++ === 0) setInterval(() => (ticks += 1), 1);
  return { seen, pid: process.pid };
};

export const callback = (event, context, done) => done(null, event);

/** What a function answers to the gateway. */
export const http = async (event) => {
  const { answer } = JSON.parse(
    event.queryStringParameters?.answer ? event.queryStringParameters.answer : '{}',
  );
  if (answer !== undefined) return answer;
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) };
};

export const binary = async () => ({
  statusCode: 201,
  headers: { 'Content-Type': 'application/octet-stream', 'X-Number': 7 },
  cookies: ['a=1; Path=/', 'b=2'],
  body: Buffer.from([0, 255, 1]).toString('base64'),
  isBase64Encoded: true,
});

export const waitForBody = async ({ body }) => ({
  statusCode: 200,
  body: String(await waitForFile(JSON.parse(body))),
});
