/**
 * What is asked again and again while a view is shown. Always one call at a time, the next only after the answer of the one
 * before; none while the page is hidden. A failure keeps the last answer, which then says how old it is.
 */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { describeError } from '../live/api.ts';
import { moment } from '../live/words.ts';

export interface Polled<T> {
  /** undefined until the first answer. */
  readonly value: T | undefined;
  /** When it came, milliseconds since 1970. */
  readonly at: number | null;
  /** Of the last call; undefined once one succeeds. */
  readonly error: unknown;
  /** The call under way takes long. */
  readonly isSlow: boolean;
  /** Asks at once, or right after the call under way. */
  readonly refresh: () => void;
}

type State<T> = Omit<Polled<T>, 'refresh'>;

const NOTHING = { value: undefined, at: null, error: undefined, isSlow: false };
const SLOW_AFTER_MS = 3000;
/** A server in trouble is not asked as often. */
const AFTER_FAILURE = 2;

/** `key` names what is asked for: another one begins anew. */
export function usePolled<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { key, everyMs }: { readonly key: string | number; readonly everyMs: number },
): Polled<T> {
  const [state, setState] = useState<State<T>>(NOTHING);
  const latestWork = useRef(work);
  latestWork.current = work;
  const wake = useRef<() => void>(() => undefined);
  useEffect(() => {
    const gone = new AbortController();
    let isWanted = false;
    setState(NOTHING);
    const round = async () => {
      const slow = setTimeout(() => setState((before) => ({ ...before, isSlow: true })), SLOW_AFTER_MS);
      try {
        const value = await latestWork.current(gone.signal);
        if (!gone.signal.aborted) setState({ value, at: Date.now(), error: undefined, isSlow: false });
        return everyMs;
      } catch (error) {
        if (!gone.signal.aborted) setState((before) => ({ ...before, error, isSlow: false }));
        return everyMs * AFTER_FAILURE;
      } finally {
        clearTimeout(slow);
      }
    };
    const pause = (ms: number) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, isWanted ? 0 : ms);
        wake.current = () => {
          clearTimeout(timer);
          resolve();
        };
        gone.signal.addEventListener('abort', wake.current, { once: true });
      });
    const loop = async () => {
      while (!gone.signal.aborted) {
        isWanted = false;
        wake.current = () => (isWanted = true);
        await pause(await round());
        await shown(gone.signal);
      }
    };
    void loop();
    return () => gone.abort();
  }, [key, everyMs]);
  const refresh = useCallback(() => wake.current(), []);
  return { ...state, refresh };
}

/** Resolves while somebody may look at the page. */
async function shown(signal: AbortSignal): Promise<void> {
  while (document.hidden && !signal.aborted) {
    await new Promise<void>((resolve) => {
      const go = () => resolve();
      document.addEventListener('visibilitychange', go, { once: true });
      signal.addEventListener('abort', go, { once: true });
    });
  }
}

/** Says when what is shown is not the present; nothing while it is. Announced when it begins, not each second. */
export function Freshness({
  polled: { at, error, isSlow },
  what,
}: {
  readonly polled: State<unknown>;
  /** `the queue`: what is read. */
  readonly what: string;
}) {
  const words = () => {
    const age = at === null ? '' : ` What is shown is of ${moment(at)}.`;
    if (error !== undefined) return `Cannot read ${what}: ${describeError(error)}${age} Trying again.`;
    if (isSlow) return `No answer yet about ${what}.${age}`;
    return at === null ? `Reading ${what} …` : '';
  };
  const text = words();
  return (
    <p role="status" class={error === undefined ? 'freshness note' : 'freshness problem'}>
      {text}
    </p>
  );
}
