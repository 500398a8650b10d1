/**
 * The audit trail, newest first. New entries come by themselves while only the newest page is shown and nobody is in it;
 * else they are counted, and shown when somebody wants them, so that what is read stays where it is.
 */
import type { LogAnswer, LogEntry } from '@afterwrite/client';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { client, poller } from '../live/api.ts';
import { count, moment } from '../live/words.ts';
import { type Call, useCall } from '../ui/call.ts';
import { Freshness, type Polled, usePolled } from '../ui/polled.tsx';
import { type TrailEntry, trailOf } from './flight-trail.ts';
import { changesOf, newEntries } from './flight-words.ts';

const PAGE = 20;
const EVERY_MS = 3000;

interface Trail {
  readonly polled: Polled<LogAnswer>;
  readonly entries: readonly LogEntry[];
  /** undefined before the first answer. */
  readonly next: string | null | undefined;
  /** Entries that came and are not shown. */
  readonly added: number;
  readonly older: Call<void, [string]>;
  readonly showNewest: () => void;
  /** Somebody is in it: what is shown stays. */
  readonly setBusy: (isBusy: boolean) => void;
}

function useTrail(id: number): Trail {
  const polled = usePolled((signal) => poller.log(id, { limit: PAGE, signal }), {
    key: id,
    everyMs: EVERY_MS,
  });
  const newest = polled.value;
  const [shown, setShown] = useState<LogAnswer | null>(null);
  const [hasOlder, setHasOlder] = useState(false);
  const isBusy = useRef(false);
  useEffect(() => {
    if (newest && (shown === null || (!hasOlder && !isBusy.current))) setShown(newest);
  }, [newest]);
  const older = useCall(async (signal, before: string) => {
    const page = await client.log(id, { limit: PAGE, before, signal });
    setShown((now) => now && { entries: [...now.entries, ...page.entries], next: page.next });
    setHasOlder(true);
  });
  return {
    polled,
    older,
    entries: shown?.entries ?? [],
    next: shown?.next,
    added: newest && shown ? newEntries(newest.entries, shown.entries) : 0,
    showNewest: () => {
      setShown(newest ?? null);
      setHasOlder(false);
    },
    setBusy: (busy) => (isBusy.current = busy),
  };
}

interface FlightLogProps {
  readonly id: number;
  /** Of the updates that were made here: with each more it has a new entry. */
  readonly ended: number;
}

export function FlightLog({ id, ended }: FlightLogProps) {
  const { polled, entries, next, older, setBusy, ...news } = useTrail(id);
  useEffect(() => {
    if (ended > 0) polled.refresh();
  }, [ended]);
  const trail = useMemo(() => trailOf(entries), [entries]);
  const isReading = older.state.kind === 'RUNNING';
  return (
    <section
      class="panel flight-log"
      aria-labelledby="trail"
      aria-busy={polled.at === null && polled.error === undefined}
      onPointerEnter={() => setBusy(true)}
      onPointerLeave={() => setBusy(false)}
      onFocusIn={() => setBusy(true)}
      onFocusOut={() => setBusy(false)}
    >
      <TrailTitle {...news} />
      <Freshness polled={polled} what="the audit trail" />
      {next !== undefined && entries.length === 0 && (
        <p class="note">No update of this flight was stored yet.</p>
      )}
      {entries.length > 0 && (
        <ol class="trail">
          {trail.map((each, index) => (
            <li key={`${each.entry.log_date} ${trail.length - index}`}>
              <Entry {...each} />
            </li>
          ))}
        </ol>
      )}
      {typeof next === 'string' && (
        <p>
          <button type="button" aria-disabled={isReading} onClick={() => void (isReading || older.run(next))}>
            {isReading ? 'Reading …' : 'Older entries'}
          </button>
        </p>
      )}
      <p class="problem said" role="status">
        {older.state.kind === 'FAILED' ? older.state.reason : ''}
      </p>
    </section>
  );
}

function TrailTitle({ added, showNewest }: Pick<Trail, 'added' | 'showNewest'>) {
  const heading = useRef<HTMLHeadingElement>(null);
  const show = () => {
    showNewest();
    heading.current?.focus();
  };
  return (
    <div class="trail-title">
      <h2 id="trail" ref={heading} tabIndex={-1}>
        Audit trail
      </h2>
      <div class="trail-news">
        <p role="status">{added > 0 && `${count(added)} newer ${added === 1 ? 'entry' : 'entries'} came.`}</p>
        {added > 0 && (
          <button type="button" onClick={show}>
            Show the newest
          </button>
        )}
      </div>
    </div>
  );
}

function Entry({ entry, isOrderKnown }: TrailEntry) {
  return (
    <>
      <p class="trail-head">
        <time dateTime={entry.log_date}>{moment(entry.log_date)}</time> <span>by {entry.user}</span>
        {!isOrderKnown && <span class="note">, of one second: which was first is not known</span>}
      </p>
      <dl>
        {changesOf(entry).map(({ label, before, after, changed }) => (
          <div key={label} class={changed ? 'changed' : 'same'}>
            <dt>{label}</dt>
            <dd>
              {changed ? (
                <>
                  <del>{before}</del> → <ins>{after}</ins>
                </>
              ) : (
                <>{after}, as before</>
              )}
            </dd>
          </div>
        ))}
      </dl>
      {entry.comment !== null && entry.comment !== '' && <p class="comment">“{entry.comment}”</p>}
    </>
  );
}
