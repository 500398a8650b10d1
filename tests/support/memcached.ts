/** Straight to memcached, past the engine and its client. */
import { connect } from 'node:net';

interface Place {
  readonly host: string;
  readonly port: number;
}

/** undefined: there is none. The key must be one that memcached takes as it is. */
export async function readCopy({ host, port }: Place, key: string): Promise<string | undefined> {
  const socket = connect(port, host);
  socket.write(`get ${key}\r\n`);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of socket) {
      chunks.push(chunk as Buffer);
      const reply = Buffer.concat(chunks).toString();
      const copy = /^VALUE \S+ \d+ \d+\r\n(.*)\r\nEND\r\n$/s.exec(reply)?.[1];
      if (copy !== undefined) return copy;
      if (reply === 'END\r\n') return undefined;
    }
    throw new Error('memcached closed the connection');
  } finally {
    socket.destroy();
  }
}
