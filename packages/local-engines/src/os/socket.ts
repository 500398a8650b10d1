/** Short conversations over TCP: connect, say something, wait for enough bytes, hang up. */
import { connect } from 'node:net';

/** A server on this machine answers within milliseconds, unless it is still starting. */
const ANSWER_TIMEOUT_MS = 2_000;

export interface Conversation<T> {
  readonly host: string;
  readonly port: number;
  readonly send?: string;
  /** The answer once `received` holds all of it; undefined as long as more must come. */
  readonly read: (received: Buffer) => T | undefined;
}

/** Undefined when nobody listens, the connection breaks, or no whole answer comes in time. */
export function converse<T>(conversation: Conversation<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const socket = connect({ host: conversation.host, port: conversation.port });
    const finish = (answer: T | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => {
      finish(undefined);
    });
    socket.once('error', () => {
      finish(undefined);
    });
    socket.once('close', () => {
      finish(undefined);
    });
    socket.once('connect', () => {
      if (conversation.send !== undefined) socket.write(conversation.send);
    });
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const answer = conversation.read(received);
      if (answer !== undefined) finish(answer);
    });
  });
}
