/** Costs that do not depend on the machine: commands sent to Valkey for a read and an update, statements for a flush. */
import { once } from 'node:events';
import { Cluster, Redis } from 'iovalkey';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { makeWorld, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'test' };

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
      expect(await commands()).toEqual(['hgetall']);
      // The very first update of a flight that was only read before.
      await cache.updateFlightDeparture(7, TIMES);
      expect(await commands()).toHaveLength(1);
      await cache.updateFlightDeparture(7, TIMES);
      await cache.getFlight(7);
      expect(await commands()).toEqual(['evalsha', 'hgetall']);
      expect((await cache.flushQueue()).processed).toBe(3);
      await commands();
      await cache.updateFlightDeparture(7, TIMES);
      await cache.getFlight(7);
      expect(await commands()).toEqual(['evalsha', 'hgetall']);
      await cache.close({ flush: true });
    });
  },
);

describe('statements and commands of a flush', () => {
  it('are as many statements for 1,000 updates as for 10', async () => {
    world = await makeWorld({ flights: 1000, environment: { QUEUE_PARTITIONS: '1' } });
    const cache = await world.open();
    const counts: number[] = [];
    for (const size of [10, 10, 1000]) {
      for (let id = 1; id <= size; id++) await cache.updateFlightDeparture(id, TIMES);
      counts.push((await cache.processQueue({ batchSize: size })).queries.length);
    }
    // The first one also asks whether its epoch was retired.
    expect(counts).toEqual([9, 8, 8]);
  });

  it('and to Valkey ten, whatever one batch holds', async () => {
    world = await makeWorld({ flights: 1000, environment: { QUEUE_PARTITIONS: '1' } });
    const cache = await world.open();
    const counts: number[] = [];
    for (const size of [10, 10, 1000]) {
      for (let id = 1; id <= size; id++) await cache.updateFlightDeparture(id, TIMES);
      const commands = await watchCommands();
      await cache.flushQueue();
      counts.push((await commands()).length);
    }
    // A second batch: read, dropped in two portions of 500 at the most, the claim renewed.
    expect(counts.slice(1)).toEqual([10, 14]);
  });
});
