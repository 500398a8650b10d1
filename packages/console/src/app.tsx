/** The frame around the views: where one is, how fresh the figures are, and what cannot be overlooked. */
import type { ComponentType } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { latest, link, stage } from './live/feed.ts';
import { alertsOf } from './live/problems.ts';
import { duration } from './live/words.ts';
import { route, type ViewName, viewNames } from './route.ts';
import { theme, THEMES } from './theme.ts';
import { WhatToDo } from './ui/what-to-do.tsx';
import { FlightView } from './views/flight.tsx';
import { FlowView } from './views/flow.tsx';
import { HealthView } from './views/health.tsx';
import { LoadView } from './views/load.tsx';
import { NowView } from './views/now.tsx';
import { QueueView } from './views/queue.tsx';

const VIEWS: Readonly<Record<ViewName, { readonly title: string; readonly View: ComponentType }>> = {
  now: { title: 'Now', View: NowView },
  flow: { title: 'Flow', View: FlowView },
  flight: { title: 'Flight', View: FlightView },
  load: { title: 'Load', View: LoadView },
  queue: { title: 'Queue', View: QueueView },
  health: { title: 'Health', View: HealthView },
};

export function App() {
  const { view } = route.value;
  const { title, View } = VIEWS[view];
  const heading = useRef<HTMLHeadingElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${title} – Afterwrite`;
    // A screen reader is told of the new view; at the first one the page's own beginning is right.
    if (!isFirst.current) heading.current?.focus();
    isFirst.current = false;
  }, [title]);
  return (
    <>
      <a class="skip" href="#main" onClick={skipTo(heading)}>
        Skip to the view
      </a>
      <header class="bar">
        <a class="brand" href="#/now" aria-label="Afterwrite, to the view Now">
          Afterwrite
        </a>
        <nav aria-label="Views">
          <ul>
            {viewNames.map((name) => (
              <li key={name}>
                <a href={`#/${name}`} aria-current={name === view ? 'page' : undefined}>
                  {VIEWS[name].title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <LinkState />
        <ThemeChoice />
      </header>
      <Alerts />
      <main id="main">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <View />
      </main>
    </>
  );
}

function skipTo(heading: { readonly current: HTMLElement | null }) {
  return (event: Event) => {
    // The hash is the route's.
    event.preventDefault();
    heading.current?.focus();
  };
}

/** Words, not only a colour; announced when the kind changes, not each second. */
function LinkState() {
  const state = link.value;
  const where = stage.value === 'REMOTE' ? 'Every 3 s from GET /queue' : 'Live';
  const words = {
    CONNECTING: 'Connecting',
    LIVE: where,
    STALE: 'Stale',
    LOST: 'Disconnected',
  }[state.kind];
  return (
    <p class={`link link-${state.kind.toLowerCase()}`}>
      <span class="dot" aria-hidden="true" />
      <span role="status">{words}</span>
      {'sinceMs' in state && <span> for {duration(state.sinceMs)}</span>}
    </p>
  );
}

const THEME_WORDS = { auto: 'Auto', light: 'Light', dark: 'Dark' } as const;

function ThemeChoice() {
  return (
    <label class="theme">
      <span class="hidden">Theme</span>
      <select
        value={theme.value}
        onChange={({ currentTarget }) =>
          (theme.value = THEMES.find((each) => each === currentTarget.value) ?? 'auto')
        }
      >
        {THEMES.map((name) => (
          <option key={name} value={name}>
            {THEME_WORDS[name]}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What somebody must know whichever view they look at. */
function Alerts() {
  const state = link.value;
  const look = latest.value;
  const messages: string[] = [];
  // Without the age, which changes: each change would be announced again. It stands beside the state above.
  if (state.kind === 'LOST') messages.push(`${state.reason} Trying again; what is shown is old.`);
  if (state.kind === 'STALE') messages.push('No new figures come; what is shown is old.');
  const problems = look && state.kind === 'LIVE' ? alertsOf(look) : [];
  return (
    <div class="alerts" role="alert">
      {messages.map((message) => (
        <p key={message}>{message}</p>
      ))}
      {problems.map(({ words, heading }) => (
        <p key={words}>
          {words} <WhatToDo heading={heading} about={words} />
        </p>
      ))}
    </div>
  );
}
