/** Costs that do not depend on the machine: commands and bytes sent to Valkey, statements of a flush, bytes in the queue. */
import { once } from 'node:events';
import { Cluster, Redis } from 'iovalkey';
import { afterEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { makeWorld, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'test' };

/** What is held: a change that makes one of them better lowers it here, and in docs/ARCHITECTURE.md where it stands there. */
const COSTS = {
  hit: ['hgetall'],
  update: ['evalsha'],
  /**
   * Of a partition's first flush, which also asks whether its epoch was retired, of a later one, and of one whose audit rows
   * are loaded: it looks at the table's columns.
   */
  statements: { first: 9, later: 8, loaded: 9 },
  /** To Valkey, of a flush of one batch, and of one of 1,000 updates, acked in portions of 500, of which a third finds none. */
  commands: { oneBatch: 8, thousand: 10 },
  /** Of an update as TIMES is, of a flight with four digits. */
  bytesToValkey: 561,
  itemBytes: 128,
  /** MEMORY USAGE of the queue, of the pending index and of a cached flight: what one update more adds to each, in Valkey 9. */
  memory: { item: 132, pending: 74, dirty: 64 },
} as const;
/** Names and times differ by a few digits. */
const SLACK_BYTES = 6;
/** One digit more can be the next size that is allocated. */
const SLACK_MEMORY = 10;

let world: World;
afterEach(() => world.dispose());

/** Watches what clients send, what scripts call left out. */
async function watchCommands(): Promise<() => Promise<string[]>> {
  const nodes = world.valkey instanceof Cluster ? world.valkey.nodes('master') : [world.valkey];
  const monitors = await Promise.all(
    nodes.map(async (node) => {
      const client = new Redis({ host: node.options.host ?? '', port: node.options.port ?? 0 });
      const monitor = await client.monitor();
      onTestFinished(() => {
        monitor.disconnect();
        client.disconnect();
      });
      return { node, monitor };
    }),
  );
  let seen: string[] = [];
  for (const { monitor } of monitors) {
    monitor.on('monitor', (_time: string, args: string[], source: string) => {
      if (source !== 'lua') seen.push(args[0]!.toLowerCase());
    });
  }
  return async () => {
    // A mark of our own: all that was sent before it has been seen then.
    await Promise.all(
      monitors.map(async ({ node, monitor }) => {
        const marked = once(monitor, 'monitor');
        await node.echo('mark');
        await marked;
      }),
    );
    // INFO: what clients ask when they connect.
    const commands = seen.filter((name) => name !== 'echo' && name !== 'info');
    seen = [];
    return commands;
  };
}

describe.each([{ cluster: false }, { cluster: true }])(
  'one round trip each, cluster: $cluster',
  ({ cluster }) => {
    it('for a get and an update of a cached flight', async () => {
      world = await makeWorld({ flights: 20, cluster });
      const cache = await world.open();
      // Loads both scripts on the connection: their first call carries the text.
      await cache.updateFlightDeparture(8, TIMES);
      await cache.getFlight(7);
      const commands = await watchCommands();
      await cache.getFlight(7);
      expect(await commands()).toEqual(COSTS.hit);
      // The very first update of a flight that was only read before.
      await cache.updateFlightDeparture(7, TIMES);
      expect(await commands()).toHaveLength(1);
      await cache.updateFlightDeparture(7, TIMES);
      await cache.getFlight(7);
      expect(await commands()).toEqual([...COSTS.update, ...COSTS.hit]);
      expect((await cache.flushQueue()).processed).toBe(3);
      await commands();
      await cache.updateFlightDeparture(7, TIMES);
      await cache.getFlight(7);
      expect(await commands()).toEqual([...COSTS.update, ...COSTS.hit]);
      await cache.close({ flush: true });
    });
  },
);

describe('statements and commands of a flush', () => {
  it('are a handful of statements, for 1,000 updates as for 10', async () => {
    world = await makeWorld({ flights: 1000, environment: { QUEUE_PARTITIONS: '1' } });
    const cache = await world.open();
    const counts: number[] = [];
    for (const size of [10, 10, 1000]) {
      for (let id = 1; id <= size; id++) await cache.updateFlightDeparture(id, TIMES);
      counts.push((await cache.processQueue({ batchSize: size })).queries.length);
    }
    const { first, later, loaded } = COSTS.statements;
    expect(counts).toEqual([first, later, loaded]);
  });

  it('and to Valkey as many commands, whatever one batch holds', async () => {
    world = await makeWorld({ flights: 1000, environment: { QUEUE_PARTITIONS: '1' } });
    const cache = await world.open();
    const counts: number[] = [];
    for (const size of [10, 10, 1000]) {
      for (let id = 1; id <= size; id++) await cache.updateFlightDeparture(id, TIMES);
      const commands = await watchCommands();
      await cache.flushQueue();
      counts.push((await commands()).length);
    }
    expect(counts.slice(1)).toEqual([COSTS.commands.oneBatch, COSTS.commands.thousand]);
  });
});

describe('bytes of an update', () => {
  const near = (bytes: number, expected: number, slack = SLACK_BYTES) => {
    expect(bytes).toBeGreaterThan(expected - slack);
    expect(bytes).toBeLessThan(expected + slack);
  };

  it('to Valkey', async () => {
    const proxy = await startTcpProxy(inject('valkey'));
    onTestFinished(() => proxy.close());
    world = await makeWorld({ flights: 2000, valkey: { host: proxy.host, port: proxy.port } });
    const cache = await world.open({ QUEUE_PARTITIONS: '1' });
    const ids = Array.from({ length: 100 }, (_, index) => 1001 + index);
    for (const id of ids) await cache.updateFlightDeparture(id, TIMES);
    const before = proxy.passed.requests;
    for (const id of ids) await cache.updateFlightDeparture(id, TIMES);
    near((proxy.passed.requests - before) / ids.length, COSTS.bytesToValkey);
  });

  it('in the queue, the pending index and the cached flight', async () => {
    world = await makeWorld({ flights: 2000, environment: { QUEUE_PARTITIONS: '1' } });
    const cache = await world.open();
    const ids = Array.from({ length: 1000 }, (_, index) => 1001 + index);
    for (const id of ids) await cache.getFlight(id);
    const tag = world.tag(0);
    const usage = async (key: string) =>
      Number(await world.valkey.memory('USAGE', `${tag}:${key}`, 'SAMPLES', 0));
    const clean = await usage('1001');
    for (const id of ids) await cache.updateFlightDeparture(id, TIMES);
    near(Buffer.byteLength((await world.valkey.lindex(`${tag}:queue`, -1)) ?? ''), COSTS.itemBytes);
    // Others keep an entry in more bytes, or in fewer.
    if (/^valkey_version:9\./m.test(await world.valkey.info('server'))) {
      near((await usage('queue')) / ids.length, COSTS.memory.item, SLACK_MEMORY);
      near((await usage('pending')) / ids.length, COSTS.memory.pending, SLACK_MEMORY);
      near((await usage('1001')) - clean, COSTS.memory.dirty, SLACK_MEMORY);
    }
    await cache.close({ flush: true });
  });
});
