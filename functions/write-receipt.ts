/** GET /writes/{receipt}: what became of one accepted update. */
import { flightCache, receiptKey } from './compose.ts';
import { apiFunction, type Operation } from './lib/api.ts';
import { readReceipt } from './lib/receipt.ts';

const STATES = { PENDING: 'pending', STORED: 'stored', DEAD: 'dead', LOST: 'lost' } as const;

const writeReceipt: Operation = async ({ parameter }) => {
  const cache = await flightCache();
  const { flightId, position } = readReceipt(await receiptKey(), parameter('receipt'));
  const { state, ...more } = await cache.writeState(flightId, position);
  return {
    status: 200,
    body: { state: STATES[state], flightId: Number(flightId), seq: position.seq, ...more },
  };
};

export const handler = apiFunction({ 'GET /writes/{receipt}': writeReceipt });
