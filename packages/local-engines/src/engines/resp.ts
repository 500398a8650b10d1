/**
 * As much of Valkey's protocol (RESP2) as starting a server needs: one command, one reply that is
 * a simple string, an error, an integer or a bulk string.
 */
import { converse } from '../os/socket.ts';

function encode(args: readonly string[]): string {
  const parts = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`);
  return `*${args.length}\r\n${parts.join('')}`;
}

function decode(received: Buffer): string | undefined {
  const end = received.indexOf('\r\n');
  if (end < 0) return undefined;
  const line = received.toString('utf8', 0, end);
  if (!line.startsWith('$')) return line;
  const lengthBytes = Number(line.slice(1));
  if (lengthBytes < 0) return '';
  const body = received.subarray(end + 2);
  return body.length < lengthBytes + 2 ? undefined : body.toString('utf8', 0, lengthBytes);
}

/**
 * The reply's text; simple strings, errors and integers keep their first character (`+`, `-`, `:`).
 * Undefined when the server does not answer.
 */
export function askValkey(
  place: { readonly host: string; readonly port: number },
  ...args: string[]
): Promise<string | undefined> {
  return converse({ ...place, send: encode(args), read: decode });
}
