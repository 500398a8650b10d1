import { expect, test } from 'vitest';
import { readEvents } from './server-events.ts';

async function* chunked(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

async function eventsOf(text: string, size: number) {
  const events = [];
  for await (const event of readEvents(chunked(text, size))) events.push(event);
  return events;
}

const STREAM = [
  'retry: 1000\n\n',
  ': a comment\n\n',
  'event: history\nid: 3\ndata: [1,\ndata: 2]\n\n',
  'event:sample\r\ndata:  ü€\r\n\r\n',
  'data\n\n',
  'data: x: y\n\n',
  'event: cut off\ndata: never',
].join('');

test.each([1, 2, 3, 7, 1000])('whole events, in any chunks (%i bytes each)', async (size) => {
  expect(await eventsOf(STREAM, size)).toEqual([
    { name: 'history', data: '[1,\n2]' },
    { name: 'sample', data: ' ü€' },
    { name: 'message', data: '' },
    { name: 'message', data: 'x: y' },
  ]);
});

test('an event without an end is given up before it fills the memory', async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield new Uint8Array(1_000_000).fill(0x61);
  }
  await expect(readEvents(endless()).next()).rejects.toThrow('too long');
});
