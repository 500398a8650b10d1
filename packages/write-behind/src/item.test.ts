import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RECORDED } from '../testing/recorded-items.ts';
import type { Scalar } from './entity.ts';
import { parseTrace } from './entity.ts';
import { acceptedUsOf, decodeItem, encodeItemTail, ITEM_FORMAT, withTrace } from './item.ts';

const head = (epoch: string, seq: number, ahead: number, format = 1) =>
  `[${format},"${epoch}",${seq},${ahead},`;

const epochs = fc.stringMatching(/^[0-9A-Za-z]{1,32}$/);
const ids = fc.stringMatching(/^[\w.:~%-]{1,128}$/);
/** What JSON writes as it is. */
const traces = fc.stringMatching(/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,128}$/);
/** Whatever JavaScript calls a text: quotes, zeros, line ends, emoji, halves of emoji. */
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.constantFrom(
    '"',
    '\\',
    '],"',
    '\0',
    '\u2028',
    '😀',
    '\ud800',
    '\udc00x',
    '__proto__',
    'null',
    '',
    '\r\n',
  ),
);
/** Node 24.21's JSON.parse mistakes escaped names for the name `\\` once it has seen that one; no column is called so. */
const names = texts.filter((text) => !text.includes('\\'));
const scalars: fc.Arbitrary<Scalar> = fc.oneof(
  texts,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.boolean(),
  fc.constant(null),
);

