/**
 * The trace of a request, as the queue item carries it: W3C's `traceparent` where the caller sent one, else X-Ray's, as
 * `<root>-<parent>`. Only of requests that their sender samples, so that any other update costs nothing more.
 */

/** https://www.w3.org/TR/trace-context/: a later version may have more behind its flags. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const TRACEPARENT_00_LENGTH = 55;
const ONLY_ZEROS = /^0+$/;
const XRAY_ROOT = /(?:^|;)Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)/;
const XRAY_PARENT = /(?:^|;)Parent=([0-9a-f]{16})(?:;|$)/;

/** undefined: none, or it is not sampled. `xrayHeaders`: the first that has a root counts. */
export function sampledTrace(
  traceparent: string | undefined,
  ...xrayHeaders: readonly (string | undefined)[]
): string | undefined {
  const w3c = parseTraceparent(traceparent);
  if (w3c) return w3c.isSampled ? `00-${w3c.traceId}-${w3c.parentId}-01` : undefined;
  const header = xrayHeaders.find((each) => each !== undefined && XRAY_ROOT.test(each));
  if (header === undefined || !/(?:^|;)Sampled=1(?:;|$)/.test(header)) return undefined;
  return [XRAY_ROOT.exec(header)?.[1], XRAY_PARENT.exec(header)?.[1]].filter(Boolean).join('-');
}

function parseTraceparent(header: string | undefined) {
  if (header === undefined || (header.startsWith('00') && header.length !== TRACEPARENT_00_LENGTH))
    return undefined;
  const [, traceId = '', parentId = '', flags = ''] = TRACEPARENT.exec(header) ?? [];
  if (ONLY_ZEROS.test(traceId) || ONLY_ZEROS.test(parentId) || traceId === '') return undefined;
  return { traceId, parentId, isSampled: (parseInt(flags, 16) & 1) === 1 };
}

/** Of a trace as `sampledTrace` gives it, for X-Ray: W3C's id is the same digits with X-Ray's dashes. */
export function asXrayTrace(
  trace: string,
): { readonly root: string; readonly parent: string | undefined } | undefined {
  const w3c = /^00-([0-9a-f]{8})([0-9a-f]{24})-([0-9a-f]{16})-/.exec(trace);
  if (w3c) return { root: `1-${w3c[1] ?? ''}-${w3c[2] ?? ''}`, parent: w3c[3] };
  const own = /^(1-[0-9a-f]{8}-[0-9a-f]{24})(?:-([0-9a-f]{16}))?$/.exec(trace);
  return own?.[1] === undefined ? undefined : { root: own[1], parent: own[2] };
}
