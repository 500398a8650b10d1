/** What is believed, and what is said of it; on servers that really go: ../live/outages.test.ts. */
import type { LiveQueue, LiveSample } from '@afterwrite/client';
import { beforeEach, expect, test } from 'vitest';
import type { ServerPlace } from '../servers.ts';
import { outageNotices } from './outage-notices.ts';

const well: LiveQueue = {
  ...{ length: 0, oldestMs: null, deadLetters: 0, breaker: 'CLOSED', partitions: [0], stopped: [] },
};
const noDatabase: LiveQueue = { ...well, deadLetters: null };

const own: ServerPlace = {
  ...{ title: 'Redis', description: '', address: '127.0.0.1:6379', isLocal: true, client: '' },
};
const named: ServerPlace = {
  ...{ title: 'PostgreSQL', description: '', address: 'db:5432', isLocal: false, client: undefined },
};
const said: string[] = [];
let take: (sample: LiveSample) => void;

beforeEach(() => {
  said.length = 0;
  take = outageNotices({ queue: own, database: named }, (line) => said.push(line));
});

function see(...queues: readonly (LiveQueue | null)[]): void {
  for (const queue of queues) take({ queue } as LiveSample);
}

test('said once when three samples agree, and once when it is back', () => {
  see(well, null, null, null, null, null);
  expect(said).toEqual([
    'Redis at 127.0.0.1:6379 does not answer: no update is accepted. Ctrl-C and another npm start bring it back, with all that it had stored.',
  ]);
  see(well, well, well, well);
  expect(said.slice(1)).toEqual(['Redis at 127.0.0.1:6379 answers again: updates are accepted.']);
});

test('a look that was late is no outage', () => {
  see(null, null, well, null, null, well, noDatabase, noDatabase, well);
  expect(said).toEqual([]);
});

test('a server of somebody else is theirs to bring back; without the queue nothing is known of the database', () => {
  see(noDatabase, noDatabase, noDatabase);
  expect(said).toEqual([
    'PostgreSQL at db:5432 does not answer: updates are accepted and wait, in order. Look at the server on db:5432; when it is back, all goes on by itself.',
  ]);
  see(null, null, null);
  expect(said).toHaveLength(2);
  see(well, well, well);
  expect(said.slice(2)).toEqual([
    'Redis at 127.0.0.1:6379 answers again: updates are accepted.',
    'PostgreSQL at db:5432 answers again: what waits is stored.',
  ]);
});
