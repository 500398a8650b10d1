/** `GET /health` while somebody looks: one question at a time, the next some seconds after the answer. */
import { useEffect, useState } from 'preact/hooks';
import { ApiProblem, type HealthAnswer } from '@afterwrite/client';
import { client, describeError } from './api.ts';
import { answered, failed, type Health, UNASKED } from './health-state.ts';

const EVERY_MS = 3000;
/** The function answers within seconds whatever is away. */
const LIMIT_MS = 12_000;

export function useHealth(): Health {
  const [health, setHealth] = useState<Health>(UNASKED);
  useEffect(() => {
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      try {
        const answer: HealthAnswer = await client.health({
          signal: AbortSignal.any([gone.signal, AbortSignal.timeout(LIMIT_MS)]),
        });
        if (!gone.signal.aborted) setHealth(answered(answer, Date.now()));
      } catch (error) {
        if (!gone.signal.aborted) setHealth((before) => failed(before, reasonOf(error), Date.now()));
      }
      if (!gone.signal.aborted) timer = setTimeout(() => void ask(), EVERY_MS);
    };
    void ask();
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, []);
  return health;
}

/** Health answers 200 or 503, and both are answers: any other is of something that stands before it. */
function reasonOf(error: unknown): string {
  return error instanceof ApiProblem
    ? `Something that stands before it answered ${error.status}.`
    : describeError(error);
}
