/** Cache and database side by side, and in words what a difference means. */
import type { ConsistencyAnswer, LettersAnswer } from '@afterwrite/client';
import type { ComponentChildren } from 'preact';
import { counted } from '../live/words.ts';
import { operationsAddress } from '../operations.ts';
import { Freshness, type Polled } from '../ui/polled.tsx';
import {
  fieldRows,
  lettersVerdict,
  NO_SUCH_FLIGHT,
  partitionOf,
  type Verdict,
  verdictOf,
} from './flight-words.ts';

/** Beside the words, for who looks from afar. */
const MARKS: Readonly<Record<ConsistencyAnswer['reason'], string>> = {
  EQUAL: '=',
  NOT_CACHED: '○',
  PENDING: '…',
  DIFFERENT: '≠',
  UNDECIDED: '?',
};

export interface Comparison {
  readonly answer: ConsistencyAnswer;
  /** By this machine's clock: the answer is no older. */
  readonly askedAt: number;
  /** Age of the oldest update that waits in its partition; null where none of it waits, or it is not known. */
  readonly oldestMs: number | null;
}

interface FlightCompareProps {
  readonly id: number;
  readonly compared: Polled<Comparison | 'NOT_FOUND'>;
  readonly letters: Polled<LettersAnswer['deadLetters']>;
}

export function FlightCompare({ id, compared, letters }: FlightCompareProps) {
  const comparison = compared.value === 'NOT_FOUND' ? undefined : compared.value;
  const answer = comparison?.answer;
  const flight = answer && (answer.cache ?? answer.database);
  return (
    <section
      class="panel flight-compare"
      aria-labelledby="compare"
      aria-busy={compared.at === null && compared.error === undefined}
    >
      <h2 id="compare" class="flight-title">
        Flight {id}
        {flight && (
          <span>
            {flight.flightno}, {flight.from_airport ?? '?'} → {flight.to_airport ?? '?'},{' '}
            {flight.airlinename ?? 'airline unknown'}
          </span>
        )}
      </h2>
      <Freshness polled={compared} what="cache and database" />
      {compared.value === 'NOT_FOUND' && <Finding verdict={NO_SUCH_FLIGHT} mark="?" />}
      {comparison && <Compared comparison={comparison} isOld={compared.error !== undefined} />}
      <DeadLetters letters={letters} />
      {flight && <SideBySide answer={answer} />}
    </section>
  );
}

function DeadLetters({ letters }: Pick<FlightCompareProps, 'letters'>) {
  const verdict = lettersVerdict(letters.value ?? []);
  return (
    <>
      {letters.error !== undefined && <Freshness polled={letters} what="its dead letters" />}
      {verdict && (
        <Finding verdict={verdict} mark="✕">
          <p>
            <a href="#/queue">Why, and what to do: in Queue</a>
          </p>
        </Finding>
      )}
    </>
  );
}

interface ComparedProps {
  readonly comparison: Comparison;
  /** It could not be read again since. */
  readonly isOld: boolean;
}

function Compared({ comparison: { answer, oldestMs }, isOld }: ComparedProps) {
  const verdict = verdictOf(answer, oldestMs);
  const title = isOld ? `When last read: ${verdict.title}` : verdict.title;
  const partition = partitionOf(answer.cacheKey);
  return (
    <Finding verdict={{ ...verdict, title }} mark={MARKS[answer.reason]}>
      {answer.reason === 'DIFFERENT' && (
        <p>
          <code>npm run reconcile -- --all</code>{' '}
          <a href={operationsAddress('Comparing cache and database')}>How, and on AWS</a>
        </p>
      )}
      <p class="note">
        {partition === null ? 'Its partition' : `Partition ${partition}`}:{' '}
        {counted(answer.queueLength, 'update')} in the queue, {counted(answer.pendingUpdates, 'update')} of
        this flight.
      </p>
    </Finding>
  );
}

interface FindingProps {
  readonly verdict: Verdict;
  readonly mark: string;
  readonly children?: ComponentChildren;
}

function Finding({ verdict: { tone, title, meaning, advice }, mark, children }: FindingProps) {
  return (
    <div class={`finding finding-${tone.toLowerCase()}`}>
      <p class="finding-title" role="status">
        <span class="finding-mark" aria-hidden="true">
          {mark}
        </span>
        {title}
      </p>
      <p>{meaning}</p>
      {advice !== null && <p>{advice}</p>}
      {children}
    </div>
  );
}

function SideBySide({ answer }: { readonly answer: ConsistencyAnswer }) {
  const none = answer.reason === 'NOT_CACHED' || answer.reason === 'PENDING' ? 'not cached' : 'none';
  return (
    <table class="side-by-side">
      <caption class="hidden">Fields of the flight in cache and database. Times are UTC.</caption>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Cache</th>
          <th scope="col">Database</th>
        </tr>
      </thead>
      <tbody>
        {fieldRows(answer).map(({ name, label, cache, database, differs }) => (
          <tr key={name} class={differs ? 'differs' : undefined}>
            <th scope="row">
              {differs && <span aria-hidden="true">≠</span>}
              {label}
              {differs && <span class="hidden"> differs</span>}
            </th>
            <td>{cache ?? <span class="note">{none}</span>}</td>
            <td>{database ?? <span class="note">no row</span>}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <td colSpan={3} class="note">
            Times are UTC. ≠ marks what differs. Compared every 2 s.
          </td>
        </tr>
      </tfoot>
    </table>
  );
}
