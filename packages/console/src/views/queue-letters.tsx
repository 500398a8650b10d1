/**
 * Dead letters, a page at a time. The page is read again and again while it is shown: what is open stays open, and what is
 * chosen stays chosen, as long as the letter is there.
 */
import type { RedriveAnswer } from '@afterwrite/client';
import { useRef, useState } from 'preact/hooks';
import { poller } from '../live/api.ts';
import { count } from '../live/words.ts';
import { Freshness, usePolled } from '../ui/polled.tsx';
import { LetterItem } from './queue-letter.tsx';
import { RedriveAll, RedriveChosen } from './queue-redrive.tsx';
import { type Letter, whyNot } from './queue-words.ts';

const PAGE = 20;
const EVERY_MS = 3000;

interface QueueLettersProps {
  /** How many there are in all; null: not known. */
  readonly found: number | null;
  readonly onChanged: () => void;
}

export function QueueLetters({ found, onChanged }: QueueLettersProps) {
  /** What each page before this one began after; the last: this one. */
  const [path, setPath] = useState<readonly number[]>([0]);
  const [chosen, setChosen] = useState<ReadonlyMap<number, number>>(new Map());
  const after = path.at(-1) ?? 0;
  // One more than is shown tells whether there is another page.
  const polled = usePolled((signal) => poller.deadLetters({ after, limit: PAGE + 1, signal }), {
    key: after,
    everyMs: EVERY_MS,
  });
  const heading = useRef<HTMLHeadingElement>(null);
  const answered = polled.value?.deadLetters;
  const letters = answered?.slice(0, PAGE) ?? [];
  const hasMore = (answered?.length ?? 0) > PAGE;
  const selectable = letters.filter((letter) => whyNot(letter) === null);
  const turn = (next: readonly number[]) => {
    setPath(next);
    heading.current?.focus();
  };
  const choose = (changed: readonly Letter[], isChosen: boolean) => {
    const next = new Map(chosen);
    for (const { letterId, seq } of changed) {
      if (isChosen && seq !== null) next.set(letterId, seq);
      else next.delete(letterId);
    }
    setChosen(next);
  };
  const done = ({ outcomes }: RedriveAnswer) => {
    const over = new Set(
      outcomes.filter(({ kind }) => kind === 'REDRIVEN' || kind === 'GONE').map(({ letterId }) => letterId),
    );
    setChosen((now) => new Map([...now].filter(([letterId]) => !over.has(letterId))));
    polled.refresh();
    onChanged();
  };
  const isAllChosen = selectable.length > 0 && selectable.every(({ letterId }) => chosen.has(letterId));
  return (
    <section
      class="panel queue-letters"
      aria-labelledby="letters"
      aria-busy={polled.at === null && polled.error === undefined}
    >
      <h2 id="letters" ref={heading} tabIndex={-1}>
        Dead letters{found === null ? '' : `: ${count(found)}`}
      </h2>
      <Freshness polled={polled} what="the dead letters" />
      {answered && letters.length === 0 && path.length === 1 && (
        <p class="note">None: the database has refused nothing that waits for a decision.</p>
      )}
      {answered && letters.length === 0 && path.length > 1 && <p class="note">No more letters here.</p>}
      {letters.length > 0 && (
        <>
          <p class="note">
            Acknowledged updates that the database refuses. Readers see the database&apos;s value again;
            nothing else waits for them. Mend the cause, then redrive.{' '}
            <a href="console/operations.html#redriving-dead-letters">More</a>
          </p>
          <div class="letters-bar">
            <label class="choose">
              <input
                type="checkbox"
                disabled={selectable.length === 0}
                checked={isAllChosen}
                onChange={({ currentTarget }) => choose(selectable, currentTarget.checked)}
              />{' '}
              All of this page
            </label>
            <RedriveChosen chosen={chosen} onDone={done} />
            <RedriveAll found={found} onDone={done} />
          </div>
          <ul class="letters">
            {letters.map((letter) => (
              <LetterItem
                key={letter.letterId}
                letter={letter}
                isChosen={chosen.has(letter.letterId)}
                onChoose={(isChosen) => choose([letter], isChosen)}
                onDone={done}
              />
            ))}
          </ul>
        </>
      )}
      {(hasMore || path.length > 1) && (
        <nav class="actions" aria-label="Pages of dead letters">
          <button type="button" disabled={path.length === 1} onClick={() => turn(path.slice(0, -1))}>
            Earlier letters
          </button>
          <button
            type="button"
            disabled={!hasMore}
            onClick={() => turn([...path, letters.at(-1)?.letterId ?? 0])}
          >
            Later letters
          </button>
        </nav>
      )}
    </section>
  );
}
