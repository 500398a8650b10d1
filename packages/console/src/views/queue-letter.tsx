/** One dead letter: why, what it would have stored, and whether it can be stored after all. */
import type { RedriveAnswer } from '@afterwrite/client';
import { moment } from '../live/words.ts';
import { RedriveOne } from './queue-redrive.tsx';
import { adviceFor, changeText, type Letter, reasonWords, whyNot } from './queue-words.ts';

interface LetterItemProps {
  readonly letter: Letter;
  readonly isChosen: boolean;
  readonly onChoose: (isChosen: boolean) => void;
  readonly onOpen: () => void;
  readonly onDone: (answer: RedriveAnswer) => void;
  readonly onClose: () => void;
}

export function LetterItem({ letter, isChosen, onChoose, ...asked }: LetterItemProps) {
  const { letterId, id, seq, update, reason, error, parkedAt, partition } = letter;
  const { title } = reasonWords(reason);
  const obstacle = whyNot(letter);
  const name = `Letter ${letterId}`;
  return (
    <li class="letter">
      <div class="letter-head">
        <label class="choose">
          <input
            type="checkbox"
            disabled={obstacle !== null}
            checked={isChosen}
            onChange={({ currentTarget }) => onChoose(currentTarget.checked)}
          />{' '}
          <strong>{name}</strong>
        </label>
        <span>{id === null ? 'flight unknown' : <a href={`#/flight/${id}`}>Flight {id}</a>}</span>
        <strong class="why">{title}</strong>
        <span class="note">parked {moment(parkedAt)}</span>
      </div>
      <p>{adviceFor(letter)}</p>
      {error !== '' && (
        <p>
          <code>{error}</code>
        </p>
      )}
      {update && <Changes update={update} />}
      {obstacle !== null && <p class="obstacle">{obstacle}</p>}
      <div class="letter-foot">
        {obstacle === null && seq !== null && <RedriveOne letterId={letterId} seq={seq} {...asked} />}
        <details>
          <summary>
            Raw item<span class="hidden"> of letter {letterId}</span>
          </summary>
          <dl class="raw">
            <dt>Reason</dt>
            <dd>
              <code>{reason}</code>
            </dd>
            <dt>Partition</dt>
            <dd>{partition}</dd>
            <dt>Epoch</dt>
            <dd>{letter.epoch ?? 'none'}</dd>
            <dt>Seq</dt>
            <dd>{seq ?? 'none'}</dd>
          </dl>
          <pre tabIndex={0} aria-label={`Queue item of letter ${letterId}`}>
            {itemText(letter.item)}
          </pre>
        </details>
      </div>
    </li>
  );
}

function Changes({
  update: { changes, user, comment, acceptedAt },
}: {
  readonly update: NonNullable<Letter['update']>;
}) {
  return (
    <dl class="changes">
      {Object.entries(changes).map(([field, value]) => (
        <div key={field}>
          <dt>{field}</dt>
          <dd>{changeText(value)}</dd>
        </div>
      ))}
      <div>
        <dt>by</dt>
        <dd>{user}</dd>
      </div>
      <div>
        <dt>accepted</dt>
        <dd>{moment(acceptedAt)}</dd>
      </div>
      {comment !== null && comment !== '' && (
        <div>
          <dt>comment</dt>
          <dd>“{comment}”</dd>
        </div>
      )}
    </dl>
  );
}

/** As text where it is text; else as it came. */
function itemText(base64: string): string {
  try {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return `base64: ${base64}`;
  }
}
