/**
 * The audit trail, newest first. New entries come by themselves while only the newest page is shown and nobody is in it;
 * else they are counted, and shown when somebody wants them, so that what is read stays where it is.
 */
import type { LogAnswer, LogEntry } from '@afterwrite/client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { client, poller } from '../live/api.ts';
import { count, moment } from '../live/words.ts';
import { useCall } from '../ui/call.ts';
import { Freshness, usePolled } from '../ui/polled.tsx';
import { changesOf, newEntries } from './flight-words.ts';

const PAGE = 20;
const EVERY_MS = 3000;

export function FlightLog({ id }: { readonly id: number }) {
  const polled = usePolled((signal) => poller.log(id, { limit: PAGE, signal }), {
    key: id,
    everyMs: EVERY_MS,
  });
  const newest = polled.value;
  const [shown, setShown] = useState<LogAnswer | null>(null);
  const [hasOlder, setHasOlder] = useState(false);
  const isBusy = useRef(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const showNewest = () => {
    setShown(newest ?? null);
    setHasOlder(false);
  };
  useEffect(() => {
    if (newest && (shown === null || (!hasOlder && !isBusy.current))) setShown(newest);
  }, [newest]);
  const older = useCall(async (signal, before: string) => {
    const page = await client.log(id, { limit: PAGE, before, signal });
    setShown((now) => now && { entries: [...now.entries, ...page.entries], next: page.next });
    setHasOlder(true);
  });
  const entries = shown?.entries ?? [];
  const added = newest && shown ? newEntries(newest.entries, entries) : 0;
  return (
    <section
      class="panel flight-log"
      aria-labelledby="trail"
      aria-busy={polled.at === null && polled.error === undefined}
      onPointerEnter={() => (isBusy.current = true)}
      onPointerLeave={() => (isBusy.current = false)}
      onFocusIn={() => (isBusy.current = true)}
      onFocusOut={() => (isBusy.current = false)}
    >
      <div class="trail-title">
        <h2 id="trail" ref={heading} tabIndex={-1}>
          Audit trail
        </h2>
        <p class="trail-news" role="status">
          {added > 0 && `${count(added)} newer ${added === 1 ? 'entry' : 'entries'} came. `}
          {added > 0 && (
            <button
              type="button"
              onClick={() => {
                showNewest();
                heading.current?.focus();
              }}
            >
              Show the newest
            </button>
          )}
        </p>
      </div>
      <Freshness polled={polled} what="the audit trail" />
      {shown && entries.length === 0 && <p class="note">No update of this flight was stored yet.</p>}
      {entries.length > 0 && (
        <ol class="trail">
          {entries.map((entry, index) => (
            <li key={`${entry.log_date} ${entries.length - index}`}>
              <Entry entry={entry} />
            </li>
          ))}
        </ol>
      )}
      {shown?.next != null && (
        <p>
          <button
            type="button"
            disabled={older.state.kind === 'RUNNING'}
            onClick={() => void older.run(shown.next ?? '')}
          >
            {older.state.kind === 'RUNNING' ? 'Reading …' : 'Older entries'}
          </button>
        </p>
      )}
      {older.state.kind === 'FAILED' && (
        <p class="problem" role="status">
          {older.state.reason}
        </p>
      )}
    </section>
  );
}

function Entry({ entry }: { readonly entry: LogEntry }) {
  return (
    <>
      <p class="trail-head">
        <time dateTime={entry.log_date}>{moment(entry.log_date)}</time> <span>by {entry.user}</span>
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
