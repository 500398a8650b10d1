/** One flight: what the cache and the database hold of it, an update of it followed from one to the other, and its trail. */
import '../style/flight.css';
import { useEffect } from 'preact/hooks';
import { ApiProblem, type LettersAnswer } from '@afterwrite/client';
import { poller } from '../live/api.ts';
import { latest } from '../live/feed.ts';
import { endedOf } from '../live/updates.ts';
import { usePolled } from '../ui/polled.tsx';
import { route } from '../route.ts';
import { type Comparison, FlightCompare } from './flight-compare.tsx';
import { FlightDelay } from './flight-delay.tsx';
import { FlightLog } from './flight-log.tsx';
import { FlightSearch, FlightsFound } from './flight-search.tsx';
import { FlightUpdates } from './flight-updates.tsx';
import { LETTERS_SHOWN, parseSearch, partitionOf } from './flight-words.ts';

export function FlightView() {
  const asked = parseSearch(route.value.rest);
  return (
    <div class="flight-view">
      <FlightSearch key={route.value.rest} />
      {asked.kind === 'NUMBER' && <FlightsFound key={asked.flightno} flightno={asked.flightno} />}
      {asked.kind === 'ID' ? <FlightPage key={asked.id} id={asked.id} /> : <FlightUpdates />}
    </div>
  );
}

const COMPARE_EVERY_MS = 2000;
const LETTERS_EVERY_MS = 3000;

async function compare(id: number, signal: AbortSignal): Promise<Comparison | 'NOT_FOUND'> {
  const askedAt = Date.now();
  const answer = await poller.consistency(id, { signal }).catch((error: unknown) => {
    if (error instanceof ApiProblem && error.code === 'NOT_FOUND') return null;
    throw error;
  });
  if (answer === null) return 'NOT_FOUND';
  const partition = partitionOf(answer.cacheKey);
  if (answer.pendingUpdates === 0 || partition === null) return { answer, askedAt, oldestMs: null };
  // Since when something waits: worth having, and no reason to show nothing.
  const queue = await poller.queue({ signal }).catch(() => null);
  return { answer, askedAt, oldestMs: queue?.partitions[partition]?.oldestMs ?? null };
}

/** Asked for only while there are dead letters at all. */
async function lettersOf(flightId: number, signal: AbortSignal): Promise<LettersAnswer['deadLetters']> {
  if (latest.value?.queue?.deadLetters === 0) return [];
  return (await poller.deadLetters({ flightId, limit: LETTERS_SHOWN, signal })).deadLetters;
}

function FlightPage({ id }: { readonly id: number }) {
  const compared = usePolled((signal) => compare(id, signal), { key: id, everyMs: COMPARE_EVERY_MS });
  const letters = usePolled((signal) => lettersOf(id, signal), { key: id, everyMs: LETTERS_EVERY_MS });
  // What is shown is about to be another, and somebody waits to see it.
  const ended = endedOf(id);
  useEffect(() => {
    if (ended === 0) return;
    compared.refresh();
    letters.refresh();
  }, [ended]);
  const found = compared.value === 'NOT_FOUND' ? undefined : compared.value;
  const shown = found && (found.answer.cache ?? found.answer.database);
  return (
    <div class="flight-page">
      <FlightCompare id={id} compared={compared} letters={letters} />
      {shown && <FlightDelay id={id} shown={shown} askedAt={found.askedAt} onAccepted={compared.refresh} />}
      <FlightUpdates flightId={id} />
      <FlightLog id={id} ended={ended} />
    </div>
  );
}
