/** Found by a review of the engines: it took 4 s, and up to 10 s for a full batch. */
import { inject, expect, onTestFinished, test } from 'vitest';
import { startTcpProxy } from '../../../../tests/support/tcp-proxy.ts';
import { openLab } from '../../testing/buffer-lab.ts';
import { makeMemcachedRig } from '../../testing/buffer-memcached.ts';
import { connectionTo } from '../../testing/buffer-valkey.ts';

/** Thirty chunks. */
const COUNT = 3000;

test('9 a memcached that just answers in time each time does not hold up the queue', async () => {
  const proxy = await startTcpProxy(inject('memcached'));
  onTestFinished(() => proxy.close());
  const queue = connectionTo(inject('valkey'));
  const lab = await openLab(makeMemcachedRig(queue, proxy, { direct: inject('memcached') }));
  const updated = await Promise.all(lab.idsIn(0, COUNT).map((id) => lab.updateFrom({ a: 0 }, id, { a: 1 })));
  const last = updated.reduce((newest, each) => (each.seq > newest.seq ? each : newest));
  await proxy.set({ latencyMs: 60 });
  const startMs = performance.now();
  expect(await lab.ack([last])).toEqual({ dropped: COUNT, remaining: 0 });
  expect(performance.now() - startMs).toBeLessThan(2500);
  // The others are kept beside their versions for a while.
  expect((await lab.buffer.read(lab.idsIn(0, COUNT).at(-1)!))?.value).toEqual({ a: 1 });
});
