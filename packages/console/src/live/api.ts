/** The API that this page came from: same origin, whatever path is before it. */
import { AfterwriteClient, type LoadRequest, type LoadState } from '@afterwrite/client';

export { describeError } from './describe-error.ts';

const base = new URL('.', document.baseURI);

/** The address of a path of this origin. */
export function here(path: string): string {
  return new URL(path, base).href;
}

const baseUrl = base.href.replace(/\/$/, '');

/** For what somebody asked for: a failure that may pass is tried again before it is shown. */
export const client = new AfterwriteClient({ baseUrl });

/** For what is asked again in a moment anyway: a failure is shown at once. */
export const poller = new AfterwriteClient({ baseUrl, retry: { attempts: 1 } });

const LOAD_TIMEOUT_MS = 10_000;

/** On one machine only. Throws LoadRefusedError. */
export async function startLoad(request: LoadRequest): Promise<LoadState> {
  return await postLoad('load', request);
}

export async function stopLoad(): Promise<LoadState> {
  return await postLoad('load/stop', {});
}

class LoadRefusedError extends Error {}

async function postLoad(path: string, body: object): Promise<LoadState> {
  const response = await fetch(here(path), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(LOAD_TIMEOUT_MS),
  });
  const answer = (await response.json()) as LoadState & { readonly detail?: string };
  if (!response.ok) throw new LoadRefusedError(answer.detail ?? `The server answered ${response.status}.`);
  return answer;
}
