import { describe, expect, test } from 'vitest';
import { checkId, entityIdOf, partitionKeys, partitionOf } from './keys.ts';

describe('2 an entity stays in its partition', () => {
  test('where it is does not change from one version of this program to the next', () => {
    const ids = ['1', '2', '115', '10000', 'a.b:c', '~', 'x'.repeat(128)];
    expect(ids.map((id) => partitionOf(id, 16))).toEqual([7, 13, 4, 5, 8, 6, 7]);
    expect(ids.map((id) => partitionOf(id, 7))).toEqual([2, 0, 4, 0, 5, 2, 2]);
  });

  test('ids from 1 to 10,000 are spread evenly', () => {
    for (const partitions of [1, 2, 16, 64]) {
      const counts = Array.from({ length: partitions }, () => 0);
      for (let id = 1; id <= 10_000; id++) {
        const partition = partitionOf(String(id), partitions);
        counts[partition] = counts[partition]! + 1;
      }
      const even = 10_000 / partitions;
      expect(Math.min(...counts)).toBeGreaterThan(even * 0.9);
      expect(Math.max(...counts)).toBeLessThan(even * 1.1);
    }
  });
});

describe('keys', () => {
  test('all of a partition have its hash tag', () => {
    for (const key of Object.values(partitionKeys('flight', 'test', 7))) {
      expect(key).toMatch(/^\{test\.flight\.7\}:/);
    }
    expect(partitionKeys('flight', '', 7).queue).toBe('{flight.7}:queue');
  });

  test('no id that is taken has the key of anything else in its partition', () => {
    const { entityPrefix, fillPrefix, gatheredPrefix, ...own } = partitionKeys('flight', '', 7);
    const names = Object.values(own).map((key) => key.slice(entityPrefix.length));
    const leases = ['', '1', 'seq'].map((id) => `${fillPrefix}${id}`.slice(entityPrefix.length));
    const gathered = ['', '1'].map((run) => `${gatheredPrefix}${run}`.slice(entityPrefix.length));
    for (const name of [...names, ...leases, ...gathered]) expect(() => checkId(name), name).toThrow('id:');
    for (const id of ['115', 'Queue', 'queues', 'fill', 'refill:1', 'once:', ':queue']) {
      expect(() => checkId(id), id).not.toThrow();
    }
  });

  test("an entity's key gives back its id, and no other key gives one", () => {
    const partitions = Array.from({ length: 16 }, (_, index) => partitionKeys('flight', 'test', index));
    for (const id of ['115', 'a.1', 'x:7', '~', 'refill:1'])
      expect(entityIdOf(`${partitions[partitionOf(id, 16)]!.entityPrefix}${id}`, partitions)).toBe(id);
    const others = [
      ...Object.values<string>({ ...partitions[4] }),
      `${partitions[4]!.fillPrefix}115`,
      // Of another partition, another entity or namespace, another count of partitions.
      `${partitions[5]!.entityPrefix}115`,
      ...['{test.flight.16}:115', '{test.flight.x.4}:115', '{flight.4}:115', '{test.flights.4}:115'],
      ...['{test.flight.04}:115', '{test.flight.}:115', 'test.flight.4:115', ''],
    ];
    for (const key of others) expect(entityIdOf(key, partitions), key).toBeUndefined();
  });
});
