/**
 * What the test run prints and logs, kept to be searched for secrets at its end. Secrets of the tests carry a mark, so that
 * one is known wherever it turns up; those that the system makes itself are noted.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names the folder; set for the whole run by `engines-setup.ts`, inherited by all its processes. */
export const CAPTURE_VARIABLE = 'AFTERWRITE_CAPTURE';
const NOTED = 'noted-secrets';
const OUTPUT = '.output';
const MARK = 'sEcReT';
const PLACE = '\u0001 ';

export function markedSecret(name: string): string {
  return `${MARK}-${name}-${randomBytes(12).toString('hex')}`;
}

/** A secret that the system made. */
export function noteSecret(secret: string): void {
  append(NOTED, `${secret}\n`);
}

export function capture(text: string | Uint8Array): void {
  append(`${String(process.pid)}${OUTPUT}`, typeof text === 'string' ? `${text}\n` : text);
}

/** What is captured from here on belongs to this test. */
export function capturePlace(place: string): void {
  capture(`${PLACE}${place.replaceAll('\n', ' ')}`);
}

function append(file: string, text: string | Uint8Array): void {
  const folder = process.env[CAPTURE_VARIABLE];
  if (folder !== undefined) appendFileSync(join(folder, file), text);
}

/** Signed tokens, whoever made them: three parts of which the first two are JSON. */
const TOKEN = String.raw`eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{20,}`;

/** One line each: which test, and what was said, without the secret. */
export function findSecrets(folder: string): { leaks: string[]; lines: number } {
  const files = readdirSync(folder);
  const noted = files.includes(NOTED) ? readFileSync(join(folder, NOTED), 'utf8').split('\n') : [];
  const words = noted.filter((word) => word !== '').map((word) => String.raw`(?<!\w)${word}(?!\w)`);
  const secret = new RegExp([`${MARK}-[a-z]+-[0-9a-f]{24}`, TOKEN, ...words].join('|'), 'g');
  const leaks = new Set<string>();
  let lines = 0;
  for (const file of files.filter((name) => name.endsWith(OUTPUT))) {
    let place = 'before the first test';
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
      lines += 1;
      if (line.startsWith(PLACE)) place = line.slice(PLACE.length);
      else if (line.search(secret) >= 0)
        leaks.add(`${place}: ${line.replace(secret, '<SECRET>').slice(0, 500)}`);
    }
  }
  return { leaks: [...leaks], lines };
}
