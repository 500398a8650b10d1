/**
 * The page while 2,000 updates a second are taken beside it: figures move at once, no task of the page keeps people waiting,
 * and what it shows is what `GET /queue` and MySQL say. AFTERWRITE_LOAD_SECONDS=60 for the whole minute. The picture in the
 * README: AFTERWRITE_SCREENSHOTS=docs/images npx vitest run tests/browser/load.test.ts
 */
import { join } from 'node:path';
import type { LiveSample } from '@afterwrite/client';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { hasChromium, openConsole, SCREENSHOTS } from './browser.ts';
import { useStage } from './stage.ts';

const PER_SECOND = 2000;
const SECONDS = Number(process.env.AFTERWRITE_LOAD_SECONDS ?? 12);
const LONGEST_TASK_MS = 100;

const stage = useStage({ flights: 2000, environment: { ALLOW_LOAD: '1' } });

/** What the page itself receives, read beside it. */
async function followStream(): Promise<{ readonly samples: LiveSample[]; stop(): void }> {
  const ending = new AbortController();
  const response = await fetch(`${stage.stack.url}/stream`, { signal: ending.signal });
  const samples: LiveSample[] = [];
  const read = async () => {
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const data = /^event: sample$/m.test(event) ? /^data: (.*)$/m.exec(event)?.[1] : undefined;
        if (data !== undefined) samples.push(JSON.parse(data) as LiveSample);
      }
    }
  };
  void read().catch(() => undefined);
  return { samples, stop: () => ending.abort() };
}

async function stored(): Promise<number> {
  const [row] = await stage.world.rows<{ n: number }>(
    "SELECT COUNT(*) AS n FROM flight_log WHERE user = 'load'",
  );
  return row!.n;
}

/** How long tasks of the page took from now on, those of 50 ms and more, as the browser itself tells. */
const WATCH_TASKS = `
  globalThis.longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: 'longtask' });`;

async function startLoad(page: Page): Promise<void> {
  await page.getByLabel('Updates a second').fill(String(PER_SECOND));
  await page.getByLabel('For seconds').fill(String(SECONDS));
  await page.getByRole('button', { name: 'Start the load' }).click();
}

/** The tank has come to what the number on it says. */
const SETTLED = `Promise.all(document.querySelector('.tank-fill').getAnimations().map(({ finished }) => finished))`;

/** For the picture: of flights that the load writes, so that most are answered by the cache. */
async function readSome(): Promise<void> {
  for (let id = 1; id <= 20; id++) await (await fetch(`${stage.stack.url}/flights/${String(id)}`)).text();
}

/**
 * The fullest queue of the run: flushes are so quick that later there may be none. `most` waited on the picture before; gives
 * how many wait on the one that is there now.
 */
async function takePicture(page: Page, most: number): Promise<number> {
  await page.evaluate(SETTLED);
  const waiting = Number((await page.locator('.waiting').textContent())?.replaceAll(',', ''));
  if (!(waiting > most)) return most;
  await page.screenshot({ path: join(SCREENSHOTS, 'console.png'), fullPage: true });
  return waiting;
}

describe.skipIf(!hasChromium)(`${String(PER_SECOND)} updates a second`, () => {
  it('figures move within 5 s of opening the page', async () => {
    const { page, close } = await openConsole(stage.browser, { url: stage.stack.url });
    const openedAt = Date.now();
    await fetch(`${stage.stack.url}/flights/1`);
    await page
      .getByRole('region', { name: 'Hit rate' })
      .getByText(/[0-9]%/)
      .first()
      .waitFor({ timeout: 5000 });
    expect(Date.now() - openedAt).toBeLessThan(5000);
    await close();
  });

  it(
    'the page stays responsive, and agrees with GET /queue and with MySQL to within one sample',
    { timeout: (SECONDS + 90) * 1000 },
    async () => {
      const { page, complaints, close } = await openConsole(stage.browser, {
        url: stage.stack.url,
        view: 'load',
      });
      await page.getByText('Live', { exact: true }).waitFor();
      const { samples, stop } = await followStream();
      const latest = () => samples.at(-1);
      await startLoad(page);
      await expect.poll(() => latest()?.load.state, { timeout: 30_000 }).toBe('RUNNING');
      await page.evaluate(WATCH_TASKS);

      const views = ['Flow', 'Now', 'Load', 'Queue'];
      let pictured = 0;
      for (let round = 0; latest()?.load.state === 'RUNNING'; round++) {
        const view = views[round % views.length]!;
        await page.getByRole('link', { name: view, exact: true }).click();
        if (view === 'Flow') await readSome();
        // What MySQL has lies between what the sample before says and what one after says.
        const before = latest()!;
        const count = await stored();
        const { queueLength } = (await (await fetch(`${stage.stack.url}/queue`)).json()) as {
          queueLength: number;
        };
        const n = before.n + 2;
        await expect.poll(() => latest()!.n, { timeout: 10_000 }).toBeGreaterThanOrEqual(n);
        const after = samples.find((sample) => sample.n >= n)!;
        expect(count).toBeGreaterThanOrEqual(before.totals.stored);
        expect(count).toBeLessThanOrEqual(after.totals.stored + storedIn(samples, after));
        if (view === 'Flow') pictured = await takePicture(page, pictured);
        // The queue's length moves by no more than what was accepted and stored meanwhile.
        const moved =
          after.totals.accepted - before.totals.accepted + after.totals.stored - before.totals.stored;
        expect(Math.abs(queueLength - before.queue!.length)).toBeLessThanOrEqual(moved + PER_SECOND);
      }

      await expect
        .poll(() => ({ state: latest()!.load.state, length: latest()!.queue?.length }), { timeout: 30_000 })
        .toEqual({ state: 'IDLE', length: 0 });
      const { accepted, refused, late } = latest()!.load.run!;
      expect({ refused, late }).toEqual({ refused: {}, late: 0 });
      expect(accepted).toBeGreaterThan(PER_SECOND * SECONDS * 0.9);
      expect(await stored()).toBe(accepted);
      await expect.poll(() => latest()!.totals.stored, { timeout: 5000 }).toBe(latest()!.totals.accepted);
      await page.getByRole('link', { name: 'Load', exact: true }).click();
      await page.getByText(accepted.toLocaleString('en'), { exact: true }).first().waitFor();
      await page.getByRole('link', { name: 'Now', exact: true }).click();
      await page
        .getByRole('region', { name: 'Queue length' })
        .getByText('0', { exact: false })
        .first()
        .waitFor();

      const longTasks = await page.evaluate<number[]>('longTasks');
      console.log(`tasks of the page over 50 ms in ${String(SECONDS)} s: ${longTasks.join(', ') || 'none'}`);
      expect(Math.max(0, ...longTasks)).toBeLessThanOrEqual(LONGEST_TASK_MS);
      expect(complaints).toEqual([]);
      stop();
      await close();
    },
  );
});

/** As many as came with the sample: the functions tell what they stored twice a second. */
function storedIn(samples: readonly LiveSample[], { n, totals }: LiveSample): number {
  return totals.stored - (samples.find((sample) => sample.n === n - 1)?.totals.stored ?? totals.stored);
}
