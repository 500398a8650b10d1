/**
 * Finds the system's Chromium, or installs it from Debian's packages where this is root's to do: Playwright's own browsers
 * are a download of 150 MB from elsewhere. Without one the tests are skipped, with a word why; in CI that is a failure.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the program; null where there is none. */
    chromium: string | null;
  }
}

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** 90 MB on a slow line. */
const INSTALL_TIMEOUT_MS = 10 * 60_000;
const HOW = 'install it (Debian, Ubuntu: `apt-get install chromium`) or name one with CHROMIUM_PATH';

export default async function setup(project: TestProject): Promise<void> {
  const found = find() ?? (await install());
  if (found === null) {
    const why = `The tests in a browser need Chromium: ${HOW}.`;
    if (process.env.CI) throw new Error(why);
    console.error(`SKIPPED tests/browser. ${why}`);
  }
  project.provide('chromium', found);
}

function find(): string | null {
  const named = process.env.CHROMIUM_PATH;
  if (named) {
    if (!isProgram(named)) throw new Error(`CHROMIUM_PATH: ${named} is no program.`);
    return named;
  }
  const folders = (process.env.PATH ?? '').split(delimiter);
  const paths = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function install(): Promise<string | null> {
  if (process.getuid?.() !== 0) return null;
  console.error("Installing Chromium from Debian's packages (once) …");
  const apt = async (...args: string[]) => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const waits = ['-o', 'DPkg::Lock::Timeout=120'];
    await promisify(execFile)('apt-get', ['-qq', ...waits, ...args], { env, timeout: INSTALL_TIMEOUT_MS });
  };
  const packages = ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'];
  try {
    // The lists may be older than what the mirror still has.
    await apt(...packages).catch(async () => {
      await apt('update');
      await apt(...packages);
    });
  } catch (error) {
    console.error(
      `Chromium could not be installed: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return find();
}
