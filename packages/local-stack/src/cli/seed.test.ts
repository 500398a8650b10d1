import { createFlughafenSchema } from '@afterwrite/flights';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makePlace, type Place, runCommandLine } from '../../testing/commands.ts';
import { asSql } from '../../../../tests/support/as-sql.ts';

let place: Place;

beforeEach(async () => {
  place = await makePlace(undefined);
});

afterEach(async () => {
  await place.remove();
});

test('makes schema and flights in a named database, and does nothing at a second time', async () => {
  const first = await runCommandLine('seed', ['--flights', '60'], place.environment);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toMatch(/^stack_\w+ holds 60 flights; 60 of them are new \([\d.]+ s\)\.\n$/);
  const second = await runCommandLine('seed', ['--flights=60'], place.environment);
  expect(second.stdout).toMatch(/^stack_\w+ holds 60 flights; all that were asked for were there\.\n$/);
});

test('leaves a database with other data alone: one line, exit code 1', async () => {
  await createFlughafenSchema(asSql(place.connection), { database: place.settings.DB_NAME });
  await place.connection.query("INSERT INTO airport (iata, icao, name) VALUES ('XXX', 'XXXX', 'Elsewhere')");
  const { code, stdout, stderr } = await runCommandLine('seed', [], place.environment);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^afterwrite: stack_\w+: the database holds data that was not seeded here .*\n$/);
});

test.each(['-1', '1.5', 'many', '7948801', ''])(
  'refuses --flights=%s: one line, exit code 2',
  async (count) => {
    const { code, stdout, stderr } = await runCommandLine('seed', [`--flights=${count}`], place.environment);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^afterwrite: .*must be a whole number from 0 to 7948800.*\n$/);
  },
);
