/** What the view Queue says. */
import type { Heading, LettersAnswer, ProcessAnswer, RedriveAnswer } from '@afterwrite/client';
import { count, counted, duration, moment } from '../live/words.ts';

export type Letter = LettersAnswer['deadLetters'][number];
export type Outcome = RedriveAnswer['outcomes'][number];

interface Words {
  readonly title: string;
  /** What to do. */
  readonly advice: string;
}

const REASONS: Readonly<Record<string, Words>> = {
  MISSING_ROW: {
    title: 'its row is not in the database',
    advice: 'Bring the row back, then redrive.',
  },
  REFUSED: {
    title: 'the database refuses the value',
    advice:
      'A constraint forbids it, or it is out of range: the database says which. Mend the cause, then redrive.',
  },
  UNREADABLE: {
    title: 'the queue item cannot be read',
    advice: 'It is not ours, or damaged. Look at the raw item; it cannot be redriven.',
  },
  ABANDONED: {
    title: 'newer updates were stored before it came',
    advice:
      "It is from before the queue's server came back with less than it had. Storing it now would undo newer values: make the update again if it still counts.",
  },
};

/** Of a dead letter's `reason`, in words. */
export function reasonWords(reason: string | null): Words {
  return (
    REASONS[reason ?? ''] ?? {
      title: reason ?? 'the reason is not known',
      advice: 'Look at the letter in the table afterwrite_dead_letters.',
    }
  );
}

/** What to do with it. */
export function adviceFor({ reason, superseded }: Letter): string {
  if (superseded.length === 0 || reason === 'ABANDONED') return reasonWords(reason).advice;
  return 'Nothing to mend: newer values stand. Delete it in afterwrite_dead_letters when you have what you need of it.';
}

/** Why it cannot be redriven from here; null where it can. */
export function whyNot({ reason, superseded, redrivable, seq }: Letter): string | null {
  if (reason === 'UNREADABLE') return 'Not redrivable: it is no update that can be read.';
  if (superseded.length > 0)
    return `Not redrivable: newer updates have set ${superseded.join(' and ')} since, and storing it would undo them.`;
  if (!redrivable) return 'Not redrivable: this version of the code does not know its format.';
  if (seq === null)
    return 'Its item shows no number (seq), by which letters are chosen: only "Redrive all" takes it.';
  return null;
}

/** A field's value: a time as elsewhere on the page, what is no text as JSON. */
export function changeText(value: unknown): string {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)) return moment(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function outcomeWords({ kind, fields = [], error }: Outcome): string {
  switch (kind) {
    case 'REDRIVEN':
      return 'stored, with its audit row; the letter is gone';
    case 'GONE':
      return 'dealt with meanwhile by somebody else';
    case 'SUPERSEDED':
      return `not stored: newer updates have set ${fields.length === 0 ? 'its fields' : fields.join(' and ')} since; it stays`;
    case 'UNREADABLE':
      return 'not stored: it is no update that can be read; it stays';
    case 'REFUSED':
      return `refused again by the database; it stays. Mend the cause first${error === undefined ? '' : `: ${error}`}`;
  }
}

/** `3 letters: 2 stored, 1 refused again`. */
export function outcomesInShort(outcomes: readonly Outcome[]): string {
  if (outcomes.length === 0) return 'No dead letter was there to redrive.';
  const words = {
    REDRIVEN: 'stored',
    REFUSED: 'refused again',
    SUPERSEDED: 'superseded by newer updates',
    UNREADABLE: 'unreadable',
    GONE: 'gone meanwhile',
  } as const;
  const parts = (Object.keys(words) as (keyof typeof words)[])
    .map((kind) => [kind, outcomes.filter((outcome) => outcome.kind === kind).length] as const)
    .filter(([, found]) => found > 0)
    .map(([kind, found]) => `${count(found)} ${words[kind]}`);
  return `${counted(outcomes.length, 'letter')}: ${parts.join(', ')}.`;
}

/** What a flush did, a sentence a line. */
export function processWords(answer: ProcessAnswer): string[] {
  const { processed, skipped, failed, queries, remaining, stopped, storeAway } = answer;
  return [
    processed + skipped + failed === 0
      ? 'Nothing was stored.'
      : `Stored ${counted(processed, 'update')} with ${counted(queries, 'statement')}.`,
    ...(failed > 0
      ? [
          `${counted(failed, 'update')} parked as dead letter${failed === 1 ? '' : 's'}: the database refuses them.`,
        ]
      : []),
    ...(skipped > 0 ? [`${counted(skipped, 'update')} had been dealt with before.`] : []),
    remaining === 0
      ? 'Nothing waits.'
      : `${counted(remaining, 'update')} still ${remaining === 1 ? 'waits' : 'wait'}.`,
    ...stopped.map((each) => `Partition ${each.partition} ${haltOf(each).title}.`),
    ...(storeAway ? [`The database is away; it is tried again in ${duration(storeAway.retryInMs)}.`] : []),
  ];
}

const STOPPED: Readonly<Record<string, Words>> = {
  STORE_UNAVAILABLE: {
    title: 'the database cannot be reached',
    advice: 'It goes on by itself when the database is back.',
  },
  STORE_ERROR: {
    title: 'the database refuses the statement, not the data',
    advice:
      'A table is missing, a right was revoked, a disk is full: GET /health and the flush log say which. Mend it.',
  },
  NEWER_FORMAT: {
    title: 'its next item was written by newer code',
    advice: 'Deploy the newer version again; its items wait for it.',
  },
  PARTITIONS_CHANGED: {
    title: 'the number of partitions was changed',
    advice: 'Start the flushers again with the new number.',
  },
  PARTITIONS_CHANGING: {
    title: 'the queue is being rebuilt',
    advice: 'It goes on by itself when that is done.',
  },
  BUFFER_UNAVAILABLE: {
    title: "the queue's server cannot be reached",
    advice: 'It goes on by itself when that is back.',
  },
  BUFFER_ERROR: {
    title: "the queue's server refuses the command",
    advice: 'The flush log says which and why. Mend it.',
  },
};

/** Why a partition's flush halted, by the code of its error. */
export function stoppedWords(code: string): Words {
  return (
    STOPPED[code] ?? {
      title: `the flush failed with ${code}`,
      advice: 'Nothing is lost, its updates wait in order. The flush log has the message.',
    }
  );
}

interface Halt extends Words {
  /** Of docs/OPERATIONS.md. */
  readonly chapter: Heading;
}

/** Why a partition does not go on: what is tried again by itself waits, and is not stopped. */
export function haltOf({ code, retryable }: { readonly code: string; readonly retryable: boolean }): Halt {
  const { title, advice } = stoppedWords(code);
  if (code === 'STORE_UNAVAILABLE') return { title: 'waits for the database', advice, chapter: 'StoreAway' };
  if (code === 'BUFFER_UNAVAILABLE')
    return { title: "waits for the queue's server", advice, chapter: "The queue's server does not answer" };
  return { title: `${retryable ? 'waits' : 'stopped'}: ${title}`, advice, chapter: 'PartitionsStopped' };
}

/** The batch's size; null: as configured; or why it is none. */
export function parseBatch(text: string, most: number): number | null | string {
  const found = text.trim();
  if (found === '') return null;
  const size = /^\d{1,9}$/.test(found) ? Number(found) : 0;
  return size >= 1 && size <= most ? size : `A whole number from 1 to ${count(most)}, or empty.`;
}
