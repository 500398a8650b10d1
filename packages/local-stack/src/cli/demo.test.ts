import { FlightCache } from '@afterwrite/flights';
import { Redis } from 'iovalkey';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { makePlace, type Place, runCommandLine, startCommand } from '../../testing/commands.ts';

const NOWHERE = { DB_HOST: '127.0.0.1', DB_PORT: '1', CACHE_HOST: '127.0.0.1', CACHE_PORT: '1' };
// eslint-disable-next-line no-control-regex -- escape sequences begin with it
const ESCAPE = /\u001b/;

let place: Place;
let valkey: Redis;

beforeAll(async () => {
  place = await makePlace(200);
  valkey = new Redis(inject('valkey').port, inject('valkey').host);
});

afterAll(async () => {
  await valkey.quit();
  await place.remove();
});

async function timesOf(flightId: number): Promise<unknown> {
  const [rows] = await place.connection.query<RowDataPacket[]>(
    'SELECT departure, arrival FROM flight WHERE flight_id = ?',
    [flightId],
  );
  return rows[0];
}

describe('the nine steps', () => {
  test('miss, hit, update, inconsistent, processed, consistent, hit, restored, summary', async () => {
    const before = await timesOf(115);
    const foreignKeys = [`{${place.settings.CACHE_NAMESPACE}x.flight.4}:115`, 'flight:115'];
    await Promise.all(foreignKeys.map((key) => valkey.set(key, 'theirs')));

    const { code, stdout, stderr } = await runCommandLine(
      'demo',
      ['--verbose', '--flush', '--flight-id', '115'],
      place.environment,
    );

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.match(/^Step \d/gm)).toHaveLength(9);
    const shown = [
      ...['Step 1 of 9', 'CACHE_MISS', 'FROM flight', 'Step 2 of 9', 'CACHE_HIT', 'Step 3 of 9', 'Accepted'],
      ...[
        'Step 4 of 9',
        'inconsistent (PENDING)',
        'Step 5 of 9',
        '1 of 1 update',
        'INSERT INTO `flight_log`',
      ],
      ...[
        'Step 6 of 9',
        'consistent (EQUAL)',
        'Step 7 of 9',
        'CACHE_HIT',
        'Step 8 of 9',
        'consistent (EQUAL)',
      ],
      ...['Original times restored', 'Step 9 of 9', 'round trips', 'Measured ratio'],
    ];
    let at = 0;
    for (const text of shown) {
      const found = stdout.indexOf(text, at);
      expect(found, `"${text}" after ${stdout.slice(0, at)}`).toBeGreaterThanOrEqual(at);
      at = found + text.length;
    }
    expect(stdout).toContain(`key  {${place.settings.CACHE_NAMESPACE}.flight.`);
    expect(stdout).not.toMatch(ESCAPE);

    expect(await timesOf(115)).toEqual(before);
    expect(await valkey.mget(...foreignKeys)).toEqual(['theirs', 'theirs']);
    await valkey.del(...foreignKeys);
    const [rows] = await place.connection.query<RowDataPacket[]>(
      'SELECT comment, COUNT(*) AS number FROM flight_log WHERE flight_id = 115 GROUP BY comment ORDER BY comment',
    );
    expect(rows).toEqual([
      { comment: 'demo: 2 hours later', number: 1 },
      { comment: 'demo: measured database write', number: 20 },
      { comment: 'demo: measured write-behind update', number: 50 },
      { comment: 'demo: original times restored', number: 1 },
    ]);
  });

  test('a second run says why its first read hits, and shows no keys or SQL unless asked', async () => {
    await runCommandLine('demo', ['--flight-id=7'], place.environment);
    const { code, stdout } = await runCommandLine('demo', ['--flight-id=7'], place.environment);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Step 1 of 9: .*\n {2}CACHE_HIT .* cached already by an earlier run/);
    expect(stdout).not.toMatch(/SELECT|\{/);
  });

  test('--flush stores what waits before it empties the cache', async () => {
    const cache = await FlightCache.open(place.settings);
    const { departure } = (await cache.getFlight(30)).value;
    const arrival = '2031-01-01T00:00:00Z';
    await cache.updateFlightDeparture(30, { departure, arrival, user: 'test' });
    const { stdout } = await runCommandLine('demo', ['-f'], place.environment);
    expect(stdout).toContain('after 1 waiting update had been stored');
    expect(await timesOf(30)).toMatchObject({ arrival: '2031-01-01 00:00:00' });
    expect((await cache.getFlight(30)).source).toBe('CACHE_MISS');
    await cache.close();
  });
});

