import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TrailFact } from './facts.ts';
import { groupsOf, inOrder } from './trail-order.ts';

const row = (before: string, after: string, group?: string, what = `${before}${after}`): TrailFact =>
  group === undefined ? ['TRAIL', '1', what, before, after] : ['TRAIL', '1', what, before, after, group];

const asTheyAre = (group: readonly TrailFact[]) => group;
const steps = (rows: readonly TrailFact[]) =>
  rows.map(([, , , before, after]) => `${before}${after}`).join(' ');

test('rows without a group stay as they were read, also where they do not fit', () => {
  const trail = [row('a', 'b'), row('c', 'd'), row('b', 'c')];
  expect(steps(inOrder(groupsOf(trail), asTheyAre))).toBe('ab cd bc');
});

test('rows of one group follow each other, on from what was before them', () => {
  const trail = [
    row('x', 'a', '1'),
    row('b', 'c', '2'),
    row('c', 'a', '2'),
    row('a', 'b', '2'),
    row('a', 'z', '3'),
  ];
  expect(groupsOf(trail).map((group) => group.length)).toEqual([1, 3, 1]);
  expect(steps(inOrder(groupsOf(trail), asTheyAre))).toBe('xa ab bc ca az');
});

test('a wanted order is taken where it is a chain, and where there is none at all', () => {
  const group = [row('a', 'b', '1', 'late'), row('a', 'b', '1', 'early'), row('b', 'a', '1', 'between')];
  const wanted = () => [group[1]!, group[2]!, group[0]!];
  expect(inOrder(groupsOf(group), wanted).map(([, , what]) => what)).toEqual(['early', 'between', 'late']);
  const broken = [row('a', 'b', '1'), row('x', 'y', '1')];
  expect(steps(inOrder(groupsOf(broken), () => broken.toReversed()))).toBe('xy ab');
});

test('whatever the flight did, a shuffled group is a chain again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 2, maxLength: 200 }).chain((states) => {
        const rows = states.slice(1).map((state, index) => row(states[index]!, state, 'g'));
        return fc.tuple(fc.constant(states[0]!), fc.shuffledSubarray(rows, { minLength: rows.length }));
      }),
      ([first, shuffled]) => {
        const ordered = inOrder(groupsOf([row('start', first), ...shuffled]), asTheyAre);
        expect(ordered).toHaveLength(shuffled.length + 1);
        for (const [index, each] of ordered.entries()) {
          if (index > 0) expect(each[3]).toBe(ordered[index - 1]?.[4]);
        }
      },
    ),
  );
});
