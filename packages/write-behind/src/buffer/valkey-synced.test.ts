import { expect, test } from 'vitest';
import { SyncWatch } from './valkey-synced.ts';

const info = ({ pending = 0, delayed = 0, status = 'ok', child = 0 } = {}) =>
  [
    '# Persistence',
    `aof_last_write_status:${status}`,
    `aof_pending_bio_fsync:${String(pending)}`,
    `aof_delayed_fsync:${String(delayed)}`,
    `rdb_bgsave_in_progress:${String(child)}`,
  ].join('\r\n');

test('3 the next sync is waited for, and a turn of the server after it', () => {
  const watch = new SyncWatch(0, true);
  expect(watch.look(info(), 0)).toBe(1150);
  expect(watch.look(info(), 1150)).toBe(150);
  expect(watch.look(info(), 1300)).toBeUndefined();
});

test('3 a look that comes early only waits for the rest', () => {
  const watch = new SyncWatch(0, true);
  watch.look(info(), 0);
  expect(watch.look(info(), 1000)).toBe(150);
  expect(watch.look(info(), 1150)).toBe(150);
});

test('3 a sync under way, or one that failed, is not the end of it', () => {
  const watch = new SyncWatch(0, true);
  watch.look(info(), 0);
  expect(watch.look(info(), 1150)).toBe(150);
  expect(watch.look(info({ pending: 1 }), 1300)).toBe(150);
  expect(watch.look(info(), 1450)).toBe(150);
  expect(watch.look(info({ status: 'err' }), 1600)).toBe(150);
  expect(watch.look(info(), 1750)).toBe(150);
  expect(watch.look(info(), 1900)).toBeUndefined();
});

test('3 a write that was forced past a slow sync starts the wait again', () => {
  const watch = new SyncWatch(0, true);
  watch.look(info(), 0);
  expect(watch.look(info({ delayed: 1 }), 1150)).toBe(1150);
  expect(watch.look(info({ delayed: 1 }), 2300)).toBe(150);
  expect(watch.look(info({ delayed: 1 }), 2450)).toBeUndefined();
});

test('3 while a child writes a file there may be no sync, unless the server says so', () => {
  for (const [syncsBesideChild, waitMs] of [
    [true, undefined],
    [false, 150],
  ] as const) {
    const watch = new SyncWatch(0, syncsBesideChild);
    watch.look(info({ child: 1 }), 0);
    watch.look(info({ child: 1 }), 1150);
    expect(watch.look(info({ child: 1 }), 1300)).toBe(waitMs);
  }
});
