/**
 * Did a test see that a guard is missing, by the assertion of an invariant? A time-out, a hook, a file that does not
 * load, an error that nobody expected do not count: they say that something broke, not which promise.
 */

export interface Failure {
  readonly name?: string | undefined;
  readonly message: string;
  /** What was asserted about, as the assertion's error has it: a text, or a value that was printed. */
  readonly actual?: unknown;
  readonly cause?: unknown;
}

export interface Catch {
  /** The number of DESIGN's invariant, from the broken promise or the test's name. */
  readonly invariant: string;
  readonly test: string;
  readonly message: string;
}

/** `3 lost good2`: how tests/support/invariants.ts and the like name a broken promise. */
const BROKEN_PROMISE = /^[\s"'[+-]*(10|[1-9]) ([a-z].*?)(?:(?<!\\)["'])?,?\]?$/;
/** `7 acks only forward`, `1 to 7, 9 the shortest ways`, `4: once`. */
const NUMBERED = /^(10|[1-9])(?:(?:, | to | and )(?:10|[1-9]))*(?::|(?= ))/;
/** An expectation of an outcome that ended in an error instead: a crash, whatever its class says. */
const CRASHED = 'promise rejected';
/** Characters of a message in the table. */
const MOST_SAID = 160;

/** `path`: names of the test's suites and its own, outermost first. */
export function judge(path: readonly string[], failures: readonly Failure[]): Catch | undefined {
  for (const failure of failures.flatMap(withCauses)) {
    if (failure.name !== 'AssertionError' || failure.message.startsWith(CRASHED)) continue;
    const promise = brokenPromise(failure);
    const numbered = path.map((name) => NUMBERED.exec(name)?.[0]).find((numbers) => numbers !== undefined);
    const invariant = promise?.number ?? numbered?.replace(':', '');
    if (invariant === undefined) continue;
    return { invariant, test: path.join(' > '), message: promise?.text ?? said(failure) };
  }
  return undefined;
}

/** The message, and what it was about where the message leaves that out. */
function said({ message, actual }: Failure): string {
  const isCut = /Array\(|…|\.\.\.\)/.test(message) && typeof actual === 'string';
  return oneLine(isCut ? `${message}: ${actual}` : message).slice(0, MOST_SAID);
}

function withCauses(failure: Failure): Failure[] {
  const { cause } = failure;
  return typeof cause === 'object' && cause !== null && 'message' in cause
    ? [failure, ...withCauses(cause as Failure)]
    : [failure];
}

function brokenPromise({ actual, message }: Failure): { number: string; text: string } | undefined {
  const printed = typeof actual === 'string' ? actual : JSON.stringify(actual ?? null, null, 1);
  for (const line of `${printed}\n${message}`.split('\n')) {
    const [, number, text] = BROKEN_PROMISE.exec(line) ?? [];
    if (text !== undefined && number !== undefined)
      return { number, text: text.replaceAll(String.raw`\"`, '"') };
  }
  return undefined;
}

export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
