/** Is anything wrong, and how does it run: a verdict, and six figures with their minute. */
import '../style/now.css';
import { useMemo } from 'preact/hooks';
import { latest, link, looks, stage } from '../live/feed.ts';
import { alertsOf, problemsOf } from '../live/problems.ts';
import { moment } from '../live/words.ts';
import { Figure } from '../ui/figure.tsx';
import { WhatToDo } from '../ui/what-to-do.tsx';
import { figuresOf, isUntouched, type NowFigure } from './now-figures.ts';

export function NowView() {
  const all = looks.value;
  const isRemote = stage.value === 'REMOTE';
  const figures = useMemo(() => figuresOf(all, isRemote), [all, isRemote]);
  const isOld = link.value.kind !== 'LIVE';
  return (
    <div class={isOld ? 'now old' : 'now'}>
      <Verdict figures={figures} />
      <div class="now-figures">
        {figures.map((figure) => (
          <One key={figure.title} figure={figure} />
        ))}
      </div>
    </div>
  );
}

function One({ figure: { title, values, note, alarm, problem, chart } }: { readonly figure: NowFigure }) {
  return (
    <Figure
      title={title}
      value={values.map(({ text, name }) => (
        <span key={name} class="part">
          {text} <small>{name}</small>
        </span>
      ))}
      problem={
        problem && (
          <>
            {problem.words} <WhatToDo heading={problem.heading} about={title} />
          </>
        )
      }
      note={
        <>
          {note} {alarm && <span class="alarm-at">{alarm}.</span>}
        </>
      }
      {...(chart && { chart })}
    />
  );
}

/** The first thing to see, under the alerts of the frame. What it says of old figures it says of them as old. */
function Verdict({ figures }: { readonly figures: readonly NowFigure[] }) {
  const look = latest.value;
  if (!look) return <p class="verdict">Waiting for the first figures …</p>;
  const own = figures.flatMap(({ title, problem }) => (problem ? [{ ...problem, about: title }] : []));
  const more = problemsOf(look).map((problem) => ({ ...problem, about: problem.words }));
  const problems = [...own, ...more];
  const asOf = link.value.kind === 'LIVE' ? '' : `At ${moment(look.at)}: `;
  if (problems.length > 0)
    return (
      <div class="verdict verdict-bad" role="status">
        {asOf && <p>{asOf}</p>}
        <ul>
          {problems.map(({ words, heading, about }) => (
            <li key={words}>
              <span aria-hidden="true">!</span> {words} <WhatToDo heading={heading} about={about} />
            </li>
          ))}
        </ul>
      </div>
    );
  const isAlerted = alertsOf(look).length > 0;
  const isGood = !isAlerted && asOf === '';
  const words = isAlerted
    ? 'No other figure is beyond its alarm.'
    : `All ${look.live ? '' : 'that is known here '}is well: no figure is beyond its alarm.`;
  return (
    <div class={isGood ? 'verdict verdict-good' : 'verdict'} role="status">
      <p>
        {isGood && <span aria-hidden="true">✓ </span>}
        {asOf}
        {words}
      </p>
      {isGood && isUntouched(look) && (
        <p class="first-step">
          Nothing has happened yet: <a href="#/load">start a load</a> or <a href="#/flight">delay a flight</a>
          .
        </p>
      )}
    </div>
  );
}
