/** What may be missing, for a person. */
import type { LossReport } from '@afterwrite/write-behind';

export function lossWords(losses: readonly LossReport[]): string {
  const kinds = [...new Set(losses.map(({ kind }) => kind))];
  return kinds
    .map((each) =>
      wordsOf(
        each,
        losses.filter(({ kind }) => kind === each),
      ),
    )
    .join(' ');
}

/** One sentence for all partitions of a kind: a restart concerns every one that was in use, and the log has the time of each. */
function wordsOf(kind: LossReport['kind'], losses: readonly LossReport[]): string {
  const [came, verb] =
    kind === 'BUFFER'
      ? ["The queue's server came back, perhaps with less", 'may be']
      : ['The database came back with less', 'are'];
  const partitions = [...new Set(losses.map(({ partition }) => partition))].sort((a, b) => a - b);
  const noun = partitions.length === 1 ? 'partition' : 'partitions';
  const isKnown = losses.every(({ after }) => after !== null);
  const first = isKnown ? (losses.map(({ after }) => after ?? '').sort()[0] ?? '') : 'the first use';
  const last = losses
    .map(({ until }) => until)
    .sort()
    .at(-1);
  const range = `after ${first} and before ${last ?? ''}`;
  return `${came}: updates of ${noun} ${partitions.join(', ')} accepted ${range} ${verb} missing.`;
}
