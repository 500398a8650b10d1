/**
 * Redis: see `resp-server.ts`. Twice: the newest, and 7.0 as Debian 12 has it, which is the last under a free licence
 * that many still run.
 */
import type { VersionAnswer } from '../types.ts';
import { respServer } from './resp-server.ts';
import { judgeVersion } from './version.ts';

const expected = { title: 'Redis', pattern: /^Redis server v=(\d+\.\d+\.\d+)/m, oldest: '7.0.0' };

function readVersion7(printed: string): VersionAnswer {
  const answer = judgeVersion(printed, expected);
  if (!answer.ok || answer.version.startsWith('7.')) return answer;
  return { ok: false, reason: `it is Redis ${answer.version}, and 7 was asked for` };
}

const common = { title: 'Redis', programName: 'redis-server' };
const debian = { packages: ['redis-server', 'redis-tools'], program: 'usr/bin/redis-server' };

export const redis = respServer({
  ...common,
  name: 'redis',
  readVersion: (printed) => judgeVersion(printed, expected),
  debian,
});

export const redis7 = respServer({
  ...common,
  name: 'redis-7',
  readVersion: readVersion7,
  debian: { ...debian, suite: 'bookworm' },
});
