/** Whatever the console links to in docs/OPERATIONS.md is there. That every check of GET /health has a heading is its type. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { headingOf, headingOfCheck, HEADINGS } from '@afterwrite/client';
import { operationsAddress } from '../src/operations.ts';
import { operationsPage } from './operations.ts';

const page = operationsPage(
  readFileSync(join(import.meta.dirname, '../../../docs/OPERATIONS.md'), 'utf8'),
  'console.css',
);
const places = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
const anchors = new Set(places);

test.each(HEADINGS)('%s is a heading of the page', (heading) => {
  const [file, anchor] = operationsAddress(heading).split('#');
  expect(file).toBe('console/operations.html');
  expect(anchors).toContain(anchor);
});

test('a check leads to its own heading, one of a newer server to what is said of all', () => {
  for (const [check, heading] of Object.entries(headingOfCheck)) expect(headingOf(check)).toBe(heading);
  expect(headingOf('moonPhase')).toBe('Health checks');
});

test('no two headings have the same place', () => {
  expect(places).toHaveLength(anchors.size);
});

test('links within the page lead to headings that it has', () => {
  const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, anchor]) => anchor);
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
});
