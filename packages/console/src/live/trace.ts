/** W3C Trace Context, sampled: an update can be followed by its trace id from the request to its transaction. */
export interface Trace {
  readonly id: string;
  readonly traceparent: string;
}

export function newTrace(): Trace {
  const id = hex(16);
  return { id, traceparent: `00-${id}-${hex(8)}-01` };
}

function hex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}
