import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildSite } from './build.ts';
import { anchorOf, operationsPage } from './operations.ts';

const OPERATIONS = readFileSync(join(import.meta.dirname, '../../../docs/OPERATIONS.md'), 'utf8');

test('the page names its script and its style sheet by what is in them', async () => {
  const site = await buildSite();
  const again = await buildSite();
  expect([...again.keys()]).toEqual([...site.keys()]);
  const page = Buffer.from(site.get('index.html') ?? []).toString();
  const named = [...page.matchAll(/console\/([\w.-]+)/g)].map(([, name = '']) => name);
  expect(named.map((name) => name.replace(/-\w+/, ''))).toEqual(['icon.svg', 'console.css', 'console.js']);
  for (const name of named) expect(site.has(name), name).toBe(true);
  // The policy refuses what stands in the page itself.
  expect(page).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|\{\{/);
});

test('every heading of the operations page can be pointed to, and every pointer arrives', () => {
  const page = operationsPage(OPERATIONS, 'x.css');
  const places = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id);
  expect(new Set(places).size).toBe(places.length);
  expect(places).toContain('deadletters');
  const links = [...page.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => href);
  const outside = links.filter((href) => !['icon.svg', 'x.css', '../#/health'].includes(href));
  expect(outside.length).toBeGreaterThan(3);
  for (const href of outside) expect(places, href).toContain(href.replace('#', ''));
});

test('what stands in the document is shown and not run', () => {
  const page = operationsPage(
    '# A <script>x</script>\n\n<script>x</script>\n\n```\n<script>x</script>\n```\n',
    'x.css',
  );
  expect(page).not.toContain('<script');
  expect(anchorOf('Dead letters: what, and why?')).toBe('dead-letters-what-and-why');
});
