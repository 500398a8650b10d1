/** The stream's bytes, and readers that are too slow; over HTTP it is in cli/start-live.test.ts. */
import { EventEmitter } from 'node:events';
import type { LiveSample } from '@afterwrite/client';
import { beforeEach, expect, test } from 'vitest';
import { MAX_STREAMS, type Reader, Streams } from './streams.ts';

class TestReader extends EventEmitter {
  written: string[] = [];
  writableNeedDrain = false;
  isDestroyed = false;
  write(text: string): boolean {
    this.written.push(text);
    return !this.writableNeedDrain;
  }
  destroy(): this {
    this.isDestroyed = true;
    this.emit('close');
    return this;
  }
  asReader(): Reader {
    return this as unknown as Reader;
  }
}

let nowMs: number;
let history: LiveSample[];
let publish: (sample: LiveSample) => void;
let streams: Streams;

const sample = (n: number) => ({ n, text: 'two\nlines' }) as unknown as LiveSample;

beforeEach(() => {
  nowMs = 0;
  history = [];
  const listeners = new Set<(sample: LiveSample) => void>();
  publish = (each) => {
    history.push(each);
    for (const listener of listeners) listener(each);
  };
  const onSample = (listener: (sample: LiveSample) => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  streams = new Streams(
    {
      onSample,
      get history() {
        return history;
      },
    },
    () => nowMs,
  );
});

test('first the minute that is over, then each sample, as one line of JSON with its number', () => {
  publish(sample(1));
  publish(sample(2));
  const reader = new TestReader();
  streams.add(reader.asReader());
  publish(sample(3));
  const two = '{"n":1,"text":"two\\nlines"},{"n":2,"text":"two\\nlines"}';
  expect(reader.written).toEqual([
    `retry: 1000\nevent: history\nid: 2\ndata: [${two}]\n\n`,
    'event: sample\nid: 3\ndata: {"n":3,"text":"two\\nlines"}\n\n',
  ]);
  reader.destroy();
  publish(sample(4));
  expect(reader.written).toHaveLength(2);
  expect(streams.size).toBe(0);
});

test('a reader that takes nothing misses samples, goes on when it does, and is cut off after a minute', () => {
  const [quick, slow] = [new TestReader(), new TestReader()];
  for (const each of [quick, slow]) streams.add(each.asReader());
  publish(sample(1));
  // This one it is still given: that it takes no more is known only now.
  slow.write = (text) => {
    slow.written.push(text);
    return false;
  };
  publish(sample(2));
  slow.writableNeedDrain = true;
  for (let n = 3; n < 60; n++) {
    nowMs += 1000;
    publish(sample(n));
  }
  expect(slow.written).toHaveLength(3);
  // It has taken all, for once.
  slow.writableNeedDrain = false;
  publish(sample(60));
  expect(slow.written).toHaveLength(4);
  slow.writableNeedDrain = true;
  nowMs += 60_000;
  publish(sample(61));
  expect(slow.isDestroyed).toBe(false);
  nowMs += 1;
  publish(sample(62));
  expect(slow.isDestroyed).toBe(true);
  expect(quick.written).toHaveLength(63);
  expect(streams.size).toBe(1);
});

test('there is a limit to how many there are, and none is sent anything after the end', () => {
  const readers = Array.from({ length: MAX_STREAMS }, () => new TestReader());
  for (const each of readers) {
    expect(streams.isFull).toBe(false);
    streams.add(each.asReader());
  }
  expect(streams.isFull).toBe(true);
  streams.close();
  publish(sample(1));
  expect(readers[0]!.written).toHaveLength(1);
});
