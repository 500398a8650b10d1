/**
 * In every test process, before its tests: keeps what this process and the processes that it starts print. What the
 * functions log is kept and not printed: it is noise to whoever watches.
 */
import childProcess, { type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { format } from 'node:util';
import { beforeEach, expect } from 'vitest';
import { capture, capturePlace } from './capture.ts';

/** Of `npm start` in this checkout: its functions' output. */
const FUNCTIONS_LOG = join(import.meta.dirname, '../../.local/functions.log');
/** A line of Powertools' logger. */
const LOG_LINE = /^\{\s*"(?:level|timestamp)"/;

for (const name of ['debug', 'info', 'log', 'warn', 'error'] as const) {
  const print = console[name].bind(console);
  console[name] = (...args: unknown[]) => {
    const text = format(...args);
    capture(text);
    if (!LOG_LINE.test(text)) print(...args);
  };
}
for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    capture(chunk);
    return write(chunk, ...rest);
  };
}

/** Seen as it arrives, so that nobody's reading begins earlier than without. */
function listen(stream: Readable | null): void {
  if (stream === null) return;
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) capture(chunk);
    return push(chunk, encoding);
  };
}

for (const name of ['spawn', 'fork'] as const) {
  const start = childProcess[name] as (...args: unknown[]) => ChildProcess;
  const started = (...args: unknown[]): ChildProcess => {
    const child = start(...args);
    listen(child.stdout);
    listen(child.stderr);
    if (child.spawnargs.some((argument) => argument.endsWith('cli/start.ts'))) {
      child.once('exit', () => {
        if (existsSync(FUNCTIONS_LOG)) capture(readFileSync(FUNCTIONS_LOG));
      });
    }
    return child;
  };
  Object.assign(childProcess, { [name]: started });
}
syncBuiltinESMExports();

beforeEach(() => {
  const { testPath = '', currentTestName = '' } = expect.getState();
  capturePlace(`${testPath.replace(`${process.cwd()}/`, '')} > ${currentTestName}`);
});
