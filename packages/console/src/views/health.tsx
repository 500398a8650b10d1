/** Every check of `GET /health` with what to do about it, and where this page has its figures from. */
import '../style/health.css';
import { headingOf } from '@afterwrite/client';
import { link, since, stage } from '../live/feed.ts';
import { useHealth } from '../live/health.ts';
import { type Check, type Health, inOrder, titleOf } from '../live/health-state.ts';
import { moment, withMoments } from '../live/words.ts';
import { WhatToDo } from '../ui/what-to-do.tsx';

export function HealthView() {
  const health = useHealth();
  return (
    <div class="health">
      <Summary health={health} />
      {health.answer && (
        <section class="panel" aria-labelledby="checks">
          <h2 id="checks">Checks</h2>
          <ul class={health.silence ? 'checks old' : 'checks'}>
            {inOrder(health.answer.checks).map((check, index) => (
              <OneCheck key={`${check.name} ${index}`} check={check} />
            ))}
          </ul>
        </section>
      )}
      <Figures />
    </div>
  );
}

function Summary({ health: { answer, answeredAt, silence } }: { readonly health: Health }) {
  const bad = answer?.checks.filter(({ ok }) => !ok).length ?? 0;
  const last =
    answeredAt === null
      ? 'It has not answered this page yet.'
      : `It last answered at ${moment(answeredAt)}; below is what it said then.`;
  return (
    <div class={`verdict ${silence || bad > 0 ? 'verdict-bad' : answer ? 'verdict-good' : ''}`} role="status">
      {silence ? (
        <p>
          <span aria-hidden="true">!</span> GET /health does not answer: {silence.reason} This says nothing of
          what was accepted: that is in the queue. {last}{' '}
          <WhatToDo heading="No answer" about="no answer of GET /health" />
        </p>
      ) : answer === null ? (
        <p>Asking GET /health …</p>
      ) : bad === 0 ? (
        <p>
          <span aria-hidden="true">✓</span> All {answer.checks.length} checks are well.
        </p>
      ) : (
        <p>
          <span aria-hidden="true">!</span> {bad} of {answer.checks.length} checks {bad === 1 ? 'is' : 'are'}{' '}
          not well.
        </p>
      )}
    </div>
  );
}

function OneCheck({ check: { name, ok, detail } }: { readonly check: Check }) {
  const title = titleOf(name);
  return (
    <li class={ok ? 'check' : 'check check-bad'}>
      <span class="check-mark" aria-hidden="true">
        {ok ? '✓' : '!'}
      </span>
      <div>
        <h3>
          {title}: {ok ? 'well' : 'not well'}
        </h3>
        <p>{withMoments(detail)}</p>
      </div>
      <WhatToDo heading={headingOf(name)} about={title} words={ok ? 'If it is not' : 'What to do'} />
    </li>
  );
}

function Figures() {
  const from = {
    UNKNOWN: 'Not known yet: neither the stream nor GET /queue has answered.',
    LOCAL: 'From GET /stream of npm start, one sample a second.',
    REMOTE: 'From GET /queue, asked every 3 s. Rates and latencies are in CloudWatch.',
  }[stage.value];
  const state = link.value;
  return (
    <section class="panel" aria-labelledby="figures">
      <h2 id="figures">Figures of this page</h2>
      <p>{from}</p>
      {since.value !== null && (
        <p>
          {state.kind === 'LIVE'
            ? `Without a break since ${moment(since.value)}.`
            : `They came from ${moment(since.value)} on and do not come now.`}
        </p>
      )}
    </section>
  );
}
