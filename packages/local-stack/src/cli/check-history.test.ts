import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlightCache } from '@afterwrite/flights';
import { HistoryRecorder } from '@afterwrite/flights/history';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makePlace, type Place, runCommandLine } from '../../testing/commands.ts';

let place: Place;
let folder: string;
let file: string;

beforeAll(async () => {
  place = await makePlace(5);
  folder = mkdtempSync(join(tmpdir(), 'afterwrite-record-'));
  file = join(folder, 'record.jsonl');
  const recorder = new HistoryRecorder(file);
  const cache = await FlightCache.open(place.settings);
  for (const hour of [10, 11, 12]) {
    const times = { departure: `2030-01-01T${String(hour)}:00:00Z`, arrival: '2030-01-01T20:00:00Z' };
    await recorder.update(cache, 1, { ...times, user: 'test', comment: `at ${String(hour)}` });
    if (hour === 11) await cache.flushQueue();
  }
  recorder.close();
  await cache.close();
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await place.remove();
});

const check = async (...args: string[]) => await runCommandLine('check-history', args, place.environment);

test('says what became of each, exit code 0', async () => {
  const { code, stdout, stderr } = await check(file);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^acknowledged +3$/m);
  expect(stdout).toMatch(/^ {2}stored once +2$/m);
  expect(stdout).toMatch(/^ {2}pending: in the queue +1$/m);
  expect(stdout).toContain('Nothing acknowledged is missing, doubled or out of order.');
});

test('--json: the report', async () => {
  const { code, stdout } = await check('--json', file);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    clean: true,
    acknowledged: 3,
    storedOnce: 2,
    pending: 1,
    lines: 6,
  });
});

test('names what is lost and what to do, exit code 1; a last line that was cut off is left out', async () => {
  const lost = join(folder, 'lost.jsonl');
  const line = {
    outcome: 'acknowledged',
    id: '2',
    changes: { departure: '2031-01-01T00:00:00Z', arrival: '2031-01-01T01:00:00Z' },
    user: 'ann',
    comment: null,
    version: 'gone-123',
    at: '2031-01-01T00:00:00Z',
  };
  writeFileSync(lost, `${JSON.stringify(line)}\n`);
  appendFileSync(lost, JSON.stringify(line).slice(0, 40));
  const { code, stdout } = await check(file, lost);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^LOST: flight 2 gone-123 of 2031-01-01T00:00:00Z: .*"ann"/m);
  expect(stdout).toMatch(/^LOST: Send it again/m);
  expect(stdout).toMatch(/^ {2}LOST +1$/m);
  expect(stdout).toContain('Promises were broken.');
});

test.each([
  ['no such file', ['/none.jsonl'], 1, /There is no file \/none\.jsonl/],
  ['no file named', [], 2, /missing required argument/],
])('%s: one line', async (_name, args, expected, message) => {
  const { code, stderr } = await check(...args);
  expect(code).toBe(expected);
  expect(stderr).toMatch(message);
});

test('a file that is no record: its line and what is wrong', async () => {
  const other = join(folder, 'other.jsonl');
  writeFileSync(other, '{"outcome":"acknowledged","id":"1","user":"ann","at":"now"}\n');
  const { code, stderr } = await check(other);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^afterwrite: .*other\.jsonl, line 1: version is not <epoch>-<seq>/);
});