describe('decodeItem', () => {
  test('gives back what was encoded, whatever the texts are', () => {
    const property = fc.property(
      epochs,
      fc.integer({ min: 1_000_000, max: Number.MAX_SAFE_INTEGER }),
      fc.integer({ min: 0, max: 1_000_000 }),
      ids,
      fc.dictionary(names, scalars, { maxKeys: 5 }),
      texts,
      fc.option(texts),
      fc.option(traces, { nil: undefined }),
      (epoch, seq, ahead, id, changes, user, comment, trace) => {
        const tail = encodeItemTail({ id, changes, user, comment });
        const traced = withTrace(tail, parseTrace(trace) ?? '');
        const [format, rest] = trace === undefined ? [1, tail] : [Number(traced[0]), traced.slice(1)];
        const bytes = Buffer.from(head(epoch, seq, ahead, format) + rest);
        const item = decodeItem(bytes);
        expect(item).toMatchObject({
          kind: 'UPDATE',
          position: { epoch, seq },
          acceptedUs: seq - ahead,
          id,
          user,
          comment,
          ...(trace !== undefined && { trace }),
        });
        // A prototype of its own is what JSON.parse gives to a key that is called __proto__.
        expect(item.kind === 'UPDATE' && JSON.stringify(item.changes)).toBe(JSON.stringify(changes));
        expect(item.bytes).toBe(bytes);
        expect(acceptedUsOf(bytes)).toBe(seq - ahead);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  test('never throws on any bytes, and keeps them', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
      const bytes = Buffer.from(array);
      const item = decodeItem(bytes);
      expect(item.bytes).toBe(bytes);
      expect(item.kind).toBe('UNREADABLE');
      acceptedUsOf(bytes);
    });
    fc.assert(property, { numRuns: 1000 });
  });

  test('never throws on an item of ours with a byte changed, left out or put in', () => {
    const whole = Buffer.from(head('e1', 1_800_000_000_000_001, 3) + encodeItemTail(update()));
    const property = fc.property(
      fc.nat(whole.length - 1),
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom('change', 'cut', 'drop', 'insert'),
      (at, byte, how) => {
        const copy = Buffer.from(whole);
        copy[at] = byte;
        const rest = how === 'insert' ? copy.subarray(at) : copy.subarray(at + 1);
        const bytes =
          how === 'cut'
            ? whole.subarray(0, at)
            : how === 'change'
              ? copy
              : Buffer.concat([whole.subarray(0, at), rest]);
        const item = decodeItem(bytes);
        expect(item.bytes).toBe(bytes);
        if (how === 'cut') expect(item.kind).toBe('UNREADABLE');
        if (item.kind === 'UNREADABLE') expect(item.reason).not.toBe('');
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });

  test.each([
    ['empty', ''],
    ['no JSON', '[1,"e",5,0,"7",{"size":1},"ann",null'],
    ['a format that never was', '[0,"e",5,0,"7",{},"ann",null]'],
    ['a format that is no number', '[01,"e",5,0,"7",{},"ann",null]'],
    ['a newer format and a seq that no number holds', '[3,"e",9999999999999999,0,"7",{},"ann",null]'],
    ['spaces in its head', '[1, "e", 5, 0, "7", {}, "ann", null]'],
    ['too few parts', '[1,"e",5,0,"7",{},"ann"]'],
    ['too many parts', '[1,"e",5,0,"7",{},"ann",null,1]'],
    ['changes that are a list', '[1,"e",5,0,"7",[],"ann",null]'],
    ['changes that are null', '[1,"e",5,0,"7",null,"ann",null]'],
    ['a value that is a list', '[1,"e",5,0,"7",{"size":[1]},"ann",null]'],
    ['a value that is an object', '[1,"e",5,0,"7",{"size":{}},"ann",null]'],
    ['a number that none of ours holds', '[1,"e",5,0,"7",{"size":1e999},"ann",null]'],
    ['a user that is no text', '[1,"e",5,0,"7",{},5,null]'],
    ['a comment that is no text', '[1,"e",5,0,"7",{},"ann",5]'],
    ['a trace in format 1', '[1,"e",5,0,"7",{"size":1},"ann",null,"t"]'],
    ['no trace in format 2', '[2,"e",5,0,"7",{"size":1},"ann",null]'],
    ['a trace that is no text', '[2,"e",5,0,"7",{"size":1},"ann",null,5]'],
    ['more than a trace in format 2', '[2,"e",5,0,"7",{"size":1},"ann",null,"t",1]'],
    ['a seq that no number holds', '[1,"e",9999999999999999,0,"7",{},"ann",null]'],
    ['a negative seq', '[1,"e",-5,0,"7",{},"ann",null]'],
    ['a fraction', '[1,"e",5.5,0,"7",{},"ann",null]'],
    ['no epoch', '[1,"",5,0,"7",{},"ann",null]'],
    ['an epoch that is too long', `[1,"${'e'.repeat(33)}",5,0,"7",{},"ann",null]`],
    ['no id', '[1,"e",5,0,"",{},"ann",null]'],
    ['an id with an escape', '[1,"e",5,0,"a\\"b",{},"ann",null]'],
  ])('takes an item with %s for unreadable and says why', (_what, text) => {
    const item = decodeItem(Buffer.from(text));
    expect(item.kind).toBe('UNREADABLE');
    expect(item.kind === 'UNREADABLE' && item.reason).toMatch(/./);
  });

  test('shows the position and the id of a damaged item whose head is whole', () => {
    const item = decodeItem(Buffer.from('[1,"e",5,2,"7",{"size":'));
    expect(item).toMatchObject({ kind: 'UNREADABLE', head: { position: { epoch: 'e', seq: 5 }, id: '7' } });
    expect(acceptedUsOf(item.bytes)).toBe(3);
    expect(decodeItem(Buffer.from('rubbish'))).toMatchObject({ head: undefined });
  });
});

describe('3 items of former days', () => {
  test('each format that was ever written is recorded, up to the one that is written now', () => {
    const formats = Array.from({ length: ITEM_FORMAT }, (_, index) => index + 1);
    expect([...RECORDED.keys()]).toEqual(formats);
  });

  // It fails? See testing/recorded-items.ts: mend the code, never the recording.
  test.each([...RECORDED.values()].flat())('$said is understood for ever', ({ bytes, said }) => {
    const [, epoch, seq, ahead] = JSON.parse(bytes.toString()) as [number, string, number, number];
    const [id, changes, user, comment, trace] = said;
    const acceptedUs = seq - ahead;
    const update = { id, changes, user, comment, trace };
    const item = { kind: 'UPDATE', position: { epoch, seq }, acceptedUs, ...update, bytes };
    expect(decodeItem(bytes)).toEqual(item);
    expect(acceptedUsOf(bytes)).toBe(acceptedUs);
  });

  test('what newer code wrote is neither understood nor taken for damaged: only its head is read', () => {
    const bytes = Buffer.from(`[${ITEM_FORMAT + 1},"e",5,2,"7",["whatever comes`);
    const head = { position: { epoch: 'e', seq: 5 }, id: '7' };
    const reason = expect.stringContaining(`format ${ITEM_FORMAT + 1}`) as string;
    expect(decodeItem(bytes)).toEqual({ kind: 'NEWER', bytes, format: ITEM_FORMAT + 1, head, reason });
    expect(acceptedUsOf(bytes)).toBe(3);
  });
});

function update() {
  return { id: '115', changes: { size: 5, note: 'n "quoted"' }, user: 'ann', comment: 'moved' };
}
