/** The system's Chromium with a page of the console in it; whatever the page complains of fails the test. */
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { inject } from 'vitest';

/** Nothing but what the page asks for leaves it, and root may run it. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Skip what needs it where it is missing: `describe.skipIf(!hasChromium)`. */
export const hasChromium = inject('chromium') !== null;

export interface ConsolePage {
  readonly page: Page;
  /** Errors and warnings of the page so far: uncaught, logged, refused by its policy; requests that left the origin. */
  readonly complaints: string[];
  close(): Promise<void>;
}

export interface OpenOptions extends BrowserContextOptions {
  /** With its port. */
  readonly url: string;
  readonly view?: string;
}

export async function startBrowser(): Promise<Browser> {
  const executablePath = inject('chromium') ?? undefined;
  return await chromium.launch({ ...(executablePath && { executablePath }), args: ARGUMENTS });
}

export async function openConsole(
  browser: Browser,
  { url, view = 'now', ...options }: OpenOptions,
): Promise<ConsolePage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    // That the service is not well is an answer: GET /health gives it with 503, and the browser notes each one.
    if (message.location().url === `${url}/health` && message.text().includes('503')) return;
    complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`)) complaints.push(`left the origin: ${request.url()}`);
  });
  await page.goto(`${url}/#/${view}`);
  return { page, complaints, close: () => context.close() };
}

/** What a run leaves to be looked at. */
export const SCREENSHOTS =
  process.env.AFTERWRITE_SCREENSHOTS ?? join(import.meta.dirname, '../../.local/screenshots');
