/** Says in one line when a server goes and when it is back, with what to do: a terminal is looked at before a page is. */
import type { LiveSample } from '@afterwrite/client';
import type { ServerPlace, Servers } from '../servers.ts';

/** A look that was late is no outage: so many samples, one a second, say the same before it is said. */
const SAMPLES_TO_BELIEVE = 3;

/** For `LiveFigures.onSample`. Both servers answer when it begins. */
export function outageNotices(
  { valkey, mysql }: Pick<Servers, 'valkey' | 'mysql'>,
  say: (line: string) => void,
): (sample: LiveSample) => void {
  const onValkey = changes((answers) =>
    say(
      answers
        ? `Valkey at ${valkey.address} answers again: updates are accepted.`
        : `Valkey at ${valkey.address} does not answer: no update is accepted. ${whatToDo(valkey)}`,
    ),
  );
  const onMysql = changes((answers) =>
    say(
      answers
        ? `MySQL at ${mysql.address} answers again: what waits is stored.`
        : `MySQL at ${mysql.address} does not answer: updates are accepted and wait, in order. ${whatToDo(mysql)}`,
    ),
  );
  return ({ queue }) => {
    onValkey(queue !== null);
    // Without Valkey nothing is known of MySQL.
    if (queue) onMysql(queue.deadLetters !== null);
  };
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
