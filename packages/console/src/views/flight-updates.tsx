/** The updates that were made on this page, on their way to the database. */
import { latest } from '../live/feed.ts';
import { askNow, followed, type FollowedUpdate } from '../live/updates.ts';
import { count, counted, duration, moment } from '../live/words.ts';
import { partitionOf } from './flight-words.ts';
import { reasonWords } from './queue-words.ts';

export function FlightUpdates({ flightId }: { readonly flightId?: number }) {
  const updates = followed.value;
  if (updates.length === 0 && flightId === undefined) return null;
  const ended = updates.filter(({ state }) => state !== 'pending');
  const last = ended.toSorted((a, b) => endOf(b) - endOf(a))[0];
  return (
    <section class="panel flight-updates" aria-labelledby="updates">
      <h2 id="updates">Updates made here</h2>
      <p class="hidden" role="status">
        {last && `Flight ${last.flightId}, ${last.what}: ${endWords(last)}`}
      </p>
      {updates.length === 0 ? (
        <p class="note">
          None yet. Each is followed from here to the database, also while you look elsewhere.
        </p>
      ) : (
        <ol class="updates" tabIndex={0} aria-label="Updates, newest first">
          {updates.map((update) => (
            <li key={update.receipt}>
              <UpdateWay update={update} flightId={flightId} />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function endOf({ acceptedAt, endedAfterMs }: FollowedUpdate): number {
  return acceptedAt + (endedAfterMs ?? 0);
}

interface UpdateWayProps {
  readonly update: FollowedUpdate;
  readonly flightId: number | undefined;
}

function UpdateWay({ update, flightId }: UpdateWayProps) {
  const { state, acceptedAt, what, traceId, problem, isAsleep } = update;
  const isWaiting = state === 'pending';
  const name = `Flight ${update.flightId}`;
  return (
    <article class="update-way" aria-label={`${name}, ${what}`}>
      <p class="update-what">
        {update.flightId === flightId ? name : <a href={`#/flight/${update.flightId}`}>{name}</a>}, {what}
      </p>
      <ol class="steps">
        <li class="step-done">
          Accepted <span class="note">{moment(acceptedAt).slice(11)}</span>
        </li>
        <li class={isWaiting ? 'step-now' : 'step-done'}>{isWaiting ? waitingWords(update) : 'Waited'}</li>
        <li class={isWaiting ? 'step-to-come' : `step-${state}`}>
          {isWaiting ? 'Stored' : endWords(update)}
        </li>
      </ol>
      {problem !== null && isWaiting && (
        <p class="problem">
          Cannot ask for it: {problem}
          {isAsleep ? '' : ' Trying again.'}
        </p>
      )}
      {isAsleep && isWaiting && (
        <p>
          It has waited for 15 minutes and is not asked for by itself any more.{' '}
          <button type="button" onClick={() => void askNow(update)}>
            Ask now
          </button>
        </p>
      )}
      {state === 'dead' && (
        <p>
          {reasonWords(update.reason).advice} <a href="#/queue">To the dead letters</a>
        </p>
      )}
      {state === 'lost' && (
        <p>
          It is neither in the queue nor in the database: the queue's server lost it. Make the update again if
          it still counts.
        </p>
      )}
      <p class="note">
        Trace <code class="whole">{traceId}</code>: the logs of its request and of the flush that stored it
        have it.
      </p>
    </article>
  );
}

function waitingWords({ position, cacheKey }: FollowedUpdate): string {
  const partition = partitionOf(cacheKey);
  const length = partition === null ? undefined : latest.value?.queue?.partitions[partition];
  const now = length === undefined ? '' : `, ${counted(length, 'update')} in it now`;
  return `Waits: was number ${count(position)} in the queue of partition ${partition ?? '?'}${now}`;
}

function endWords({ state, endedAfterMs, reason, letterId }: FollowedUpdate): string {
  const after = endedAfterMs === null ? '' : ` after ${duration(endedAfterMs)}`;
  if (state === 'stored') return `Stored${after}`;
  if (state === 'dead')
    return `Dead letter${letterId === null ? '' : ` ${letterId}`}${after}: ${reasonWords(reason).title}`;
  return state === 'lost' ? `Lost, noticed${after}` : '';
}
