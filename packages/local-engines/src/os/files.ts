/** Removes a folder also while the children of a killed process still write into it for a moment. */
import { rm } from 'node:fs/promises';

const RETRIES = 20;
const RETRY_DELAY_MS = 50;

export function removeFolder(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: RETRIES, retryDelay: RETRY_DELAY_MS });
}
