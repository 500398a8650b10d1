/** Secrets stand in no error, in nothing that is printed of settings and clients, and can be told from no public name. */
import { inspect } from 'node:util';
import { logger } from '@afterwrite/functions/lib/telemetry';
import { AfterwriteError, parseSettings } from '@afterwrite/write-behind';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findSecrets, markedSecret } from '../support/capture.ts';
import { makeWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld({ flights: 5, environment: { QUEUE_PARTITIONS: '1' } });
});
afterAll(() => world.dispose());

/** As the functions log it. */
function logged(error: unknown): string {
  const lines: unknown[] = [];
  const spy = vi.spyOn(console, 'error').mockImplementation((line: unknown) => void lines.push(line));
  logger.error('said', error as Error);
  spy.mockRestore();
  expect(lines.length).toBe(1);
  return lines.join();
}

/** All that anybody could print of it. */
function printed(value: unknown): string {
  const seen = new Set<unknown>();
  const json = JSON.stringify(value, (_, each: unknown) => {
    if (typeof each !== 'object' || each === null) return each;
    if (seen.has(each)) return 'again';
    seen.add(each);
    if (!(each instanceof Error)) return each;
    return Object.fromEntries([
      ...Object.entries(each),
      ['message', each.message],
      ['stack', each.stack],
      ['cause', each.cause],
    ]);
  });
  const options = { depth: null, showHidden: true, maxArrayLength: null, maxStringLength: null };
  return [String(value), inspect(value), inspect(value, options), json].join('\n');
}

it('not in the error of a wrong password, nor in its cause, its context, or a log of it', async () => {
  for (const name of ['DB_PASSWORD', 'CACHE_PASSWORD']) {
    const wrong = markedSecret('wrong');
    const error = await world.open({ [name]: wrong }).catch((caught: unknown) => caught);
    expect(error, name).toBeInstanceOf(AfterwriteError);
    expect((error as Error).message, name).toMatch(new RegExp(`with this ${name}`));
    expect(printed(error), name).not.toContain(wrong);
    expect(logged(error), name).not.toContain(wrong);
  }
});

it('not in settings, clients or ports, however they are printed', async () => {
  const { settings } = world;
  const secrets = [settings.DB_PASSWORD, settings.CACHE_PASSWORD ?? ''];
  expect(secrets.every((secret) => secret.length > 20)).toBe(true);
  const cache = await world.open();
  await cache.getFlight(1);
  for (const secret of secrets) {
    expect(printed(settings)).not.toContain(secret);
    expect(printed(parseSettings(world.environment))).not.toContain(secret);
    expect(inspect(cache, { depth: null, showHidden: true })).not.toContain(secret);
    expect(JSON.stringify(cache)).not.toContain(secret);
  }
  expect(JSON.stringify(settings)).toContain(settings.DB_HOST);
  expect({ ...settings }.DB_PASSWORD).toBe(settings.DB_PASSWORD);
});

it('the key of receipts follows from no name that is shown', async () => {
  const cache = await world.open();
  const { version } = await cache.updateFlightDeparture(2, {
    departure: '2030-01-01T10:00:00Z',
    arrival: '2030-01-01T12:00:00Z',
    user: 'test',
  });
  const [row] = await world.rows<{ id: string }>('SELECT store_id AS id FROM afterwrite_watermarks');
  // Names are a prefix of the process and a count: who knows one knows the next.
  expect(row?.id.slice(0, 8)).not.toBe(version.slice(0, 8));
  expect(row?.id).toMatch(/^[0-9a-z]{25,32}$/);
});

it('nor in the error of a queue that belongs to another database', async () => {
  const other = await makeWorld({
    flights: 1,
    environment: { CACHE_NAMESPACE: world.settings.CACHE_NAMESPACE, QUEUE_PARTITIONS: '1' },
  });
  try {
    const error = await other.open().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'CONFIGURATION' });
    for (const each of [world, other]) {
      const [row] = await each.rows<{ id: string }>('SELECT store_id AS id FROM afterwrite_watermarks');
      expect(printed(error)).not.toContain(row?.id);
    }
  } finally {
    await other.dispose();
  }
});

it('what was printed is searched: marked secrets, tokens and noted ones are found, with their test', () => {
  const folder = mkdtempSync(join(tmpdir(), 'afterwrite-capture-'));
  try {
    const token = `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.${'x'.repeat(43)}`;
    const lines = [
      '\u0001 a.test.ts > first',
      `password=${markedSecret('db')}`,
      'fine',
      '\u0001 b.test.ts > second',
      `Bearer ${token}`,
      'abc1',
      'abc12',
    ];
    writeFileSync(join(folder, '1.output'), lines.join('\n'));
    writeFileSync(join(folder, 'noted-secrets'), 'abc1\n');
    expect(findSecrets(folder).leaks).toEqual([
      'a.test.ts > first: password=<SECRET>',
      'b.test.ts > second: Bearer <SECRET>',
      'b.test.ts > second: <SECRET>',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
