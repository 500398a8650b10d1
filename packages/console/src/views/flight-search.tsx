/** By id straight to the flight, by flight number to a choice of its flights. */
import { useEffect, useId, useState } from 'preact/hooks';
import { client } from '../live/api.ts';
import { count } from '../live/words.ts';
import { go, route } from '../route.ts';
import { useCall } from '../ui/call.ts';
import { clockTime, parseSearch } from './flight-words.ts';

export function FlightSearch() {
  const [text, setText] = useState(route.value.rest);
  const [problem, setProblem] = useState<string | null>(() => problemOf(route.value.rest));
  const input = useId();
  const help = useId();
  const submit = (event: Event) => {
    event.preventDefault();
    const search = parseSearch(text);
    if (search.kind === 'EMPTY') setProblem('Enter an id or a flight number.');
    else setProblem(search.kind === 'WRONG' ? search.reason : null);
    if (search.kind === 'ID') go('flight', String(search.id));
    if (search.kind === 'NUMBER') go('flight', search.flightno);
  };
  return (
    <form class="row search" role="search" noValidate onSubmit={submit}>
      <div class="field">
        <label for={input}>Flight id or flight number</label>
        <input
          id={input}
          type="search"
          autocomplete="off"
          spellcheck={false}
          value={text}
          placeholder="115 or OM4257"
          aria-describedby={help}
          aria-invalid={problem !== null}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </div>
      <button type="submit" class="primary">
        Show
      </button>
      <p id={help} class={problem === null ? 'note' : 'problem'} role="status">
        {problem ?? 'Digits alone are an id; a flight number lists its flights to choose from.'}
      </p>
    </form>
  );
}

function problemOf(rest: string): string | null {
  const search = parseSearch(rest);
  return search.kind === 'WRONG' ? search.reason : null;
}

/** As many as a person looks through. */
const MOST_FOUND = 50;

export function FlightsFound({ flightno }: { readonly flightno: string }) {
  const { state, run } = useCall((signal) => client.findFlights({ flightno, limit: MOST_FOUND, signal }));
  useEffect(() => void run(), [run]);
  const flights = state.kind === 'DONE' ? state.value.flights : [];
  const words = {
    IDLE: '',
    RUNNING: `Looking for ${flightno} …`,
    DONE: foundWords(flightno, flights.length),
    FAILED: state.kind === 'FAILED' ? state.reason : '',
  }[state.kind];
  return (
    <section class="panel" aria-labelledby="found">
      <h2 id="found">Flights with the number {flightno}</h2>
      <p role="status" class={state.kind === 'FAILED' ? 'problem' : 'note'}>
        {words}
      </p>
      {state.kind === 'FAILED' && (
        <p>
          <button type="button" onClick={() => void run()}>
            Try again
          </button>
        </p>
      )}
      {flights.length > 0 && (
        <ul class="found">
          {flights.map((flight) => (
            <li key={flight.flight_id}>
              <a href={`#/flight/${flight.flight_id}`}>
                <strong>{clockTime(flight.departure)} UTC</strong>
                <span>
                  {flight.from_airport ?? '?'} → {flight.to_airport ?? '?'}
                </span>
                <span>{flight.airlinename}</span>
                <span class="note">id {flight.flight_id}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function foundWords(flightno: string, found: number): string {
  if (found === 0) return `No flight has the number ${flightno}.`;
  const all = found === MOST_FOUND ? `The newest ${count(found)}` : count(found);
  return `${all}, the newest departure first, as the database has them.`;
}
