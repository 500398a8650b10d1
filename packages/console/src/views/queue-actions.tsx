/** One batch, or all that waits: what the flusher does by itself, now. */
import type { ProcessAnswer } from '@afterwrite/client';
import { useState } from 'preact/hooks';
import { client } from '../live/api.ts';
import { Confirm } from '../ui/confirm.tsx';
import { Field } from '../ui/field.tsx';
import { parseBatch, processWords } from './queue-words.ts';

/** The API's own limit. */
const MAX_BATCH = 5000;

export function QueueActions({ onDone }: { readonly onDone: () => void }) {
  const [text, setText] = useState('');
  const size = parseBatch(text, MAX_BATCH);
  return (
    <section class="panel queue-actions" aria-labelledby="store-now">
      <h2 id="store-now">Store now</h2>
      <p class="note">The flusher stores by itself; this is for when you do not want to wait for it.</p>
      <div class="row-of">
        <Field
          label="Updates a batch"
          help={`1 to ${MAX_BATCH}; empty: as configured.`}
          problem={typeof size === 'string' ? size : null}
          inputmode="numeric"
          value={text}
          onValue={setText}
        />
        <div class="buttons">
          <Confirm
            label="Process a batch"
            disabled={typeof size === 'string'}
            question="Process one batch?"
            action="Process it"
            work={(signal) =>
              client.processQueue({ signal, ...(typeof size === 'number' && { batchSize: size }) })
            }
            result={ProcessResult}
            onDone={onDone}
          >
            <p>
              {typeof size === 'number' ? `Up to ${size} updates` : 'One batch'} of the queue, the oldest
              first, to the database in one transaction a partition. What it refuses becomes a dead letter;
              the rest of the batch is stored.
            </p>
          </Confirm>
          <Confirm
            label="Flush all"
            question="Flush the whole queue?"
            action="Flush it"
            work={(signal) => client.flushQueue({ signal })}
            result={ProcessResult}
            onDone={onDone}
          >
            <p>
              All that waits goes to the database, batch by batch, for up to 25 seconds; what is left then
              goes on waiting, in order. Updates are accepted meanwhile.
            </p>
          </Confirm>
        </div>
      </div>
    </section>
  );
}

function ProcessResult(answer: ProcessAnswer) {
  return (
    <ul class="result">
      {processWords(answer).map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
