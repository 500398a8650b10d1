/** What a mutation is: a guard of the engine taken out of its source by exact texts, and the tests that must see it. */

export interface Edit {
  /** Occurs exactly once in the file; anything else means that the list is out of date. */
  readonly find: string;
  readonly replace: string;
}

export interface CaughtBy {
  /** A test file, from the root of the checkout. */
  readonly file: string;
  /** What the names of its suite and of the test contain; default: all that the file has. */
  readonly suite?: string;
  readonly test?: string;
}

export interface Mutation {
  readonly name: string;
  /** As docs/ARCHITECTURE.md calls it. */
  readonly guard: string;
  /** The source, from the root of the checkout. */
  readonly file: string;
  readonly edits: readonly Edit[];
  /** Tried in this order until one sees it: the cheapest first. */
  readonly caughtBy: readonly CaughtBy[];
}

/** The list does not fit the source any more. */
export class StaleMutationError extends Error {
  override readonly name = 'StaleMutationError';
}

/** The file's text with the guard taken out. Throws StaleMutationError. */
export function mutate({ name, file, edits }: Mutation, text: string): string {
  let mutated = text;
  for (const { find, replace } of edits) {
    const times = mutated.split(find).length - 1;
    if (times !== 1) {
      const said = `occurs ${String(times)} times in ${file}, not once:\n  ${find}\n`;
      throw new StaleMutationError(
        `${name}: its text ${said}Bring scripts/mutants/list/ up to date with the source.`,
      );
    }
    mutated = mutated.replace(find, () => replace);
  }
  return mutated;
}

/** For Vitest's `-t`, which sees the names of suites and test in one line; undefined for all tests of the file. */
export function namePattern({ suite, test }: CaughtBy): string | undefined {
  const parts = [suite, test].filter((part) => part !== undefined);
  return parts.length === 0
    ? undefined
    : parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('.*');
}
