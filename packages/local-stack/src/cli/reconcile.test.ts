import { FlightCache } from '@afterwrite/flights';
import type { ReconcileResult } from '@afterwrite/write-behind';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  makePlace,
  type Place,
  runCommandLine,
  type RunningCommand,
  startCommand,
} from '../../testing/commands.ts';

const FLIGHTS = 40;

let place: Place;
let cache: FlightCache;

beforeAll(async () => {
  place = await makePlace(FLIGHTS);
  cache = await FlightCache.open(place.settings);
});

beforeEach(async () => {
  for (let id = 1; id <= FLIGHTS; id++) await cache.getFlight(id);
  await place.connection.query(
    'UPDATE flight SET arrival = arrival + INTERVAL 1 HOUR WHERE flight_id IN (2, 3)',
  );
});

afterAll(async () => {
  await cache.close();
  await place.remove();
});

const run = (...args: string[]) => runCommandLine('reconcile', args, place.environment);

async function showsProgress({ stderr }: RunningCommand['child']): Promise<void> {
  await new Promise<void>((resolve) => {
    stderr.on('data', (text: string) => {
      if (text.includes('looked at')) resolve();
    });
  });
}

test('reports with --dry-run and exit code 3, drops without it, and finds nothing then', async () => {
  const dry = await run('--all', '--dry-run');
  expect(dry).toMatchObject({ code: 3, stderr: '' });
  expect(dry.stdout).toMatch(
    /^Compared 40 flights of 40 that are cached: 2 differ \(5\.00%\), none of them dropped/,
  );
  expect(dry.stdout).toMatch(/^ {2}flight 2: arrival$/m);

  const wet = await run('--all', '--json');
  expect(wet).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(wet.stdout)).toMatchObject({
    different: 2,
    dropped: 2,
    divergenceRate: 0.05,
    complete: true,
  });

  const again = await run();
  expect(again).toMatchObject({ code: 0, stderr: '' });
  expect(again.stdout).toMatch(/^Compared 38 flights of 38 that are cached: 0 differ \(0\.00%\); 0 skipped/);
  expect((await cache.getFlight(2)).source).toBe('CACHE_MISS');
});

test('a sample, at a rate', async () => {
  const { code, stdout } = await run('--sample=10', '--rate=1000', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ scanned: FLIGHTS, chosen: 10, compared: 10 });
});

test('at SIGTERM it says what was done, and ends with 143', async () => {
  // 40 s, if nothing ended it.
  const { child, sees, ended } = startCommand(
    'reconcile',
    ['--all', '--rate=1', '--verbose'],
    place.environment,
  );
  const seen = sees('Ended before it was through.');
  await Promise.race([showsProgress(child), ended]);
  child.kill('SIGTERM');
  await seen;
  const { code, stdout } = await ended;
  expect(code).toBe(143);
  expect(stdout).toMatch(/^Compared \d flights? of 40 that are cached/m);
});

test('a database that goes away: what was done, the reason in one line, exit code 1', async () => {
  const user = `reconcile_${String(process.pid)}`;
  await place.connection.query(`CREATE USER '${user}'@'%' IDENTIFIED BY 'secret'`);
  await place.connection.query(`GRANT ALL ON \`${place.settings.DB_NAME}\`.* TO '${user}'@'%'`);
  try {
    const environment = { ...place.environment, DB_USER: user, DB_PASSWORD: 'secret' };
    const { child, ended } = startCommand('reconcile', ['--all', '--rate=5', '--json', '-v'], environment);
    await Promise.race([showsProgress(child), ended]);
    await place.connection.query(`ALTER USER '${user}'@'%' ACCOUNT LOCK`);
    const [own] = await place.connection.query<RowDataPacket[]>(
      'SELECT id FROM information_schema.processlist WHERE user = ?',
      [user],
    );
    for (const { id } of own) await place.connection.query('KILL ?', [id]);
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(1);
    expect((JSON.parse(stdout) as ReconcileResult).complete).toBe(false);
    expect(stderr).toMatch(
      /^afterwrite: The comparison ended after \d+ of the cached values were compared: /m,
    );
  } finally {
    await place.connection.query(`DROP USER '${user}'@'%'`);
  }
});

test.each(['--sample=0', '--rate=10001', '--sample=5 --all', '--sample=many'])(
  'refuses %s: one line, exit code 2',
  async (args) => {
    const { code, stdout, stderr } = await run(...args.split(' '));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^afterwrite: .*\n$/);
  },
);