describe('--interactive', () => {
  test('waits for Enter before each step but the first; combines with the other flags', async () => {
    const { child, sees, ended } = startCommand('demo', ['-ivf', '--flight-id', '8'], place.environment);
    for (let step = 1; step < 9; step++) {
      await sees('Press Enter', step);
      child.stdin.write('\n');
    }
    const { code, stdout, stderr } = await ended;
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.match(/Press Enter/g)).toHaveLength(8);
    expect(stdout).toMatch(/Cache emptied.*CACHE_MISS.*SQL {2}SELECT/s);
    expect(stdout).toContain('Step 9 of 9');
  });

  test('goes on by itself when the input ends', async () => {
    const { code, stdout } = await runCommandLine('demo', ['-i'], place.environment, '\n\n');
    expect(code).toBe(0);
    expect(stdout.match(/Press Enter/g)).toHaveLength(3);
    expect(stdout).toContain('The input has ended: going on without waiting.');
    expect(stdout).toContain('Step 9 of 9');
  });

  test('a signal in the middle puts the original times back', async () => {
    const before = await timesOf(9);
    const { child, sees, ended } = startCommand('demo', ['-i', '--flight-id', '9'], place.environment);
    child.stdin.write('\n\n');
    await sees('Press Enter', 3);
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(stdout).toContain('Step 3 of 9');
    expect(stdout).not.toContain('Step 4 of 9');
    expect(stdout).toContain('the original times are restored');
    expect(await timesOf(9)).toEqual(before);
    const [rows] = await place.connection.query<RowDataPacket[]>(
      'SELECT comment FROM flight_log WHERE flight_id = 9',
    );
    expect(rows).toHaveLength(2);
  });
});

describe('what cannot be done is one clear line', () => {
  test.each([
    ['an unknown flag', ['--bogus'], "unknown option '--bogus'"],
    ['an unknown short flag among known ones', ['-ivx'], "unknown option '-x'"],
    ['an argument', ['115'], 'too many arguments'],
    ['a flight id that is no number', ['--flight-id', 'abc'], 'must be a whole number from 1 to 2147483647'],
    ['a flight id outside INT', ['--flight-id=2147483648'], 'must be a whole number from 1 to 2147483647'],
    ['a flight id below 1', ['--flight-id', '0'], 'must be a whole number from 1 to 2147483647'],
    ['a flag without its value', ['--flight-id'], 'argument missing'],
  ])('%s: exit code 2', async (_, args, said) => {
    const { code, stdout, stderr } = await runCommandLine('demo', args, NOWHERE);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(said);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('an unknown flight: exit code 1, and nothing was cached or emptied', async () => {
    const { code, stdout, stderr } = await runCommandLine(
      'demo',
      ['-f', '--flight-id', '201'],
      place.environment,
    );
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: 'afterwrite: There is no flight 201.\n',
    });
  });

  test('a named database that is not there: nothing else is used', async () => {
    const environment = { ...place.environment, DB_PORT: '1' };
    const { code, stdout, stderr } = await runCommandLine('demo', [], environment);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^afterwrite: MySQL at 127\.0\.0\.1:1: .*ECONNREFUSED.*\n$/);
  });

  test('a named cache that is not there: nothing else is used', async () => {
    const environment = { ...place.environment, CACHE_PORT: '1', CACHE_CONNECT_TIMEOUT_MS: '100' };
    const { code, stdout, stderr } = await runCommandLine('demo', [], environment);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^afterwrite: .*Valkey at 127\.0\.0\.1:1.*\n$/);
  });

  test('a named database without the schema is not filled', async () => {
    const empty = await makePlace(undefined);
    const { code, stdout, stderr } = await runCommandLine('demo', [], empty.environment);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^afterwrite: The database stack_\w+ on .* does not exist: .*npm run seed.*\n$/);
    await empty.remove();
  });

  test('settings that cannot be are refused before anything starts', async () => {
    const { code, stderr } = await runCommandLine('demo', [], {
      CACHE_ENGINE: 'memcached',
      CACHE_HOST: '127.0.0.1',
    });
    expect(code).toBe(1);
    expect(stderr).toContain('QUEUE_HOST: must name a Valkey or a Redis');
    expect(stderr).not.toContain('    at ');
  });
});

test('--help lists every option, and needs no server', async () => {
  const { code, stdout, stderr } = await runCommandLine('demo', ['--help'], NOWHERE);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const option of ['-i, --interactive', '-v, --verbose', '-f, --flush', '--flight-id', '--help']) {
    expect(stdout).toContain(option);
  }
});
