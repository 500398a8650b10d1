/** With X-Ray switched on: an update's way through the queue as a segment in the trace of its request. */
import { closeClients } from '@afterwrite/functions/compose';
import { handler as flush } from '@afterwrite/functions/flush';
import { afterEach, expect, it, vi } from 'vitest';
import { call, lambdaContext } from '../support/invoke.ts';
import { makeWorld, type World } from '../support/world.ts';

// Read when the functions are loaded. This socket plays the daemon.
const daemon = await vi.hoisted(async () => {
  const { createSocket } = await import('node:dgram');
  const socket = createSocket('udp4').unref();
  const received: string[] = [];
  socket.on('message', (message) => received.push(message.toString()));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  process.env.AWS_XRAY_DAEMON_ADDRESS = `127.0.0.1:${String(socket.address().port)}`;
  process.env.POWERTOOLS_TRACE_ENABLED = 'true';
  return { received, socket };
});

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };

let world: World;
afterEach(async () => {
  vi.restoreAllMocks();
  await closeClients();
  vi.unstubAllEnvs();
  await world.dispose();
  daemon.socket.close();
});

it('a sampled update is a segment from its acceptance to its commit, under the request', async () => {
  world = await makeWorld({ flights: 10, environment: { AUTH_MODE: 'none', QUEUE_PARTITIONS: '1' } });
  const environment = { ...world.environment, FLUSH_LINGER_SECONDS: '0' };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const headers = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
  const startedMs = Date.now();
  await call('PATCH', '/flights/1', { body: TIMES, headers });
  await call('PATCH', '/flights/2', { body: TIMES });
  await flush({ source: 'aws.scheduler' }, lambdaContext(20_000));

  await expect.poll(() => daemon.received).toHaveLength(1);
  const [header = '', body = ''] = daemon.received[0]!.split('\n');
  expect(JSON.parse(header)).toEqual({ format: 'json', version: 1 });
  const segment = JSON.parse(body) as Record<string, unknown> & { start_time: number; end_time: number };
  expect(segment).toMatchObject({
    name: 'afterwrite-queue',
    trace_id: '1-4bf92f35-77b34da6a3ce929d0e0e4736',
    parent_id: '00f067aa0ba902b7',
    annotations: { flightId: 1, partition: 0, isStored: true },
  });
  expect(segment).not.toHaveProperty('in_progress');
  // The server's clock and ours: of one machine.
  expect(segment.start_time).toBeGreaterThan(startedMs / 1000 - 0.1);
  expect(segment.end_time).toBeGreaterThan(segment.start_time);
  expect(segment.end_time).toBeLessThan(Date.now() / 1000 + 0.1);
});
