/**
 * The rights that the project's files give are enough for everything that the engine does, and each of them is needed:
 * without it something stops, and says which right it lacks. All other tests in this folder run as this user, too.
 */
import { randomBytes } from 'node:crypto';
import { createFlughafenSchema, FlightCache, seedFlights } from '@afterwrite/flights';
import { ConfigurationError, parseSettings } from '@afterwrite/write-behind';
import type { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeWorld, silentLogger, type World } from '../support/world.ts';
import { asSql } from '../support/as-sql.ts';

const GOOD = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'test' };
const REFUSED = { ...GOOD, departure: '2095-01-01T10:00:00Z', arrival: '2095-01-01T12:00:00Z' };
/** What was redriven before goes back. */
const REFUSE = `UPDATE flight SET departure = '2020-01-01', arrival = '2020-01-02' WHERE departure > '2090-01-01';
  ALTER TABLE flight ADD CONSTRAINT times CHECK (departure < '2090-01-01')`;
const ALLOW = 'ALTER TABLE flight DROP CONSTRAINT times';

describe.each(['mysql', 'mariadb'] as const)('%s', (database) => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld({
      flights: 20,
      environment: { QUEUE_PARTITIONS: '1' },
      pair: { database, cache: 'valkey' },
    });
  });
  afterAll(() => world.dispose());

  /** `verb ON table`, each by itself, as the server has it for this user. */
  async function rights(): Promise<readonly { right: string; table: string }[]> {
    const rows = await world.rows<Record<string, string>>(`SHOW GRANTS FOR '${world.settings.DB_USER}'`);
    return rows.flatMap((row) => {
      const [, verbs = '', table = ''] = /^GRANT (.*) ON (\S+) TO/.exec(Object.values(row)[0] ?? '') ?? [];
      const each = verbs.match(/\w+(?: \([^)]*\))?/g) ?? [];
      return each.filter((right) => right !== 'USAGE').map((right) => ({ right, table }));
    });
  }

  /** Everything that the engine does, as a deployment in a namespace of its own. Answers what it could not do. */
  async function doEverything(): Promise<string[]> {
    const namespace = `r_${randomBytes(6).toString('hex')}`;
    // What stopped stays stopped: nobody waits for it.
    const impatient = { QUEUE_LEASE_MS: '100', CACHE_WAIT_MS: '200' };
    const settings = parseSettings({ ...world.environment, ...impatient, CACHE_NAMESPACE: namespace });
    const valkey = world.valkey as Redis;
    const faults: string[] = [];
    const attempt = async (work: () => Promise<unknown>) => {
      await work().catch((error: unknown) => faults.push(String(error)));
    };
    await world.db.query(REFUSE);
    const cache = await FlightCache.open(settings, { logger: silentLogger }).catch(String);
    if (typeof cache === 'string') {
      await world.db.query(ALLOW);
      return [cache];
    }
    const flush = () =>
      attempt(async () => faults.push(...(await cache.flushQueue()).stopped.map(({ message }) => message)));
    try {
      // A change of the number of partitions that nobody finished is given up by whoever finds it.
      await world.db.query(
        `REPLACE INTO afterwrite_partition_changes VALUES (?, 'flight', 'run', 1, 2, 'CLOSED', '2001-01-01')`,
        [namespace],
      );
      await attempt(() => cache.updateFlightDeparture(1, GOOD));
      await flush();
      for (const id of [2, 3]) await attempt(() => cache.updateFlightDeparture(id, REFUSED));
      await flush();
      // Supersedes a letter; and another server's epoch begins, so that the first one ends.
      await valkey.del(`{${namespace}.flight.0}:seq`);
      await attempt(() => cache.updateFlightDeparture(2, GOOD));
      await flush();
      await attempt(() => cache.noticeLosses());
      await world.db.query(ALLOW);
      await attempt(() => cache.redrive());
      await attempt(() => cache.audit(1, { limit: 10 }));
      await attempt(() => cache.findFlights({ flightno: 'SA2133' }));
      await attempt(() => cache.verifyConsistency(1));
      await attempt(() => cache.writeState(1, { epoch: 'e', seq: 1 }));
      await attempt(async () => {
        const { storeError } = await cache.queueStatus();
        if (storeError) faults.push(storeError.message);
      });
    } finally {
      await cache.close();
      await world.db.query(ALLOW).catch(() => undefined);
      for (const key of await valkey.keys(`{${namespace}.*`)) await valkey.unlink(key);
    }
    return faults;
  }

  it('everything works as the user whose rights the files give, and nothing else is among them', async () => {
    expect(await doEverything()).toEqual([]);
    const given = await rights();
    expect([...new Set(given.map(({ right }) => right.split(' ')[0]))].sort()).toEqual([
      'DELETE',
      'INSERT',
      'SELECT',
      'UPDATE',
    ]);
    const [trail, flights] = ['flight_log', 'flight'].map((name) =>
      given.filter(({ table }) => table.endsWith(`\`${name}\``)).map(({ right }) => right),
    );
    expect(trail?.sort(), 'what is in the audit trail stays as it is').toEqual(['INSERT', 'SELECT']);
    expect(flights?.sort()).toEqual(['SELECT', 'UPDATE (`arrival`, `departure`)']);
  });

  it('without any one of them something stops, and says what it lacks', async () => {
    const all = await rights();
    expect(all.length).toBeGreaterThan(12);
    const needless: string[] = [];
    for (const { right, table } of all) {
      const of = `ON ${table}`;
      const [verb = '', columns] = right.split(' (');
      await world.db.query(`REVOKE ${right} ${of} FROM '${world.settings.DB_USER}'`);
      try {
        const faults = await doEverything();
        const name = /`([^`]+)`$/.exec(table)?.[1] ?? '';
        const says = columns === undefined ? `${verb} command denied` : 'command denied';
        // MySQL quotes it otherwise than MariaDB.
        const isNamed = faults.some(
          (fault) => fault.includes(says) && /for (?:table|column).*/.exec(fault)?.[0].includes(name),
        );
        if (!isNamed) needless.push(`${right} ${of}: ${faults.join('; ') || 'nothing stopped'}`);
      } finally {
        await world.db.query(`GRANT ${right} ${of} TO '${world.settings.DB_USER}'`);
      }
    }
    expect(needless).toEqual([]);
    expect(await doEverything()).toEqual([]);
  });

  it('who may not make the tables, and finds none, is told what to do', async () => {
    const name = `${world.settings.DB_NAME}_none`;
    await createFlughafenSchema(asSql(world.db), { database: name });
    await seedFlights(asSql(world.db), { flights: 1 });
    try {
      const open = () => world.open({ DB_NAME: name, CACHE_NAMESPACE: name });
      for (const more of ['SELECT ON flight', 'SELECT ON *']) {
        await world.db.query(`GRANT ${more} TO '${world.settings.DB_USER}'`);
        const error = await open().catch((caught: unknown) => caught);
        expect(error, more).toBeInstanceOf(ConfigurationError);
        expect((error as Error).message).toMatch(/afterwrite_ tables.*The database's user.*command denied/s);
      }
      expect(await world.rows(`SHOW TABLES IN ${name} LIKE 'afterwrite%'`)).toEqual([]);
    } finally {
      await world.db.query(`DROP DATABASE ${name}`);
      await world.db.query(`USE ${world.settings.DB_NAME}`);
    }
  });
});
