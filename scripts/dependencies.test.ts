import { expect, test } from 'vitest';
import { dependencyMistakes, directDependencies } from './dependencies.ts';

const row = (name: string, why = 'a reason') => `| \`${name}\` | ${why} | somebody | MIT | 2026-01 |`;

test('all that any package.json names counts, our own packages do not', () => {
  const manifests = [
    { dependencies: { a: '1' }, devDependencies: { b: '1', '@afterwrite/flights': '1' } },
    { optionalDependencies: { c: '1' }, peerDependencies: { a: '2', d: '1' } },
    {},
  ];
  expect([...directDependencies(manifests)]).toEqual(['a', 'b', 'c', 'd']);
});

test('a page that is right has no mistakes', () => {
  const page = ['# Title', '| package | for |', row('a'), '', row('@scope/b'), 'text `c`'].join('\n');
  expect(dependencyMistakes(new Set(['a', '@scope/b']), page)).toEqual([]);
});

test('what is missing, gone, double or unexplained is named', () => {
  const page = [row('a'), row('a'), row('gone'), row('b', ' ')].join('\n');
  expect(dependencyMistakes(new Set(['a', 'b', 'new']), page)).toEqual([
    expect.stringContaining('new is not in'),
    expect.stringContaining('gone is in'),
    expect.stringContaining('b: a cell'),
    expect.stringContaining('twice'),
  ]);
});
