/** Time, chance and names, passed in so that tests need none of them. What browsers and Node both have. */
export interface Runtime {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Rejects with the signal's reason once it is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** 0 to below 1. */
  readonly random: () => number;
  /** Different at every call, on every machine: an idempotency key is made of it. */
  readonly uuid: () => string;
}

/** randomUUID itself is there only on https and localhost pages. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

export const systemRuntime: Runtime = { now: () => Date.now(), sleep, random: () => Math.random(), uuid };
