/** Storing dead letters after all: one, those chosen, or all; asked first, and told of each letter what became of it. */
import type { RedriveAnswer } from '@afterwrite/client';
import { client } from '../live/api.ts';
import { count, counted } from '../live/words.ts';
import { Confirm } from '../ui/confirm.tsx';
import { outcomesInShort, outcomeWords } from './queue-words.ts';

export interface RedriveProps {
  readonly onDone: (answer: RedriveAnswer) => void;
  readonly onClose: () => void;
}

export function RedriveChosen({
  chosen,
  onDone,
  onClose,
}: RedriveProps & { readonly chosen: ReadonlyMap<number, number> }) {
  const seqs = [...new Set(chosen.values())];
  return (
    <Confirm
      label={`Redrive chosen (${count(chosen.size)})`}
      disabled={chosen.size === 0}
      question={`Redrive ${counted(chosen.size, 'chosen letter')}?`}
      action="Redrive them"
      work={(signal) => client.redrive({ seqs, signal })}
      result={RedriveResult}
      onDone={onDone}
      onClose={onClose}
    >
      <RedriveMeaning />
      <p class="note">Letters: {[...chosen.keys()].join(', ')}.</p>
    </Confirm>
  );
}

export function RedriveAll({ found, onDone, onClose }: RedriveProps & { readonly found: number | null }) {
  return (
    <Confirm
      label="Redrive all"
      disabled={found === 0}
      question="Redrive all dead letters?"
      action="Redrive all"
      work={(signal) => client.redrive({ signal })}
      result={RedriveResult}
      onDone={onDone}
      onClose={onClose}
    >
      <RedriveMeaning />
      <p>Also those of other pages, and those that have no checkbox for want of a number (seq).</p>
    </Confirm>
  );
}

interface RedriveOneProps extends RedriveProps {
  readonly letterId: number;
  readonly seq: number;
  /** The question is put: the letter must not go from under it. */
  readonly onOpen: () => void;
}

export function RedriveOne({ letterId, seq, onOpen, onDone, onClose }: RedriveOneProps) {
  return (
    <Confirm
      label="Redrive"
      name={`Redrive letter ${letterId}`}
      onOpen={onOpen}
      question={`Redrive letter ${letterId}?`}
      action="Redrive it"
      work={(signal) => client.redrive({ seqs: [seq], signal })}
      result={RedriveResult}
      onDone={onDone}
      onClose={onClose}
    >
      <RedriveMeaning />
    </Confirm>
  );
}

function RedriveMeaning() {
  return (
    <p>
      Each is stored in one transaction with its audit row, or not at all. What the database refuses again,
      what newer updates have superseded and what cannot be read stays a dead letter. It takes up to 25
      seconds.
    </p>
  );
}

function RedriveResult({ outcomes }: RedriveAnswer) {
  return (
    <>
      <p>
        <strong>{outcomesInShort(outcomes)}</strong>
      </p>
      {outcomes.length > 0 && (
        <ul class="result result-long" tabIndex={0} aria-label="What became of each letter">
          {outcomes.map((outcome) => (
            <li key={outcome.letterId}>
              Letter {outcome.letterId}: {outcomeWords(outcome)}.
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
