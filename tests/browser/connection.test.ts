/** The page when what it hangs on goes: says so, says how old its figures are, blocks nobody, and finds back by itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { hasChromium, openConsole } from './browser.ts';
import { useStage } from './stage.ts';

const stage = useStage({ flights: 100 });
let wire: TcpProxy;
let url: string;

beforeAll(async () => {
  if (!hasChromium) return;
  wire = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(stage.stack.url).port) });
  url = `http://127.0.0.1:${String(wire.port)}`;
});
afterAll(async () => {
  if (hasChromium) await wire.close();
});

describe.skipIf(!hasChromium)('the connection', () => {
  it('cut and refused: said at once, in words; restored: live again without anybody doing anything', async () => {
    const { page, close } = await openConsole(stage.browser, { url });
    await page.getByText('Live', { exact: true }).waitFor();
    await wire.set({ newcomers: 'REFUSE' });
    wire.cutAll();
    await page.getByText('Disconnected', { exact: true }).waitFor({ timeout: 10_000 });
    expect(await page.getByRole('alert').textContent()).toMatch(/Trying again; what is shown is old/);
    // The rest goes on: another view, at once.
    await page.getByRole('link', { name: 'Flow' }).click();
    await page.getByRole('heading', { name: 'Flow', level: 1 }).waitFor({ timeout: 2000 });
    await wire.lift();
    await page.getByText('Live', { exact: true }).waitFor({ timeout: 20_000 });
    expect(await page.getByRole('alert').textContent()).toBe('');
    await close();
  });

  it('silent, as behind a dead router: stale after seconds, then made anew', async () => {
    const { page, close } = await openConsole(stage.browser, { url });
    await page.getByText('Live', { exact: true }).waitFor();
    await wire.set({ replies: 'SWALLOW' });
    await page.getByText('Stale', { exact: true }).waitFor({ timeout: 10_000 });
    await wire.lift();
    // What was swallowed is mute for ever: only a new connection helps.
    await page.getByText('Live', { exact: true }).waitFor({ timeout: 30_000 });
    await close();
  });

  it('no stream at all, as on AWS: asks GET /queue, and says of the other figures where they are', async () => {
    const { page, close } = await openConsole(stage.browser, { url, view: 'queue' });
    await page.route('**/stream', (route) => route.fulfill({ status: 404, body: '{}' }));
    await page.reload();
    await page.getByText('Every 3 s from GET /queue').waitFor({ timeout: 15_000 });
    await close();
  });
});
