import { FlightCache } from '@afterwrite/flights';
import { parseSettings } from '@afterwrite/write-behind';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makePlace, type Place, runCommandLine } from '../../testing/commands.ts';

let place: Place;

beforeEach(async () => {
  place = await makePlace(20, { QUEUE_PARTITIONS: '3' });
});

afterEach(async () => {
  await place.remove();
});

const run = async (...args: string[]) => await runCommandLine('repartition', args, place.environment);

test('says what there is to do, does it, and says what to set where', async () => {
  const cache = await FlightCache.open(place.settings);
  const times = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'test' };
  for (const id of [1, 2, 3]) await cache.updateFlightDeparture(id, times);
  const dry = await run('--to', '8', '--dry-run');
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(dry.stdout).toMatch(
    /^3 partitions now, 8 wanted; nothing was changed\.\n3 updates to be stored first/,
  );
  expect(await cache.queueLength()).toBe(3);

  const done = await run('--to', '8');
  expect(done).toMatchObject({ code: 0, stderr: '' });
  expect(done.stdout).toMatch(
    /^3 partitions have become 8\. No update was taken for \d+ ms\.\nNow set QUEUE_PARTITIONS=8/,
  );
  await expect(cache.updateFlightDeparture(1, times)).rejects.toThrow(
    /start it again with QUEUE_PARTITIONS=8/,
  );
  await cache.close();

  // QUEUE_PARTITIONS of the command itself does not matter.
  expect((await run('--to', '8')).stdout).toBe('There are 8 partitions already: nothing to do.\n');
  expect((await run('--abort')).stdout).toBe('No change is under way.\n');
  const again = await FlightCache.open(parseSettings({ ...place.environment, QUEUE_PARTITIONS: '8' }));
  expect(await again.queueLength()).toBe(0);
  await again.clear();
  await again.close();
});

test.each([
  [[], /--to is missing/],
  [['--to', '0'], /must be a whole number from 1 to 1024/],
  [['--to', '4', '--within', '0'], /must be a whole number from 1 to 3600/],
])('refuses %j: one line, exit code 2', async (args, message) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^afterwrite: .*\n$/);
  expect(stderr).toMatch(message);
});

test('where nothing was ever used says so: one line, exit code 1', async () => {
  const { code, stderr } = await run('--to', '4');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^afterwrite: Nothing was ever queued here.*\n$/);
});
