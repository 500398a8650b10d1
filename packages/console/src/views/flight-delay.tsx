/**
 * Delays a flight. What is sent is made from one version of it, held from the first touch of the form, and refused if the
 * flight has moved on: nobody's change is overwritten unseen. An update whose outcome is unknown keeps its key and its
 * content until it is known, so that it is carried out once.
 */
import { signal } from '@preact/signals';
import type { Flight } from '@afterwrite/client';
import { useId, useRef, useState } from 'preact/hooks';
import { useCall } from '../ui/call.ts';
import { Field } from '../ui/field.tsx';
import { failureOf } from './flight-failure.ts';
import { type Attempt, beginAttempt, readBase, sendAttempt } from './flight-send.ts';
import { clockTime, delayed, isSameTimes, parseMinutes, shift } from './flight-words.ts';

/** Kept from flight to flight. */
const user = signal('');
const LIMITS = { user: 100, comment: 200 };

interface FlightDelayProps {
  readonly id: number;
  /** As it is on the screen now. */
  readonly shown: Flight;
  readonly askedAt: number;
  readonly onAccepted: () => void;
}

export function FlightDelay(props: FlightDelayProps) {
  const delay = useDelay(props);
  const { minutes, by, problem, from, failure, isLocked, isSending, isUnknown } = delay;
  const result = useId();
  return (
    <section class="panel flight-delay" aria-labelledby="delay">
      <h2 id="delay">Delay it</h2>
      <form noValidate onSubmit={(event) => void delay.submit(event)} onFocusIn={delay.touch}>
        <fieldset class="plain" aria-describedby={result}>
          <legend class="hidden">By how much, by whom, why</legend>
          <Field
            label="Minutes"
            help="Negative: earlier."
            problem={problem}
            inputRef={delay.minutesField}
            readOnly={isLocked}
            value={minutes}
            onValue={delay.setMinutes}
          />
          <Field
            label="User"
            help="Who does it, for the audit trail. If you are signed in, that name counts."
            problem={failure?.field === 'user' ? failure.words : null}
            maxLength={LIMITS.user}
            readOnly={isLocked}
            autocomplete="username"
            value={user.value}
            onValue={(text) => (user.value = text)}
          />
          <Field
            label="Comment"
            problem={failure?.field === 'comment' ? failure.words : null}
            maxLength={LIMITS.comment}
            readOnly={isLocked}
            value={delay.comment}
            onValue={delay.setComment}
          />
          <Preview from={from} minutes={typeof by === 'number' ? by : null} />
          <p class="actions">
            {/* The same button throughout, never disabled: focus stays on it. */}
            <button type="submit" class="primary" aria-disabled={isSending}>
              {isSending ? 'Sending …' : isUnknown ? 'Send it again' : 'Delay the flight'}
            </button>
            {isUnknown && (
              <button type="button" onClick={() => void delay.takePresent()}>
                Leave it
              </button>
            )}
          </p>
        </fieldset>
        <Result id={result} delay={delay} shown={props.shown} />
      </form>
    </section>
  );
}

function useDelay({ id, shown, askedAt, onAccepted }: FlightDelayProps) {
  const [minutes, setMinutes] = useState('30');
  const [comment, setComment] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [attempt, setAttempt] = useState<Attempt | null>(null);
  const minutesField = useRef<HTMLInputElement>(null);
  // The version that the form is about; none before it is touched.
  const base = useCall((ending) => readBase(id, ending));
  const send = useCall((_ending, next: Attempt) => sendAttempt(next));
  const held = base.state.kind === 'DONE' ? base.state.value : null;
  const failure = send.state.kind === 'FAILED' ? failureOf(send.state.error) : null;
  const isSending = send.state.kind === 'RUNNING';
  const isUnknown = failure?.kind === 'UNKNOWN';
  const by = parseMinutes(minutes);

  const deliver = async (next: Attempt) => {
    setAttempt(next);
    if ((await send.run(next)) === undefined) return;
    setAttempt(null);
    setComment('');
    // The next one is about what this one made of the flight.
    base.reset();
    onAccepted();
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isSending) return;
    if (isUnknown && attempt) {
      await deliver(attempt);
      return;
    }
    setProblem(typeof by === 'string' ? by : null);
    if (typeof by === 'string') {
      minutesField.current?.focus();
      return;
    }
    const read = held ?? (await base.run());
    // What was just read is not what the one who sends it saw: it is shown first.
    const isNews = read !== undefined && !held && !isSameTimes(read.times, shown);
    if (isNews) setProblem('The flight has just changed: look at its times below, then send again.');
    if (!read || isNews) return;
    await deliver(beginAttempt({ id, base: read, minutes: by, user: user.value, comment }));
  };
  const takePresent = async () => {
    setAttempt(null);
    send.reset();
    await base.run();
    minutesField.current?.focus();
  };
  return {
    ...{ minutes, by, problem, comment, setComment, minutesField, base: base.state, send: send.state },
    ...{ failure, isSending, isUnknown, submit, takePresent },
    isLocked: isSending || isUnknown,
    from: held?.times ?? shown,
    /** What is on the screen is not what the form is about. */
    hasMoved: held !== null && askedAt > held.readAt && !isSameTimes(held.times, shown) && !isSending,
    setMinutes: (text: string) => {
      setMinutes(text);
      setProblem(null);
    },
    touch: () => {
      if (base.state.kind === 'IDLE' && !isSending) void base.run();
    },
  };
}

interface ResultProps {
  readonly id: string;
  readonly delay: ReturnType<typeof useDelay>;
  readonly shown: Flight;
}

/** What became of it, and the way on. */
function Result({ id, delay, shown }: ResultProps) {
  const { base, send, failure, hasMoved, isUnknown, takePresent } = delay;
  return (
    <>
      <div id={id} role="status" class="delay-result">
        {base.kind === 'FAILED' && <p class="problem">Cannot read the flight: {base.reason}</p>}
        {send.kind === 'DONE' && !hasMoved && (
          <p>Accepted: {send.value.what}. It is followed under “Updates made here”.</p>
        )}
        {failure && failure.field === undefined && <p class="problem">{failure.words}</p>}
        {hasMoved && failure === null && (
          <p class="problem">
            It was changed since you began: departure is now {clockTime(shown.departure)}, arrival{' '}
            {clockTime(shown.arrival)}. Sent as it is, your update is refused.
          </p>
        )}
      </div>
      {!isUnknown && (hasMoved || failure?.kind === 'CONFLICT') && (
        <p class="actions">
          <button type="button" onClick={() => void takePresent()}>
            Take the present times
          </button>
        </p>
      )}
    </>
  );
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
