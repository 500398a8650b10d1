/**
 * Delays a flight. What is sent is made from one version of it, held from the first touch of the form, and refused if the
 * flight has moved on: nobody's change is overwritten unseen. An update whose outcome is unknown keeps its key and its
 * content until it is known, so that it is carried out once.
 */
import { signal } from '@preact/signals';
import type { Flight } from '@afterwrite/client';
import { useId, useRef, useState } from 'preact/hooks';
import { count } from '../live/words.ts';
import { useCall } from '../ui/call.ts';
import { Field } from '../ui/field.tsx';
import { type Attempt, beginAttempt, failureOf, readBase, sendAttempt, type Sent } from './flight-send.ts';
import { clockTime, delayed, isSameTimes, parseMinutes, partitionOf, shift } from './flight-words.ts';

/** Kept from flight to flight. */
const user = signal('');
const LIMITS = { user: 100, comment: 200 };

interface FlightDelayProps {
  readonly id: number;
  /** As it is on the screen now. */
  readonly shown: Flight;
  readonly onAccepted: () => void;
}

export function FlightDelay({ id, shown, onAccepted }: FlightDelayProps) {
  const [minutes, setMinutes] = useState('30');
  const [comment, setComment] = useState('');
  const [minutesProblem, setMinutesProblem] = useState<string | null>(null);
  const [attempt, setAttempt] = useState<Attempt | null>(null);
  const minutesField = useRef<HTMLInputElement>(null);
  const result = useId();
  // The version that the form is about; nothing before it is touched.
  const base = useCall((ending) => readBase(id, ending));
  const held = base.state.kind === 'DONE' ? base.state.value : null;
  const send = useCall((_ending, next: Attempt) => sendAttempt(next));
  const isSending = send.state.kind === 'RUNNING';
  const failure = send.state.kind === 'FAILED' ? failureOf(send.state.error) : null;
  const isUnknown = failure?.kind === 'UNKNOWN';
  const from = held?.times ?? shown;
  const by = parseMinutes(minutes);
  const moved = held !== null && !isSameTimes(held.times, shown) && !isSending && send.state.kind !== 'DONE';

  const deliver = async (next: Attempt) => {
    setAttempt(next);
    const sent = await send.run(next);
    if (sent === undefined) return;
    setAttempt(null);
    setComment('');
    // The next one is about what this one made of the flight.
    base.reset();
    onAccepted();
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isSending || isUnknown) return;
    setMinutesProblem(typeof by === 'string' ? by : null);
    if (typeof by === 'string') {
      minutesField.current?.focus();
      return;
    }
    const read = held ?? (await base.run());
    // What was just read is not what the one who sends it saw: it is shown first.
    if (!read || (!held && !isSameTimes(read.times, shown))) return;
    await deliver(beginAttempt({ id, base: read, minutes: by, user: user.value, comment }));
  };
  const takePresent = async () => {
    send.reset();
    await base.run();
    minutesField.current?.focus();
  };

  return (
    <section class="panel flight-delay" aria-labelledby="delay">
      <h2 id="delay">Delay it</h2>
      <form
        noValidate
        onSubmit={(event) => void submit(event)}
        onFocusIn={() => {
          if (base.state.kind === 'IDLE' && !isSending) void base.run();
        }}
      >
        <fieldset class="plain" disabled={isSending || isUnknown} aria-describedby={result}>
          <legend class="hidden">By how much, by whom, why</legend>
          <Field
            label="Minutes"
            help="Negative: earlier."
            problem={minutesProblem}
            inputRef={minutesField}
            inputmode="text"
            value={minutes}
            onValue={(text) => {
              setMinutes(text);
              setMinutesProblem(null);
            }}
          />
          <Field
            label="User"
            help="Counts where callers are not authenticated."
            problem={failure?.field === 'user' ? failure.words : null}
            maxLength={LIMITS.user}
            autocomplete="username"
            value={user.value}
            onValue={(text) => (user.value = text)}
          />
          <Field
            label="Comment"
            problem={failure?.field === 'comment' ? failure.words : null}
            maxLength={LIMITS.comment}
            value={comment}
            onValue={setComment}
          />
          <Preview from={from} minutes={typeof by === 'number' ? by : null} />
          <p class="actions">
            <button type="submit" class="primary">
              {isSending ? 'Sending …' : 'Delay the flight'}
            </button>
          </p>
        </fieldset>
        <div id={result} role="status" class="delay-result">
          {base.state.kind === 'FAILED' && <p class="problem">Cannot read the flight: {base.state.reason}</p>}
          {send.state.kind === 'DONE' && <p>{acceptedWords(send.state.value)}</p>}
          {failure && failure.field === undefined && <p class="problem">{failure.words}</p>}
          {moved && failure === null && (
            <p class="problem">
              It was changed since you began: departure is now {clockTime(shown.departure)}, arrival{' '}
              {clockTime(shown.arrival)}. Sent as it is, your update is refused.
            </p>
          )}
        </div>
        {isUnknown && attempt && (
          <p class="actions">
            <button type="button" class="primary" onClick={() => void deliver(attempt)}>
              Send it again
            </button>
            <button
              type="button"
              onClick={() => {
                setAttempt(null);
                void takePresent();
              }}
            >
              Leave it
            </button>
          </p>
        )}
        {!isUnknown && (moved || failure?.kind === 'CONFLICT') && (
          <p class="actions">
            <button type="button" onClick={() => void takePresent()}>
              Take the present times
            </button>
          </p>
        )}
      </form>
    </section>
  );
}

function acceptedWords({ answer: { cacheKey, queueLength }, what }: Sent): string {
  return `Accepted: ${what}. It waits as number ${count(queueLength)} in the queue of partition ${partitionOf(cacheKey) ?? '?'}.`;
}

interface PreviewProps {
  readonly from: Pick<Flight, 'departure' | 'arrival'>;
  /** null: not known yet. */
  readonly minutes: number | null;
}

function Preview({ from, minutes }: PreviewProps) {
  const to = minutes === null ? null : delayed(from, minutes);
  return (
    <dl class="preview">
      <div>
        <dt>Departure</dt>
        <dd>
          <span>{clockTime(from.departure)}</span> → <strong>{to ? clockTime(to.departure) : '–'}</strong>
        </dd>
      </div>
      <div>
        <dt>Arrival</dt>
        <dd>
          <span>{clockTime(from.arrival)}</span> → <strong>{to ? clockTime(to.arrival) : '–'}</strong>
        </dd>
      </div>
      <div>
        <dt>By</dt>
        <dd>{minutes === null ? '–' : shift(minutes)}, UTC</dd>
      </div>
    </dl>
  );
}
