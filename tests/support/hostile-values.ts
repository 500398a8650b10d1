/**
 * The parts of hostile requests. None holds a word that only the inside of the system would say (see `LEAKS` in the
 * ledger), because error documents quote what they refuse.
 */
import { createHash } from 'node:crypto';
import type { Random } from './random.ts';

const SQL = [
  "'; DROP TABLE flight; --",
  "\\'; DELETE FROM flight_log; #",
  '" OR ""="',
  '1 OR 1=1',
  '1; UPDATE flight SET departure = NOW()',
  "' UNION SELECT 1,2,3 -- ",
  '1/**/OR/**/SLEEP(9)',
  '\\',
  "\\'",
  '?',
  ':id',
  '%',
  '_',
];
const PROTOCOL = [
  '\r\nFLUSHALL\r\n',
  '*1\r\n$8\r\nFLUSHALL\r\n',
  '1\r\nDEL x',
  '"]]) redis.call("FLUSHALL") --',
  ']] .. os.exit() .. [[',
  'return redis.call("KEYS","*")',
  '}{',
  '{a}',
  '{flight.0}:queue',
  '1}:{2',
  'queue',
  'seq',
  'once:order',
  'fill:1',
  '~v',
  '*',
];
const SCRIPTS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '../../etc/passwd',
  '<script>alert(1)</script>',
  '${7*7}',
  '{{7*7}}',
  '%s%n%x',
  '${jndi:ldap://x}',
  '|| id',
  '$(id)',
  '`id`',
  'x\r\nSet-Cookie: a=b',
];
const UNICODE = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  'x\udfff\ud800y',
  '\u202eabc',
  '\ufeff',
  '\ufffd\ufffe\uffff',
  'e\u0301'.repeat(60),
  '👩‍👩‍👧‍👦'.repeat(20),
  '\u{10ffff}',
  '\u2028\u2029',
  'ﷺ'.repeat(100),
  '😀'.repeat(199),
  '\u001b[31m',
  '\u007f\u0080',
];
/** Texts with a purpose, each of them. */
export const TEXTS: readonly string[] = [...SQL, ...PROTOCOL, ...SCRIPTS, ...UNICODE];
const NUMBERS = [
  '0',
  '-0',
  '-1',
  '1.5',
  '1e308',
  '1e999',
  '-1e-400',
  '9007199254740993',
  '2147483648',
  '1e2',
];

export const IDS = [
  ...NUMBERS,
  '0x10',
  '07',
  ' 7',
  '7 ',
  '+7',
  '7.0',
  '7,8',
  '١٢',
  '７',
  'NaN',
  'null',
  '2147483647',
  '9999999999',
  '1'.repeat(400),
  '.',
  '..',
];
export const USERS = [
  'ann',
  'Ünal',
  "O'Brien",
  'root"--',
  '😀',
  ' x ',
  'a\u0000b',
  'constructor',
  'x'.repeat(100),
];
export const TAGS = [
  '*',
  '""',
  'W/"x"',
  '"x"',
  '"x", "y"',
  'x',
  '"',
  '"a"b"',
  ',,,',
  '"0-0"',
  `"${'x'.repeat(5000)}"`,
];
export const KEYS = [
  ' ',
  'a',
  'ä',
  '\u0000',
  'x'.repeat(255),
  'x'.repeat(256),
  '}{',
  'a\r\nDEL b',
  '__proto__',
  '~',
  '"',
];
export const PREFERENCES = [
  'wait=0',
  'wait=1',
  'wait="1"',
  'wait=999999',
  'wait=99999999999999999999',
  'wait=-1',
  'wait=1e9',
  'respond-async, wait = 1; x=y',
  'wait',
  '=',
  ';;,,',
  `${' '.repeat(4000)}wait`,
  'wait=,'.repeat(900),
];
export const CONTENT_TYPES = [
  'application/JSON; charset=utf-8',
  'application/json;charset=utf-16',
  'application/merge-patch+json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json, text/plain',
  'application/jsonx',
  ';',
];
/** Moments that are written oddly, or are none. */
const TIMES = [
  '2030-02-30T00:00:00Z',
  '2030-01-01T24:00:00Z',
  '2030-01-01T23:59:60Z',
  '2030-01-01',
  '0000-00-00 00:00:00',
  '0999-12-31T23:59:59Z',
  '9999-12-31T23:59:59-01:00',
  '+010000-01-01T00:00:00Z',
  '2030-01-01T10:00:00.5Z',
  '2030-01-01T10:00:00+25:00',
  '2030-01-01T10:00:00Z; DROP TABLE flight',
  '2030-01-01T10:00:00Z\u0000',
  '２０３０-01-01T10:00:00Z',
  'now',
  '1893456000000',
];

/** Any text, most often one with a purpose. */
export function text(random: Random): string {
  return random.weighted<() => string>([
    [5, () => random.pick([...SQL, ...PROTOCOL, ...SCRIPTS])],
    [3, () => random.pick(UNICODE)],
    [2, () => String.fromCharCode(...Array.from({ length: random.below(40) }, () => random.below(65_536)))],
    [1, () => random.pick([...IDS, ...TIMES])],
    [1, () => 'x'.repeat(random.pick([100, 101, 200, 201, 300, 5000]))],
  ])();
}

