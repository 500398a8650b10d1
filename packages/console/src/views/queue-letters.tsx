/**
 * Dead letters, a page at a time. The page is read again and again while it is shown: what is open stays open, and what is
 * chosen stays chosen, as long as the letter is there.
 */
import type { RedriveAnswer } from '@afterwrite/client';
import { useRef, useState } from 'preact/hooks';
import { poller } from '../live/api.ts';
import { count } from '../live/words.ts';
import { operationsAddress } from '../operations.ts';
import { Freshness, usePolled } from '../ui/polled.tsx';
import { LetterItem } from './queue-letter.tsx';
import { RedriveAll, RedriveChosen, type RedriveProps } from './queue-redrive.tsx';
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
  // The letter of an open question stays until that is closed, with what became of it.
  const [held, setHeld] = useState<Letter | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const after = path.at(-1) ?? 0;
  // One more than is shown tells whether there is another page.
  const polled = usePolled((signal) => poller.deadLetters({ after, limit: PAGE + 1, signal }), {
    key: after,
    everyMs: EVERY_MS,
  });
  const answered = polled.value?.deadLetters;
  const letters = withHeld(answered?.slice(0, PAGE) ?? [], held);
  const { chosen, choose, forget } = useChosen();
  const turn = (next: readonly number[]) => {
    setPath(next);
    heading.current?.focus();
  };
  const onDone = ({ outcomes }: RedriveAnswer) => {
    forget(outcomes.filter(({ kind }) => kind === 'REDRIVEN' || kind === 'GONE'));
    polled.refresh();
    onChanged();
  };
  const onClose = () => {
    setHeld(null);
    // The button may have gone, or be disabled now.
    requestAnimationFrame(() => {
      if (document.activeElement === document.body) heading.current?.focus();
    });
  };
  const isBusy = polled.at === null && polled.error === undefined;
  return (
    <section class="panel queue-letters" aria-labelledby="letters" aria-busy={isBusy}>
      <h2 id="letters" ref={heading} tabIndex={-1}>
        Dead letters{found === null ? '' : `: ${count(found)}`}
      </h2>
      <Freshness polled={polled} what="the dead letters" />
      {answered && letters.length === 0 && (
        <p>
          {path.length === 1
            ? 'None: the database has refused nothing that waits for a decision.'
            : 'No more letters here.'}
        </p>
      )}
      {answered && <LettersBar {...{ letters, chosen, choose, found, onDone, onClose }} />}
      <ul class="letters">
        {letters.map((letter) => (
          <LetterItem
            key={letter.letterId}
            letter={letter}
            isChosen={chosen.has(letter.letterId)}
            onChoose={(isChosen) => choose([letter], isChosen)}
            onOpen={() => setHeld(letter)}
            onDone={onDone}
            onClose={onClose}
          />
        ))}
      </ul>
      <Pages
        path={path}
        next={(answered?.length ?? 0) > PAGE ? letters.at(-1)?.letterId : undefined}
        turn={turn}
      />
    </section>
  );
}

interface Choice {
  /** letterId -> seq, by which the API names it. */
  readonly chosen: ReadonlyMap<number, number>;
  readonly choose: (letters: readonly Letter[], isChosen: boolean) => void;
  readonly forget: (letters: readonly Pick<Letter, 'letterId'>[]) => void;
}

/** Kept over pages and refreshes. */
function useChosen(): Choice {
  const [chosen, setChosen] = useState<ReadonlyMap<number, number>>(new Map());
  const without = (all: ReadonlyMap<number, number>, letters: readonly Pick<Letter, 'letterId'>[]) => {
    const gone = new Set(letters.map(({ letterId }) => letterId));
    return new Map([...all].filter(([letterId]) => !gone.has(letterId)));
  };
  return {
    chosen,
    forget: (letters) => setChosen((all) => without(all, letters)),
    choose: (letters, isChosen) =>
      setChosen((all) => {
        const named = letters.flatMap(({ letterId, seq }) =>
          seq === null ? [] : [[letterId, seq] as const],
        );
        return isChosen ? new Map([...all, ...named]) : without(all, letters);
      }),
  };
}

interface LettersBarProps extends Pick<Choice, 'chosen' | 'choose'>, RedriveProps {
  readonly letters: readonly Letter[];
  readonly found: number | null;
}

function LettersBar({ letters, chosen, choose, found, ...asked }: LettersBarProps) {
  const selectable = letters.filter((letter) => whyNot(letter) === null);
  return (
    <>
      <p class="note">
        Acknowledged updates that the database refuses. Readers see the database&apos;s value again; nothing
        else waits for them. Mend the cause, then redrive.{' '}
        <a href={operationsAddress('Redriving dead letters')}>More</a>
      </p>
      <div class="letters-bar">
        <label class="choose">
          <input
            type="checkbox"
            disabled={selectable.length === 0}
            checked={selectable.length > 0 && selectable.every(({ letterId }) => chosen.has(letterId))}
            onChange={({ currentTarget }) => choose(selectable, currentTarget.checked)}
          />{' '}
          All of this page
        </label>
        <RedriveChosen chosen={chosen} {...asked} />
        <RedriveAll found={found} {...asked} />
      </div>
    </>
  );
}

interface PagesProps {
  readonly path: readonly number[];
  /** What the next page begins after; undefined where there is none. */
  readonly next: number | undefined;
  readonly turn: (path: readonly number[]) => void;
}

function Pages({ path, next, turn }: PagesProps) {
  if (next === undefined && path.length === 1) return null;
  return (
    <nav class="actions" aria-label="Pages of dead letters">
      <button type="button" disabled={path.length === 1} onClick={() => turn(path.slice(0, -1))}>
        Earlier letters
      </button>
      <button
        type="button"
        disabled={next === undefined}
        onClick={() => {
          if (next !== undefined) turn([...path, next]);
        }}
      >
        Later letters
      </button>
    </nav>
  );
}

function withHeld(letters: readonly Letter[], held: Letter | null): readonly Letter[] {
  if (held === null || letters.some(({ letterId }) => letterId === held.letterId)) return letters;
  return [...letters, held].toSorted((a, b) => a.letterId - b.letterId);
}
