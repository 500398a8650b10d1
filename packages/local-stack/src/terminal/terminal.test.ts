import { stripVTControlCharacters } from 'node:util';
import { expect, test, vi } from 'vitest';
import { StartupNotes } from './startup-notes.ts';
import { createStyle, isFancy } from './style.ts';

const TABLE = {
  head: ['field', 'new'],
  rows: [
    ['arrival', '10:00'],
    ['departure', '\u001b[32m08:00\u001b[39m'],
  ],
};

test('fancy on a terminal only, and not where NO_COLOR is set or the terminal is dumb', () => {
  expect(isFancy({ isTTY: true }, {})).toBe(true);
  expect(isFancy({ isTTY: true }, { NO_COLOR: '' })).toBe(true);
  expect(isFancy({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
  expect(isFancy({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
  expect(isFancy({}, {})).toBe(false);
});

test('plain: ASCII without escape sequences', () => {
  const { bold, good, table, bar } = createStyle({ isFancy: false });
  const plain = [
    bold('a'),
    good('b'),
    ...table({ head: ['field', 'new'], rows: [['arrival', '10:00']] }),
    bar(1, 2),
  ];
  expect(plain).toEqual([
    'a',
    'b',
    'field    new',
    '-------  -----',
    'arrival  10:00',
    `[${'#'.repeat(15)}${'.'.repeat(15)}]`,
  ]);
});

test('fancy: a frame whose lines are equally long, whatever is coloured', () => {
  const { table, bar } = createStyle({ isFancy: true });
  const lines = table(TABLE).map(stripVTControlCharacters);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines[0]).toMatch(/^┌─+┬─+┐$/);
  expect(stripVTControlCharacters(bar(1, 3))).toBe(`${'█'.repeat(10)}${'░'.repeat(20)}`);
  expect(stripVTControlCharacters(bar(0, 0))).toBe('█'.repeat(30));
});

test('a line is clipped to the width of the terminal, and a terminal without a width has one', () => {
  expect(createStyle({ isFancy: true, columns: 40 }).clip('x'.repeat(60))).toHaveLength(39);
  expect(createStyle({ isFancy: true, columns: 0 }).clip('x'.repeat(60))).toHaveLength(60);
});

function notesOn(stream: { isTTY: boolean }, isVerbose = false) {
  let written = '';
  const notes = new StartupNotes({
    stream: { ...stream, write: (text: string) => (written += text) },
    environment: {},
    isVerbose,
  });
  return { notes, written: () => written };
}

test('a start that goes as usual is silent where there is no terminal, a slow one is not', () => {
  vi.useFakeTimers();
  try {
    const { notes, written } = notesOn({ isTTY: false });
    notes.progress('starting');
    notes.clear();
    vi.advanceTimersByTime(60_000);
    expect(written()).toBe('');
    notes.progress('mysql: downloading');
    notes.progress('mysql: path: no mysqld on the PATH');
    vi.advanceTimersByTime(60_000);
    notes.progress('mysql: unpacking');
    expect(written()).toBe('mysql: downloading\nmysql: unpacking\n');
  } finally {
    vi.useRealTimers();
  }
});

test('on a terminal the line is gone at the end; notices stay; --verbose shows all', () => {
  const fancy = notesOn({ isTTY: true });
  fancy.notes.progress('starting');
  expect(fancy.written()).toContain('starting');
  fancy.notes.notice('no effect');
  fancy.notes.progress('filling');
  fancy.notes.clear();
  expect(fancy.written()).toContain('\r\u001b[Knote: no effect\n');
  expect(fancy.written().endsWith('\r\u001b[K')).toBe(true);

  const verbose = notesOn({ isTTY: false }, true);
  verbose.notes.progress('mysql: path: no mysqld on the PATH');
  expect(verbose.written()).toBe('mysql: path: no mysqld on the PATH\n');
});
