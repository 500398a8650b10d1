/** Hostile requests over HTTP, as far as a well-made client can carry them. */
import { request as httpRequest } from 'node:http';
import type { HostileRequest, Send } from './hostile.ts';

/** What HTTP/1.1 says itself of a message. */
const OF_THE_MESSAGE = new Set(['host', 'connection', 'content-length', 'transfer-encoding']);

/** The request as it will arrive: what no header can hold is left out. */
export function asCarried(request: HostileRequest): HostileRequest {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    const text = value.replaceAll(/[^\t\u0020-\u007e\u0080-\u00ff]/g, '').trim();
    if (!OF_THE_MESSAGE.has(name) && name !== '__proto__') headers[name] = text;
  }
  return { ...request, headers };
}

export function sendOverHttp(baseUrl: string): Send {
  const { hostname, port } = new URL(baseUrl);
  return ({ method, path, query, headers, body, isBase64 }) =>
    new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : Buffer.from(body, isBase64 ? 'base64' : 'utf8');
      const target = query === '' ? path : `${path}?${query}`;
      const length = payload === undefined ? {} : { 'content-length': payload.length };
      const sending = httpRequest(
        { host: hostname, port, method, path: target, headers: { ...headers, ...length } },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const lines = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
            resolve({
              status: response.statusCode ?? 0,
              headers: Object.fromEntries(lines) as Record<string, string>,
              body: Buffer.concat(chunks).toString('utf8'),
            });
          });
        },
      );
      sending.on('error', reject);
      sending.end(payload);
    });
}
