import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AfterwriteError,
  BufferUnavailableError,
  DurabilityError,
  OutcomeUnknownError,
  type UpdateResult,
} from '@afterwrite/write-behind';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FlightCache } from '../flight-cache.ts';
import { readRecord, type RecordLine } from './record.ts';
import { HistoryRecorder } from './recorder.ts';

const UPDATE = {
  departure: '2030-01-01T10:00:00+02:00',
  arrival: new Date('2030-01-01T12:00:00Z'),
  user: 'ann',
  idempotencyKey: 'k',
};
const RESULT: UpdateResult = {
  version: 'e-7',
  seq: 7,
  cacheKey: '{flight.1}:5',
  queueLength: 1,
  replayed: false,
  durability: 'memory',
};

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'afterwrite-recorder-'));
  file = join(folder, 'record.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function recorded(): Promise<RecordLine[]> {
  const lines: RecordLine[] = [];
  for await (const chunk of readRecord(file)) lines.push(...chunk.map(({ line }) => line));
  return lines;
}

function cacheThat(answers: () => UpdateResult): Pick<FlightCache, 'updateFlightDeparture'> {
  return { updateFlightDeparture: async () => answers() };
}

test('a line before the call and one with its answer, in the form that is stored', async () => {
  const recorder = new HistoryRecorder(file);
  await recorder.update(
    cacheThat(() => RESULT),
    5,
    UPDATE,
  );
  recorder.close();
  const content = {
    id: '5',
    changes: { departure: '2030-01-01T08:00:00Z', arrival: '2030-01-01T12:00:00Z' },
    user: 'ann',
    comment: null,
    key: 'k',
  };
  const [sent, acknowledged] = await recorded();
  expect(sent).toMatchObject({ outcome: 'sent', ...content });
  expect(acknowledged).toMatchObject({
    outcome: 'acknowledged',
    ...content,
    version: 'e-7',
    durability: 'memory',
  });
});

test.each<[AfterwriteError, object]>([
  [new BufferUnavailableError('away'), { outcome: 'refused' }],
  [new OutcomeUnknownError('update', undefined), { outcome: 'unknown' }],
  [
    new DurabilityError('5', 'aof', 'late', RESULT),
    { outcome: 'acknowledged', version: 'e-7', durability: 'memory' },
  ],
])('an error is handed on, and what it says of the update recorded: %o', async (error, line) => {
  const recorder = new HistoryRecorder(file);
  const refuse = () => {
    throw error;
  };
  await expect(recorder.update(cacheThat(refuse), 5, UPDATE)).rejects.toBe(error);
  recorder.close();
  expect((await recorded())[1]).toMatchObject(line);
});

test('goes on after what a killed process left, without the line that it was cut off in', async () => {
  const first = new HistoryRecorder(file);
  await first.update(
    cacheThat(() => RESULT),
    5,
    UPDATE,
  );
  first.close();
  const whole = readFileSync(file, 'utf8');
  appendFileSync(file, '{"outcome":"acknow');
  expect(await recorded()).toHaveLength(2);
  new HistoryRecorder(file).close();
  expect(readFileSync(file, 'utf8')).toBe(whole);
});

test.each([
  ['no JSON', 'nothing', /line 1/],
  ['no outcome', '{"id":"1"}', /line 1: outcome is none of sent, acknowledged, unknown, refused/],
  ['no time', '{"outcome":"sent","id":"1","user":"a"}', /line 1: at is not a time/],
  ['no id', '{"outcome":"sent","id":"x","user":"a","at":"t"}', /line 1: flightId/],
  ['no changes', '{"outcome":"sent","id":"1","user":"a","at":"t"}', /line 1: changes/],
])('%s: an error that names the line', async (_name, text, message) => {
  writeFileSync(file, `${text}\n`);
  await expect(recorded()).rejects.toThrow(message);
});
