/** What a person does with the console, on the real stack: seen on the page, and then in MySQL. */
import { describe, expect, it } from 'vitest';
import { hasChromium, openConsole } from './browser.ts';
import { useStage } from './stage.ts';

const stage = useStage({ flights: 200 }, (world) =>
  world.db.query("ALTER TABLE flight ADD CONSTRAINT times CHECK (departure < '2090-01-01')"),
);

async function update(flightId: number, times: object, wait: string): Promise<unknown> {
  const response = await fetch(`${stage.stack.url}/flights/${String(flightId)}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', prefer: wait },
    body: JSON.stringify({ ...times, user: 'ann' }),
  });
  return await response.json();
}

const GOOD = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };
const TOO_LATE = { departure: '2091-01-01T10:00:00Z', arrival: '2091-01-01T12:00:00Z' };

describe.skipIf(!hasChromium)('somebody', () => {
  it('finds a flight by its number, delays it by the keyboard alone, and sees it arrive in the database', async () => {
    const [flight] = await stage.world.rows<{ flightno: string; departure: string }>(
      'SELECT flightno, departure FROM flight WHERE flight_id = 115',
    );
    const { page, complaints, close } = await openConsole(stage.browser, {
      url: stage.stack.url,
      view: 'flight',
    });
    await page.getByLabel('Flight id or flight number').focus();
    await page.keyboard.type(flight!.flightno.trim());
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: /115/ }).first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Flight 115' }).waitFor();
    await page.getByLabel('Minutes').focus();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('20');
    await page.keyboard.press('Tab');
    await page.keyboard.type('ann');
    await page.keyboard.press('Tab');
    await page.keyboard.type('fog');
    await page.keyboard.press('Enter');
    const way = page.getByRole('article', { name: /Flight 115/ });
    await way.getByText('Accepted').waitFor();
    await way.getByText(/^Stored after/).waitFor({ timeout: 30_000 });
    const [stored] = await stage.world.rows<{ moved: number; by: string; trail: number }>(
      `SELECT TIMESTAMPDIFF(MINUTE, ?, departure) AS moved,
         (SELECT MAX(user) FROM flight_log WHERE flight_id = 115 AND comment = 'fog') AS \`by\`,
         (SELECT COUNT(*) FROM flight_log WHERE flight_id = 115 AND comment = 'fog') AS trail
       FROM flight WHERE flight_id = 115`,
      [flight!.departure],
    );
    expect(stored).toEqual({ moved: 20, by: 'ann', trail: 1 });
    await page.getByRole('region', { name: 'Audit trail' }).getByText('fog').waitFor({ timeout: 10_000 });
    expect(complaints).toEqual([]);
    await close();
  });

  it('is not let overwrite what somebody else changed meanwhile, and told how to go on', async () => {
    await update(116, GOOD, 'wait=10');
    const { page, close } = await openConsole(stage.browser, { url: stage.stack.url, view: 'flight/116' });
    await page.getByText('2030-01-01 10:00:00').first().waitFor();
    // The form reads the version that it is about when it is touched.
    const read = page.waitForResponse(`${stage.stack.url}/flights/116`);
    await page.getByLabel('Comment').click();
    await (await read).finished();
    await update(116, { departure: '2030-01-02T10:00:00Z', arrival: '2030-01-02T12:00:00Z' }, 'wait=10');
    await page.getByRole('button', { name: 'Delay the flight' }).click();
    await page.getByRole('button', { name: 'Take the present times' }).click();
    await page.getByText('2030-01-02 10:30:00').waitFor();
    await page.getByRole('button', { name: 'Delay the flight' }).click();
    await page
      .getByRole('article', { name: /Flight 116/ })
      .getByText(/^Stored after/)
      .waitFor({ timeout: 30_000 });
    expect(await stage.world.rows('SELECT departure FROM flight WHERE flight_id = 116')).toEqual([
      { departure: '2030-01-02 10:30:00' },
    ]);
    await close();
  });

  it('sees a dead letter with its reason, mends the cause, redrives it, and it is stored', async () => {
    expect(await update(117, TOO_LATE, 'wait=10')).toMatchObject({ state: 'dead' });
    const { page, complaints, close } = await openConsole(stage.browser, {
      url: stage.stack.url,
      view: 'queue',
    });
    const letters = page.getByRole('region', { name: /^Dead letters/ });
    await letters.getByText('Flight 117').waitFor();
    await letters.getByText("Check constraint 'times' is violated").waitFor();
    await letters.getByRole('link', { name: 'Flight 117' }).click();
    await page.getByText('1 update of this flight is a dead letter').waitFor();
    await page.getByRole('link', { name: 'Why, and what to do' }).click();
    const redrive = letters.getByRole('button', { name: /^Redrive letter/ });
    await redrive.click();
    await page.getByRole('button', { name: 'Redrive it' }).click();
    // Still refused: it says so, and keeps it.
    await page
      .getByRole('dialog')
      .getByText(/refuse/i)
      .last()
      .waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await stage.world.db.query('ALTER TABLE flight DROP CHECK times');
    await redrive.click();
    await page.getByRole('button', { name: 'Redrive it' }).click();
    await page
      .getByRole('dialog')
      .getByText(/stored/i)
      .last()
      .waitFor();
    await page.keyboard.press('Escape');
    await letters.getByText('None: the database has refused nothing').waitFor({ timeout: 10_000 });
    expect(await stage.world.rows('SELECT departure FROM flight WHERE flight_id = 117')).toEqual([
      { departure: '2091-01-01 10:00:00' },
    ]);
    expect(complaints).toEqual([]);
    await close();
  });

  it('flushes the queue from the page: what waited is stored, and the page says how much', async () => {
    const { page, close } = await openConsole(stage.browser, { url: stage.stack.url, view: 'queue' });
    await update(118, GOOD, 'wait=0');
    await page.getByRole('button', { name: 'Flush all' }).click();
    await page.getByRole('button', { name: 'Flush it' }).click();
    await page
      .getByRole('dialog')
      .getByText(/stored|nothing/i)
      .last()
      .waitFor();
    expect(await stage.world.rows('SELECT departure FROM flight WHERE flight_id = 118')).toEqual([
      { departure: '2030-01-01 10:00:00' },
    ]);
    await close();
  });

  it('chooses a theme, and finds it again', async () => {
    const { page, close } = await openConsole(stage.browser, { url: stage.stack.url, colorScheme: 'light' });
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await page.getByLabel('Theme').selectOption('dark');
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.getByLabel('Theme').waitFor();
    expect(await ground()).toBe(dark);
    await close();
  });
});
