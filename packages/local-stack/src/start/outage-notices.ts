/** Says in one line when a server goes and when it is back, with what to do: a terminal is looked at before a page is. */
import type { LiveSample } from '@afterwrite/client';
import type { ServerPlace, Servers } from '../servers.ts';

/** A look that was late is no outage: so many samples, one a second, say the same before it is said. */
const SAMPLES_TO_BELIEVE = 3;

/** For `LiveFigures.onSample`. Both servers answer when it begins. */
export function outageNotices(
  { queue: queueServer, database }: Pick<Servers, 'queue' | 'database'>,
  say: (line: string) => void,
): (sample: LiveSample) => void {
  const onQueueServer = changes((answers) =>
    say(
      answers
        ? `${nameOf(queueServer)} answers again: updates are accepted.`
        : `${nameOf(queueServer)} does not answer: no update is accepted. ${whatToDo(queueServer)}`,
    ),
  );
  const onDatabase = changes((answers) =>
    say(
      answers
        ? `${nameOf(database)} answers again: what waits is stored.`
        : `${nameOf(database)} does not answer: updates are accepted and wait, in order. ${whatToDo(database)}`,
    ),
  );
  return ({ queue }) => {
    onQueueServer(queue !== null);
    // Without the queue nothing is known of the database.
    if (queue) onDatabase(queue.deadLetters !== null);
  };
}

function nameOf({ title, address }: ServerPlace): string {
  return `${title} at ${address}`;
}

function whatToDo({ isLocal, address }: ServerPlace): string {
  return isLocal
    ? 'Ctrl-C and another npm start bring it back, with all that it had stored.'
    : `Look at the server on ${address}; when it is back, all goes on by itself.`;
}

function changes(onChange: (answers: boolean) => void): (answers: boolean) => void {
  let said = true;
  let others = 0;
  return (answers) => {
    others = answers === said ? 0 : others + 1;
    if (others < SAMPLES_TO_BELIEVE) return;
    [said, others] = [answers, 0];
    onChange(answers);
  };
}
