import { expect, test } from 'vitest';
import { buildSite } from './build.ts';
import { operationsPage } from './operations.ts';

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

test('what stands in the document is shown and not run', () => {
  const page = operationsPage(
    '# A <script>x</script>\n\n<script>x</script>\n\n```\n<script>x</script>\n```\n',
    'x.css',
  );
  expect(page).not.toContain('<script');
  expect(operationsPage('## Dead letters: what, and why?', 'x.css')).toContain(
    'id="dead-letters-what-and-why"',
  );
});
