import { expect, it } from 'vitest';
import { systemRuntime } from './runtime.ts';

it('a sleep ends early with the reason of the signal, also of one that was aborted before', async () => {
  const reason = new Error('enough');
  const controller = new AbortController();
  const sleeping = systemRuntime.sleep(60_000, controller.signal);
  controller.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  await expect(systemRuntime.sleep(60_000, controller.signal)).rejects.toBe(reason);
});

it('gives names that differ', () => {
  const names = Array.from({ length: 100 }, () => systemRuntime.uuid());
  expect(new Set(names).size).toBe(100);
  expect(names.every((name) => /^[0-9a-f]{32}$/.test(name))).toBe(true);
});
