/** What this front answers itself, beside the functions: on one machine only, there is no such thing behind the gateway. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from '../lambda/http.ts';
import { type HttpAnswer, problemAnswer } from './problems.ts';

export interface LocalCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** JSON of a POST, `undefined` where it has none. */
  readonly body: unknown;
}

export interface LocalRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly scope: string | null;
  /**
   * Its answer. STREAMS: it has begun the response and goes on with it until the caller is gone or the front is closed, which
   * ends it at once.
   */
  readonly handle: (call: LocalCall) => HttpAnswer | 'STREAMS' | Promise<HttpAnswer | 'STREAMS'>;
}

/** A request for a load has 50 bytes. */
const MAX_JSON_BYTES = 16 * 1024;

export type JsonBody =
  | { readonly kind: 'BODY'; readonly body: unknown }
  | { readonly kind: 'REFUSED'; readonly answer: HttpAnswer };

/** Only with its type: a page of another origin cannot send that one without asking first. */
export async function readJsonBody(request: IncomingMessage): Promise<JsonBody> {
  const bytes = await readBody(request, MAX_JSON_BYTES);
  const refused = (answer: HttpAnswer): JsonBody => ({ kind: 'REFUSED', answer });
  if (bytes === undefined) return refused(problemAnswer('too-large', `It takes ${MAX_JSON_BYTES} bytes.`));
  if (request.method !== 'POST') return { kind: 'BODY', body: undefined };
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? '')) {
    return refused(problemAnswer('unsupported-media-type', 'Send Content-Type: application/json.'));
  }
  if (bytes.length === 0) return { kind: 'BODY', body: undefined };
  try {
    return {
      kind: 'BODY',
      body: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown,
    };
  } catch {
    return refused(problemAnswer('malformed-request', 'The body is not JSON in UTF-8.'));
  }
}

export function jsonAnswer(status: number, body: unknown): HttpAnswer {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return { status, headers, body: Buffer.from(JSON.stringify(body)) };
}
