/** A call to the API as a view shows it: never more than one at a time, its end told, and a view that has gone hears nothing. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { describeError } from '../live/api.ts';

export type CallState<T> =
  | { readonly kind: 'IDLE' }
  /** `before`: what the last one gave, to be shown meanwhile. */
  | { readonly kind: 'RUNNING'; readonly before: T | undefined }
  | { readonly kind: 'DONE'; readonly value: T }
  | { readonly kind: 'FAILED'; readonly reason: string; readonly error: unknown };

export interface Call<T, A extends readonly unknown[]> {
  readonly state: CallState<T>;
  /** Ends the one before, if it still runs. Resolves with its value; undefined when it failed or was ended. */
  readonly run: (...args: A) => Promise<T | undefined>;
  readonly reset: () => void;
}

/** `work` gets a signal that ends it when it is called again or the view goes. */
export function useCall<T, A extends readonly unknown[]>(
  work: (signal: AbortSignal, ...args: A) => Promise<T>,
): Call<T, A> {
  const [state, setState] = useState<CallState<T>>({ kind: 'IDLE' });
  const running = useRef<AbortController | null>(null);
  const latestWork = useRef(work);
  latestWork.current = work;
  useEffect(() => () => running.current?.abort(), []);
  const run = useCallback(async (...args: A): Promise<T | undefined> => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    setState((before) => ({ kind: 'RUNNING', before: before.kind === 'DONE' ? before.value : undefined }));
    try {
      const value = await latestWork.current(controller.signal, ...args);
      if (controller.signal.aborted) return undefined;
      setState({ kind: 'DONE', value });
      return value;
    } catch (error) {
      if (!controller.signal.aborted) setState({ kind: 'FAILED', reason: describeError(error), error });
      return undefined;
    }
  }, []);
  const reset = useCallback(() => {
    running.current?.abort();
    setState({ kind: 'IDLE' });
  }, []);
  return { state, run, reset };
}
