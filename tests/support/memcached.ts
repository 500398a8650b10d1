/** Straight to memcached, past the engine and its client. */
import { connect } from 'node:net';

interface Place {
  readonly host: string;
  readonly port: number;
}

const LAST_LINE = /(?:^|\r\n)(?:END|STORED|DELETED|NOT_FOUND|OK|VERSION [^\r]*|[A-Z_]*ERROR[^\r]*)\r\n$/;

/** The reply to one command, on a connection of its own. */
export async function askMemcached({ host, port }: Place, command: string): Promise<string> {
  const socket = connect(port, host);
  socket.write(`${command}\r\n`);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of socket) {
      chunks.push(chunk as Buffer);
      const reply = Buffer.concat(chunks).toString();
      if (LAST_LINE.test(reply)) return reply;
    }
    throw new Error('memcached closed the connection');
  } finally {
    socket.destroy();
  }
}

/** undefined: there is none. The key must be one that memcached takes as it is. */
export async function readCopy(place: Place, key: string): Promise<string | undefined> {
  const reply = await askMemcached(place, `get ${key}`);
  return /^VALUE \S+ \d+ \d+\r\n(.*)\r\nEND\r\n$/s.exec(reply)?.[1];
}