/** A moment in one of the ways in which it may be written. */
export function time(random: Random, at: number): string {
  const utc = new Date(at).toISOString().slice(0, 19);
  const east = new Date(at + 5.5 * 3_600_000).toISOString().slice(0, 19);
  return random.weighted([
    [10, `${utc}Z`],
    [1, utc],
    [1, utc.replace('T', ' ')],
    [1, `${utc}.000Z`],
    [1, `${east}+05:30`],
    [1, `${east}+0530`],
    [1, ` ${utc}z `],
  ]);
}

/** Text of a JSON value of any kind. */
export function json(random: Random, depth = 0): string {
  const inner = () => (depth > 3 ? '1' : json(random, depth + 1));
  return random.weighted<() => string>([
    [4, () => JSON.stringify(text(random))],
    [4, () => random.pick(NUMBERS)],
    [2, () => random.pick(['null', 'true', 'false', '{}', '[]'])],
    [1, () => `[${inner()},${inner()}]`],
    [1, () => `{${JSON.stringify(text(random))}:${inner()}}`],
    [1, () => `[${Array.from({ length: random.below(1200) }, (_, index) => index).join(',')}]`],
    [1, () => nested(random.pick([10, 1000, 6000]))],
  ])();
}

function nested(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`;
}

/** Names and values as JSON text; a name may come more than once. */
export function object(pairs: readonly (readonly string[])[]): string {
  return `{${pairs.map(([name = '', value = '']) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}

interface Body {
  readonly body: string;
  readonly isBase64: boolean;
}

/** Something is wrong with it, or at least odd. */
export function spoiltBody(random: Random, pairs: readonly (readonly string[])[]): Body {
  const whole = object(pairs);
  const plain = (body: string): Body => ({ body, isBase64: false });
  const name = random.pick(['departure', 'arrival', 'comment', 'user']);
  return random.weighted<() => Body>([
    [6, () => plain(object([...pairs.filter(([each]) => each !== name), [name, json(random)]]))],
    [3, () => plain(object([...pairs, [name, JSON.stringify(random.pick([...TIMES, text(random)]))]]))],
    [2, () => plain(object([...pairs, [text(random), json(random)]]))],
    [2, () => plain(object(pairs.filter(([each]) => each !== name)))],
    [2, () => plain(whole.slice(0, random.below(whole.length)))],
    [2, () => plain(broken(random, whole))],
    [1, () => plain(json(random))],
    [
      1,
      () => plain(random.pick(['', ' ', '\ufeff{}', '{"a":NaN}', "{'a':1}", '{}{}', '\u0000', nested(8000)])),
    ],
    [1, () => plain(object([...pairs, ['comment', JSON.stringify('x'.repeat(17_000))]]))],
    [1, () => ({ body: random.pick(['%%%', '=', 'A', 'not base64!', text(random)]), isBase64: true })],
    [1, () => ({ body: noise(random).toString('base64'), isBase64: true })],
    [1, () => ({ body: Buffer.from(whole, 'utf16le').toString('base64'), isBase64: true })],
  ])();
}

function broken(random: Random, body: string): string {
  const at = random.below(body.length);
  return `${body.slice(0, at)}${random.pick(['"', '\\', '{', '\u0000', '\ud800', ',', ''])}${body.slice(at + 1)}`;
}

function noise(random: Random): Buffer {
  return Buffer.from(Array.from({ length: random.below(200) }, () => random.below(256)));
}

export function query(random: Random, names: readonly string[]): string {
  const parameters = new URLSearchParams();
  for (let left = random.below(3); left >= 0; left--) {
    const name = random.pick([...names, ...names, ...names, text(random)]);
    parameters.append(name, random.pick(['1', '500', '501', '', ...NUMBERS, ...TIMES, text(random)]));
  }
  return random.chance(0.1)
    ? random.pick(['&&&', '%', '%zz=1', 'limit[]=1', '=', '?'])
    : parameters.toString();
}

/** Receipts of the right shape, as one who does not know the key would make them. */
export function receipt(random: Random): string {
  const flightId = random.pick(['1', '7', '2147483647', '2147483648', '9999999999', '4000']);
  const epoch = random.pick(['0', 'x', 'Z'.repeat(32), '__proto__', "'", 'a1b2c3']);
  const seq = random.pick(['0', '1', '9007199254740991', '9007199254740993', '9999999999999999', '1e3']);
  const known = `${flightId}-${epoch}-${seq}`;
  return `${known}-${random.chance(0.8) ? forgedSignature(known) : 'AAAAAAAA'}`;
}

export function forgedSignature(known: string): string {
  return createHash('sha256').update(known).digest('base64url').slice(0, 22);
}

export function oddHeaders(random: Random): Record<string, string> {
  const name = random.pick([
    'x-odd',
    'cookie',
    'authorization',
    'x-forwarded-for',
    'accept',
    '__proto__',
    'range',
  ]);
  return { [name]: random.pick([text(random), 'x'.repeat(9000)]) };
}

/** As a segment of a path. What UTF-8 cannot say stays a `%` sequence that stands for no character. */
export function inPath(random: Random, segment: string): string {
  if (!segment.isWellFormed() || random.chance(0.02))
    return random.pick(['%ED%A0%80', '%', '%zz', '%00', '%C0%AF']);
  return segment === '' ? '%20' : encodeURIComponent(segment);
}
