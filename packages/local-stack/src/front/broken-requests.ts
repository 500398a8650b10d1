/** Answers, as problem documents, to what Node refuses before there is a request: its own answers have no body. */
import { STATUS_CODES, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type GatewayProblem, type HttpAnswer, problemAnswer } from './problems.ts';

interface ParserError extends Error {
  readonly code?: string;
  readonly rawPacket?: Buffer;
}

export function answerBrokenRequests(server: Server): void {
  server.on('clientError', (error: ParserError, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    writeAnswer(socket, answerTo(error));
  });
  server.on('checkExpectation', (_request, response: ServerResponse) => {
    const { status, headers, body } = problemAnswer('expectation-failed', 'Only 100-continue is known.');
    response.writeHead(status, { ...headers, connection: 'close' } as Record<string, string>);
    response.end(body);
  });
  // A tunnel is no path of ours.
  server.on('connect', (_request, socket: Duplex) => {
    socket.on('error', () => undefined);
    writeAnswer(socket, problemAnswer('method-not-allowed', 'CONNECT is not offered.', { allow: 'GET' }));
  });
}

function answerTo({ code, rawPacket }: ParserError): HttpAnswer {
  if (code === 'HPE_HEADER_OVERFLOW')
    return problemAnswer(overflowOf(rawPacket), 'It was not read to its end.');
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return problemAnswer('too-large', 'Its chunks have too much beside data.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problemAnswer('request-timeout', 'Send it faster.');
  return problemAnswer('malformed-request', 'This is not HTTP.');
}

/** A first packet without the end of a line is all address. */
function overflowOf(packet: Buffer | undefined): GatewayProblem {
  return packet && /^[A-Z]+ \S*$/.test(packet.toString('latin1')) ? 'uri-too-long' : 'headers-too-large';
}

function writeAnswer(socket: Duplex, { status, headers, body }: HttpAnswer): void {
  const lines = Object.entries({ ...headers, 'content-length': String(body.length), connection: 'close' });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${head}\r\n${body.toString('utf8')}`);
}
