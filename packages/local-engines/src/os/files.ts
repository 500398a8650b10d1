/** Files and folders. */
import { glob, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { comparedVersions } from './versions.ts';

const RETRIES = 20;
const RETRY_DELAY_MS = 50;

/** Also while the children of a killed process still write into it for a moment. */
export function removeFolder(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: RETRIES, retryDelay: RETRY_DELAY_MS });
}

/** The file of this path; where a `*` stands in it for a version, that of the newest. Undefined when there is none. */
export async function newestMatch(folder: string, pattern: string): Promise<string | undefined> {
  const [before = ''] = pattern.split('*');
  const versionOf = (path: string): string => path.slice(before.length).split('/')[0] ?? '';
  const found: string[] = [];
  for await (const path of glob(pattern, { cwd: folder })) found.push(path);
  const newest = found.toSorted((a, b) => comparedVersions(versionOf(a), versionOf(b))).at(-1);
  return newest === undefined ? undefined : join(folder, newest);
}
