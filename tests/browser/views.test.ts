/**
 * Every view on the real stack, as people see it: nothing to complain of for the browser, nothing for axe-core, in both themes,
 * from a phone to a wall. The pictures are left in .local/screenshots, or in AFTERWRITE_SCREENSHOTS.
 */
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, openConsole, SCREENSHOTS } from './browser.ts';
import { useStage } from './stage.ts';

const VIEWS = ['now', 'flow', 'flight/115', 'load', 'queue', 'health'];
const SIZES = [
  { width: 320, height: 640 },
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
  { width: 2560, height: 1440 },
];
const THEMES = ['light', 'dark'] as const;
/** In the page, whose types these files do not have. */
const OVERFLOW = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
const FORCED = `(() => {
  document.querySelector('.bar-place').classList.add('stopped');
  const style = (selector, part) => getComputedStyle(document.querySelector(selector), part);
  return {
    ground: style('body').backgroundColor,
    way: style('.track', '::before').backgroundColor,
    current: style('nav [aria-current]').backgroundColor,
    stripes: style('.stopped .bar-fill').backgroundImage,
  };
})()`;
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

const stage = useStage({ flights: 500, environment: { ALLOW_LOAD: '1' } }, (world) =>
  world.db.query("ALTER TABLE flight ADD CONSTRAINT times CHECK (departure < '2090-01-01')"),
);

beforeAll(async () => {
  if (hasChromium) await makeDeadLetter();
});

/** Something to see in Queue. */
async function makeDeadLetter(): Promise<void> {
  const response = await fetch(`${stage.stack.url}/flights/7`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', prefer: 'wait=10' },
    body: JSON.stringify({
      departure: '2091-01-01T10:00:00Z',
      arrival: '2091-01-01T12:00:00Z',
      user: 'ann',
      comment: 'too far ahead',
    }),
  });
  expect(await response.json()).toMatchObject({ state: 'dead' });
}

/** Figures have come, and what the view asks for has been answered. */
async function settled(page: Page): Promise<void> {
  await page.getByText('Live', { exact: true }).waitFor();
  const waiting = page.getByText(/^(Reading|Asking|Looking|Waiting for) .*…/);
  await expect.poll(() => waiting.count(), { timeout: 10_000 }).toBe(0);
}

describe.skipIf(!hasChromium)('the console', () => {
  it.each(VIEWS)('%s: nothing to complain of, in both themes and every size', async (view) => {
    for (const colorScheme of THEMES) {
      const opened = await openConsole(stage.browser, { url: stage.stack.url, view, colorScheme });
      const { page, complaints } = opened;
      await settled(page);
      for (const size of SIZES) {
        await page.setViewportSize(size);
        const overflow = await page.evaluate(OVERFLOW);
        expect(overflow, `wider than the window at ${String(size.width)}`).toBeLessThanOrEqual(0);
        const name = `${view.replace('/', '-')}-${String(size.width)}-${colorScheme}.png`;
        await page.screenshot({ path: join(SCREENSHOTS, name), fullPage: true });
      }
      expect(complaints).toEqual([]);
      await opened.close();
    }
  });

  it("forced colours: where one is, the ways and a stopped partition are seen in the user's own few colours", async () => {
    const { page, close } = await openConsole(stage.browser, {
      url: stage.stack.url,
      view: 'flow',
      forcedColors: 'active',
    });
    await settled(page);
    await page.locator('.bar-place').first().waitFor();
    const seen = await page.evaluate<Record<string, string>>(FORCED);
    expect(seen.way).not.toBe(seen.ground);
    expect(seen.current).not.toBe(seen.ground);
    expect(seen.stripes).toMatch(/^repeating-linear-gradient/);
    await page.screenshot({ path: join(SCREENSHOTS, 'flow-1280-forced.png'), fullPage: true });
    await close();
  });

  it.each(VIEWS)('%s: no violation that axe-core finds', async (view) => {
    for (const colorScheme of THEMES) {
      // Its script is not the page's own: the policy is lifted here, and only here.
      const opened = await openConsole(stage.browser, {
        url: stage.stack.url,
        view,
        colorScheme,
        bypassCSP: true,
      });
      await settled(opened.page);
      for (const viewport of [SIZES[0]!, SIZES[2]!]) {
        await opened.page.setViewportSize(viewport);
        await opened.page.evaluate(await readFile(AXE, 'utf8'));
        const { violations } = await opened.page.evaluate<AxeResults>('axe.run()');
        const found = violations.map(
          ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`,
        );
        expect(found).toEqual([]);
      }
      await opened.close();
    }
  });
});
