/**
 * Items as the code of its day wrote them, one a line, and what each says. They may wait in a user's queue, or stand among
 * the dead letters, for years.
 *
 * A TEST ON THEM FAILS? Then the code has stopped understanding updates that were acknowledged. Mend the code. Never
 * change or remove a line of `recorded/`; a format that is new gets a file of its own beside them.
 */
import { readFileSync } from 'node:fs';
import type { FieldValues } from '../src/entity.ts';

const LONG_ID = `long.id:with~every-kind_of%20letter-${'x'.repeat(92)}`;

type Said = readonly [
  id: string,
  changes: FieldValues,
  user: string,
  comment: string | null,
  trace?: string | undefined,
];

const FORMAT_1: readonly Said[] = [
  ['1', { name: 'first' }, 'ann', 'moved'],
  ['2', { size: 42 }, 'ann', null],
  ['1', { note: null }, 'ann', ''],
  ['3', { name: 'ж 漢字 é', size: 7, note: '👩‍👧 😀' }, 'Жанна', '🛫 late'],
  ['4', { note: 'a "quoted" \\ text\n\r\t\0 \u2028 \u2029 \u007f / </script>' }, 'o\'brien "x"', '],"'],
  ['5', { note: 'x' }, 'half of an emoji: \ud83d', '\udc00'],
  ['115', { departure: '2027-06-01T10:30:00Z', arrival: '2027-06-01T12:45:00Z' }, 'dispatcher', 'late'],
  ['6', { a: 0, b: -1, c: 1.5, d: 1e308, e: 5e-324, f: Number.MAX_SAFE_INTEGER, g: 1e21 }, 'ann', null],
  ['7', { yes: true, no: false, none: null, empty: '' }, 'ann', null],
  ['8', {}, 'ann', 'says nothing'],
  ['9', { ['__proto__']: 1, constructor: 'x', 'a field': 2, '': 3 }, '__proto__', null],
  [LONG_ID, { size: 1 }, 'u'.repeat(100), 'c'.repeat(200)],
  ['A-b_c.d:e~f%', { size: 1 }, 'ann', null],
];

const W3C_TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const XRAY_TRACE = '1-5759e988-bd862e3fe1be46a994272793-53995c3f42cd8ad8';
/** Every character that a trace may have, as often as one fits in. */
const LONGEST_TRACE = Array.from({ length: 128 }, (_, index) => String.fromCharCode(32 + (index % 95)))
  .join('')
  .replace(/["\\]/g, '_');

const FORMAT_2: readonly Said[] = [
  ['115', { departure: '2027-06-01T10:30:00Z', arrival: '2027-06-01T12:45:00Z' }, 'ann', 'late', W3C_TRACE],
  ['2', { size: 42 }, 'ann', null, XRAY_TRACE],
  ['3', { name: 'ж 漢字 é', size: 7, note: '👩‍👧 😀' }, 'Жанна', '🛫 late', 'x'],
  ['4', { note: 'a "quoted" \\ text' }, 'o\'brien "x"', '],"', "],'null,{"],
  [LONG_ID, { size: 1 }, 'u'.repeat(100), 'c'.repeat(200), LONGEST_TRACE],
];

export interface RecordedItem {
  readonly bytes: Buffer;
  readonly said: Said;
}

function read(file: string, said: readonly Said[]): RecordedItem[] {
  const lines = readFileSync(new URL(`recorded/${file}`, import.meta.url), 'latin1')
    .trimEnd()
    .split('\n');
  if (lines.length !== said.length) throw new Error(`${file} has ${String(lines.length)} items`);
  return said.map((each, index) => ({ bytes: Buffer.from(lines[index] ?? '', 'latin1'), said: each }));
}

/** By format. */
export const RECORDED: ReadonlyMap<number, readonly RecordedItem[]> = new Map([
  [1, read('format-1.jsonl', FORMAT_1)],
  [2, read('format-2.jsonl', FORMAT_2)],
]);
