/** What the servers of this folder share. */
import type { IncomingMessage } from 'node:http';

/** Nothing here is for other machines. */
export const LOOPBACK = '127.0.0.1';

/** Undefined when the body is larger; the rest of it is read and dropped then, so that the sender reads the answer. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return bytes > maxBytes ? undefined : Buffer.concat(chunks, bytes);
}
