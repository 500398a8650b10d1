/** What `POST /load` is asked. */
import { LOAD_LIMITS, type LoadRequest } from '@afterwrite/client';

export type ParsedRequest =
  | { readonly kind: 'REQUEST'; readonly request: LoadRequest }
  /** What is wrong with it, for the caller. */
  | { readonly kind: 'INVALID'; readonly detail: string };

export function parseLoadRequest(body: unknown): ParsedRequest {
  const invalid = (detail: string): ParsedRequest => ({ kind: 'INVALID', detail });
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return invalid('Send {"updatesPerSecond": n, "seconds": n}.');
  }
  const fields = body as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((name) => !Object.hasOwn(LOAD_LIMITS, name));
  if (unknown !== undefined) return invalid(`${unknown.slice(0, 50)}: is not a field of this request.`);
  const { updatesPerSecond, seconds } = fields;
  if (!isWhole(updatesPerSecond, LOAD_LIMITS.updatesPerSecond)) return invalid(range('updatesPerSecond'));
  if (!isWhole(seconds, LOAD_LIMITS.seconds)) return invalid(range('seconds'));
  return { kind: 'REQUEST', request: { updatesPerSecond, seconds } };
}

function isWhole(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most;
}

function range(name: keyof typeof LOAD_LIMITS): string {
  return `${name}: must be a whole number from 1 to ${LOAD_LIMITS[name]}.`;
}
