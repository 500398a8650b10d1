/** What is told of a service in its several states, and how it looks. The command itself: cli/status.test.ts. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { healthAnswer, NOW, queueAnswer, sample, seen } from '../../testing/status-answers.ts';
import { createStyle } from '../terminal/style.ts';
import { Redraw } from './redraw.ts';
import { reportOf, type Seen } from './report.ts';
import { lineOf, screenOf } from './screen.ts';

const plain = createStyle({ isFancy: false });
const fancy = createStyle({ isFancy: true });

function screen(more: Partial<Seen> = {}, columns = 100): string {
  return screenOf(reportOf(seen(more)), plain, columns).join('\n');
}

test('a healthy local stage: every figure on one screen', () => {
  expect(screen()).toMatchInlineSnapshot(`
    "Afterwrite at http://127.0.0.1:3000
    healthy

    Queue         12 wait, the oldest for 1.5 s
    Processing    90 stored a second, 100 accepted
    Failures      10% of the last minute
    Lag           p50 12 ms, p99 340 ms
    Write latency p50 0.21 ms, p99 1.3 ms
    Hit rate      75% of the last minute
    Dead letters  0
    Breaker       closed: flushers go to the database
    Partitions    :=#@
                  4; the longest has 5
    Stopped       none"
  `);
});

test('on AWS, where no stream is, the dashboard has the figures', () => {
  const text = screen({ samples: null, queue: queueAnswer({ oldestMs: 65_000 }) });
  expect(text).toMatch(/^Queue +4 wait, the oldest for 1 min 5 s$/m);
  for (const name of ['Processing', 'Failures', 'Lag', 'Write latency', 'Hit rate'])
    expect(text).toMatch(new RegExp(`^${name} +on AWS: see the dashboard$`, 'm'));
});

test('what needs a person comes with its heading', () => {
  const detail = '3 updates were refused by the database.';
  const more = { health: healthAnswer({ name: 'deadLetters', detail }, { name: 'new', detail: 'Odd.' }) };
  expect(reportOf(seen(more))).toMatchObject({
    state: 'ATTENTION',
    problems: [
      { name: 'deadLetters', detail, heading: 'DeadLetters' },
      { name: 'new', detail: 'Odd.', heading: 'Health checks' },
    ],
  });
  expect(screen(more)).toContain(
    `! deadLetters: ${detail}\n  What to do: "DeadLetters" in docs/OPERATIONS.md`,
  );
});

test('stopped partitions are marked in the bar, with their code, also before it is known', () => {
  const stopped = { partition: 1, code: 'STORE_ERROR', retryable: false };
  const answer = queueAnswer();
  const queue = {
    ...answer,
    partitions: answer.partitions.map((each) => {
      if (each.partition === 1) return { ...each, stopped };
      // The database is away: it goes on by itself.
      if (each.partition === 0)
        return { ...each, stopped: { partition: 0, code: 'STORE_UNAVAILABLE', retryable: true } };
      return each;
    }),
  };
  expect(screen({ queue, samples: null })).toMatch(/^Stopped +1 \(STORE_ERROR\)$/m);
  const last = sample(61);
  const samples = [sample(60), { ...last, at: NOW, queue: { ...last.queue!, stopped: [1, 3] } }];
  const text = screen({ queue, samples });
  expect(text).toMatch(/^Partitions +:!#!$/m);
  expect(text).toMatch(/^Stopped +1 \(STORE_ERROR\), 3 \(…\)$/m);
});

test('of the answer and the last sample, the newer one counts', () => {
  const samples = [sample(59), sample(60)];
  const before = reportOf(seen({ samples, queueAt: NOW - 1 }));
  const after = reportOf(seen({ samples, queueAt: NOW + 1 }));
  expect([before.queue?.length, after.queue?.length]).toEqual([12, 4]);
  expect(after.live).toEqual(before.live);
});

test('what is worth knowing is a note, and nobody is called for it', () => {
  const detail = 'memcached at 127.0.0.1:11211 does not answer: reads are slower, nothing is lost.';
  const health = { ok: true, checks: [{ name: 'settings' as const, ok: true, detail }] };
  const report = reportOf(seen({ health }));
  expect(report).toMatchObject({ state: 'HEALTHY', problems: [], notes: [detail] });
  expect(screenOf(report, plain).join(' ').replaceAll(/\s+/g, ' ')).toContain(`Note: ${detail}`);
  expect(lineOf(report)).toContain(`note: ${detail}`);
});

describe('what is not known is no zero', () => {
  test("the queue's server does not answer", () => {
    const detail = "The queue's server does not answer: updates are refused.";
    const report = reportOf(
      seen({
        queue: null,
        queueFault: 'The cache cannot be reached.',
        health: healthAnswer({ name: 'buffer', detail }),
      }),
    );
    expect(report).toMatchObject({ state: 'ATTENTION', queue: null, problems: [{ name: 'buffer' }] });
    const text = screenOf(report, plain).join('\n');
    expect(text).toMatch(/^Queue +– \(it cannot be told\)$/m);
    expect(text).toMatch(/^Dead letters +–$/m);
  });

  test('the queue cannot be read and health does not say why', () => {
    expect(reportOf(seen({ queue: null, queueFault: 'Try again.' })).problems).toMatchObject([
      { name: 'queue', detail: 'Try again.' },
    ]);
  });

  test('samples that are old, and none yet', () => {
    for (const samples of [[], [sample(50)]]) {
      expect(reportOf(seen({ samples })).live).toBeNull();
      expect(screen({ samples })).toMatch(/^Lag +–$/m);
    }
  });

  test('a minute in which nothing was read or stored', () => {
    const nothing = sample(0).totals;
    const idle = (n: number) => sample(n, { totals: nothing, rates: nothing });
    const live = reportOf(seen({ samples: [idle(1), idle(60)] })).live;
    expect(live).toMatchObject({ failureShare: null, hitShare: null, storedRate: 0 });
  });
});

test('one sample alone has rates', () => {
  expect(reportOf(seen({ samples: [sample(60)] })).live).toMatchObject({ storedRate: 90, failureShare: 0.1 });
});

test('disconnected: said, for how long and why, with the last figures', () => {
  const silence = { sinceMs: NOW - 12_000, reason: 'GET /queue: the API cannot be reached.' };
  const report = reportOf(seen({ silence }));
  expect(report.state).toBe('DISCONNECTED');
  expect(screen({ silence })).toContain(
    'disconnected for 12.0 s, trying again: GET /queue: the API cannot be reached.',
  );
  expect(lineOf(report)).toMatch(/^2027-06-01T10:30:00.000Z {2}disconnected for 12\.0 s, trying again: GET/);
});

test('one line for a pipe', () => {
  expect(lineOf(reportOf(seen()))).toBe(
    '2027-06-01T10:30:00.000Z  healthy  queue 12  oldest 1.5 s  stored 90/s  accepted 100/s  lag p99 340 ms  ' +
      'write p99 1.3 ms  dead letters 0',
  );
});

test.each([1, 40, 57, 80, 300])(
  'no line is longer than %i columns and no word is lost, from 40',
  (columns) => {
    const width = Math.min(100, Math.max(40, columns));
    const lengths = Array.from({ length: 256 }, (_, index) => index);
    const url = `https://${'x'.repeat(60)}.execute-api.eu-central-1.amazonaws.com/production`;
    const detail = `Something ${'long '.repeat(30)}at its end.`;
    const report = reportOf(
      seen({
        url,
        queue: queueAnswer({}, lengths),
        samples: null,
        health: healthAnswer({ name: 'settings', detail }),
      }),
    );
    for (const style of [plain, fancy]) {
      const lines = screenOf(report, style, columns).map(stripVTControlCharacters);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
      expect(lines.join('').replaceAll(' ', '')).toContain(url);
      expect(lines.join(' ').replaceAll(/ +/g, ' ')).toContain(detail);
      expect(lines.length).toBeLessThan(40);
    }
  },
);

test('without colours there is nothing but text', () => {
  expect(screen()).toBe(stripVTControlCharacters(screen()));
  expect(screenOf(reportOf(seen()), fancy).join('\n')).toContain('\u001b[');
});

test('a screen is drawn over the one before, and stays when it ends', () => {
  let text = '';
  const redraw = new Redraw({ isTTY: true, rows: 3, write: (more) => (text += more) });
  redraw.draw(['one', 'two', 'three']);
  const [, drawn = ''] = text.split('\u001b[H');
  // No line is emptied before it is written, and none scrolls the screen.
  expect(drawn).toBe('one\u001b[K\ntwo\u001b[K\n\u001b[J');
  text = '';
  redraw.end();
  expect(text).toBe('\u001b[?25h\u001b[?1049lone\ntwo\nthree\n');
});
