/** The HTTP response that an HTTP API makes of a function's answer (payload format 2.0). */
import { type HttpAnswer, problemAnswer } from './problems.ts';

interface Structured {
  readonly statusCode: unknown;
  readonly headers?: unknown;
  readonly cookies?: unknown;
  readonly body?: unknown;
  readonly isBase64Encoded?: unknown;
}

/** Headers that are about the connection, which is ours. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);
/** Written like this they cannot end a header or begin another. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
const HEADER_VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

export function answerOf(payload: Buffer): HttpAnswer {
  const text = payload.toString('utf8');
  const answer: unknown = JSON.parse(text);
  if (!isStructured(answer)) {
    // Without a status the whole answer is the body.
    return { status: 200, headers: { 'content-type': 'application/json' }, body: plainBody(answer, text) };
  }
  const { statusCode, headers = {}, cookies = [], body = '', isBase64Encoded = false } = answer;
  const lines = headerLines(headers);
  if (!isStatus(statusCode) || !lines || !isTexts(cookies) || typeof body !== 'string') return malformed();
  const setCookie = cookies.length === 0 ? {} : { 'set-cookie': cookies };
  return {
    status: statusCode,
    headers: { 'content-type': 'text/plain;charset=utf-8', ...lines, ...setCookie },
    body: Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

function isStructured(answer: unknown): answer is Structured {
  return typeof answer === 'object' && answer !== null && 'statusCode' in answer;
}

function plainBody(answer: unknown, text: string): Buffer {
  return Buffer.from(typeof answer === 'string' ? answer : text);
}

function isStatus(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 599;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string' && HEADER_VALUE.test(each));
}

/** Undefined when one of them cannot be sent. */
function headerLines(headers: unknown): Record<string, string> | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const lines: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const isScalar = ['string', 'number', 'boolean'].includes(typeof value);
    if (!isScalar || !HEADER_NAME.test(name) || !HEADER_VALUE.test(String(value))) return undefined;
    if (!HOP_BY_HOP.has(name.toLowerCase())) lines[name.toLowerCase()] = String(value);
  }
  return lines;
}

export function malformed(): HttpAnswer {
  return problemAnswer('internal', 'It is in the log under the request id.');
}
