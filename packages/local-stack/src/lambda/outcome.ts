/** What became of an invocation that took place, and the bodies that Lambda itself makes for those that failed. */

export interface Outcome {
  /** The function's JSON, or the description of its error. */
  readonly payload: Buffer;
  /** Lambda says `Unhandled` for whatever went wrong in a function that runs on Node. */
  readonly functionError: 'Unhandled' | undefined;
}

export interface FunctionDefinition {
  readonly name: string;
  /** Folder with the bundle. Environments that start later see what is in it by then. */
  readonly taskRoot: string;
  /** `file.export`, as Lambda writes it. */
  readonly handler: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** The function's own variables. */
  readonly variables: Readonly<Record<string, string>>;
}

export function failure(errorType: string, errorMessage: string): Outcome {
  return { payload: Buffer.from(JSON.stringify({ errorType, errorMessage })), functionError: 'Unhandled' };
}

export function timedOut(requestId: string, timeoutMs: number): Outcome {
  const seconds = (timeoutMs / 1000).toFixed(2);
  return failure(
    'Sandbox.Timedout',
    `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`,
  );
}

export function exited(requestId: string, code: number | null, signal: NodeJS.Signals | null): Outcome {
  return failure('Runtime.ExitError', `RequestId: ${requestId} Error: ${exitReason(code, signal)}`);
}

function exitReason(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGABRT') return 'Runtime exited with error: signal: aborted (core dumped)';
  if (signal !== null)
    return `Runtime exited with error: signal: ${signal.slice('SIG'.length).toLowerCase()}`;
  return code === 0 || code === null
    ? 'Runtime exited without providing a reason'
    : `Runtime exited with error: exit status ${code}`;
}
