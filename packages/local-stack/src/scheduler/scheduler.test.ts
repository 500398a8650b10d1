import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LambdaError } from '../lambda/errors.ts';
import type { InvocationResult } from '../lambda/local-lambda.ts';
import { SCHEDULE_INTERVAL_MS, Scheduler, scheduledEvent } from './scheduler.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function result(functionError?: 'Unhandled'): InvocationResult {
  return {
    payload: Buffer.from('{"errorMessage":"it broke"}'),
    functionError,
    requestId: '1',
    logTail: Buffer.alloc(0),
    initMs: undefined,
  };
}

test('invokes at once and every minute, also while an earlier run goes on, until it is stopped', async () => {
  const events: unknown[] = [];
  const scheduler = new Scheduler({
    lambda: {
      invoke: (name, payload) => {
        events.push([name, JSON.parse(payload.toString('utf8'))]);
        return new Promise(() => undefined);
      },
    },
    functionName: 'flush',
    onLog: () => undefined,
  });
  expect(events).toHaveLength(1);
  expect(events[0]).toEqual([
    'flush',
    expect.objectContaining({ source: 'aws.scheduler', 'detail-type': 'Scheduled Event', detail: '{}' }),
  ]);
  await vi.advanceTimersByTimeAsync(2 * SCHEDULE_INTERVAL_MS);
  expect(events).toHaveLength(3);
  scheduler.stop();
  await vi.advanceTimersByTimeAsync(2 * SCHEDULE_INTERVAL_MS);
  expect(events).toHaveLength(3);
});

test('one that waits comes after the interval for the first time', async () => {
  const names: string[] = [];
  const invoke = (name: string) => {
    names.push(name);
    return Promise.resolve(result());
  };
  const rest = { functionName: 'reconcile', intervalMs: 1000, onLog: () => undefined };
  const scheduler = new Scheduler({ lambda: { invoke }, ...rest, waitsFirst: true });
  expect(names).toEqual([]);
  await vi.advanceTimersByTimeAsync(2000);
  scheduler.stop();
  expect(names).toEqual(['reconcile', 'reconcile']);
});

test('a run that fails, and one that cannot begin, are logged; the next one comes', async () => {
  const log: string[] = [];
  const answers = [
    () => Promise.resolve(result('Unhandled')),
    () => Promise.reject(new LambdaError('TooManyRequestsException', 'Rate Exceeded.')),
    () => Promise.resolve(result()),
  ];
  const scheduler = new Scheduler({
    lambda: { invoke: () => answers.shift()!() },
    functionName: 'flush',
    onLog: (line) => log.push(line),
  });
  await vi.advanceTimersByTimeAsync(2 * SCHEDULE_INTERVAL_MS);
  scheduler.stop();
  expect(log).toEqual([
    'scheduler flush failed: {"errorMessage":"it broke"}',
    expect.stringContaining('scheduler flush could not be invoked: LambdaError: Rate Exceeded.'),
  ]);
  expect(answers).toHaveLength(0);
});

test('the event’s time has whole seconds', () => {
  expect(scheduledEvent('flush', new Date('2026-01-02T03:04:05.678Z'))).toMatchObject({
    time: '2026-01-02T03:04:05Z',
    resources: ['arn:aws:scheduler:us-east-1:123456789012:schedule/default/flush'],
  });
});
