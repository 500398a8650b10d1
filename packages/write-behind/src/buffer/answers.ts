/** Answers to idempotency keys on their way to other partitions: kept in the order in which they were given. */

export interface Answer {
  /** `<time in us> <key>`, as `includes/answers.lua` writes it. */
  readonly entry: string;
  readonly atUs: number;
  readonly key: string;
  readonly answer: string;
}

/** Several lists, each in order, as one in order: so that trimming by age still finds the oldest first. */
export async function* answersInOrder(sources: readonly AsyncIterator<Answer>[]): AsyncGenerator<Answer> {
  const heads = await Promise.all(sources.map(async (source) => ({ source, next: await source.next() })));
  for (;;) {
    let first: (typeof heads)[number] | undefined;
    for (const head of heads) {
      if (!head.next.done && (!first || first.next.done || head.next.value.atUs < first.next.value.atUs)) {
        first = head;
      }
    }
    if (!first || first.next.done) return;
    yield first.next.value;
    first.next = await first.source.next();
  }
}
