/** Starts and stops a load. What the server refuses it says in its own words. */
import { LOAD_LIMITS } from '@afterwrite/client';
import { useState } from 'preact/hooks';
import { startLoad, stopLoad } from '../live/api.ts';
import { count } from '../live/words.ts';
import { useCall } from '../ui/call.ts';
import { Field } from '../ui/field.tsx';
import { type LoadFields, parseWhole, requestOf } from './load-words.ts';

const PRESETS: readonly {
  readonly name: string;
  readonly updatesPerSecond: number;
  readonly seconds: number;
}[] = [
  { name: 'Gentle', updatesPerSecond: 200, seconds: 60 },
  { name: 'Busy', updatesPerSecond: 2000, seconds: 60 },
  { name: 'Heavy', updatesPerSecond: 10_000, seconds: 60 },
];

export function LoadControl({ isUnderWay }: { readonly isUnderWay: boolean }) {
  const [fields, setFields] = useState<LoadFields>({ updatesPerSecond: '2000', seconds: '60' });
  const [isChecked, setIsChecked] = useState(false);
  const start = useCall((_signal, request: Parameters<typeof startLoad>[0]) => startLoad(request));
  const stop = useCall(() => stopLoad());
  const request = requestOf(fields);
  // Not disabled, but without effect: focus stays where it is.
  const isStarting = start.state.kind === 'RUNNING';
  const canStop = isUnderWay && stop.state.kind !== 'RUNNING';
  const problemOf = (text: string, most: number) => {
    const value = parseWhole(text, most);
    return isChecked && typeof value === 'string' ? value : null;
  };
  const submit = (event: Event) => {
    event.preventDefault();
    setIsChecked(true);
    stop.reset();
    if (request && !isUnderWay && !isStarting) void start.run(request);
  };
  const failed = [start.state, stop.state].find((state) => state.kind === 'FAILED');
  return (
    <section class="panel load-control" aria-labelledby="load-of">
      <h2 id="load-of">Updates by write-behind</h2>
      <form class="load-form" noValidate onSubmit={submit}>
        <Field
          label="Updates a second"
          help={`1 to ${count(LOAD_LIMITS.updatesPerSecond)}`}
          problem={problemOf(fields.updatesPerSecond, LOAD_LIMITS.updatesPerSecond)}
          inputmode="numeric"
          value={fields.updatesPerSecond}
          onValue={(updatesPerSecond) => setFields({ ...fields, updatesPerSecond })}
        />
        <Field
          label="For seconds"
          help={`1 to ${count(LOAD_LIMITS.seconds)}; it stops by itself.`}
          problem={problemOf(fields.seconds, LOAD_LIMITS.seconds)}
          inputmode="numeric"
          value={fields.seconds}
          onValue={(seconds) => setFields({ ...fields, seconds })}
        />
        <Presets onChoose={setFields} />
        <div class="buttons">
          <button type="submit" class="primary" aria-disabled={isUnderWay || isStarting}>
            {isStarting ? 'Starting …' : 'Start the load'}
          </button>
          <button
            type="button"
            aria-disabled={!canStop}
            onClick={() => {
              if (!canStop) return;
              start.reset();
              void stop.run();
            }}
          >
            {stop.state.kind === 'RUNNING' ? 'Stopping …' : 'Stop it'}
          </button>
        </div>
      </form>
      <p role="status" class="problem said">
        {failed?.kind === 'FAILED' ? failed.reason : ''}
      </p>
      <p class="note">
        It delays flights in this machine&apos;s own database. A few updates a second go by write-through and
        cache-aside at the same time, to compare.
      </p>
    </section>
  );
}

function Presets({ onChoose }: { readonly onChoose: (fields: LoadFields) => void }) {
  return (
    <div class="buttons" role="group" aria-label="Ready made">
      {PRESETS.map(({ name, updatesPerSecond, seconds }) => (
        <button
          key={name}
          type="button"
          onClick={() => onChoose({ updatesPerSecond: String(updatesPerSecond), seconds: String(seconds) })}
        >
          {name}: {count(updatesPerSecond)} a second
        </button>
      ))}
    </div>
  );
}
