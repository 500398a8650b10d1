/** What `npm start` offers beside the API: live figures, the same for Prometheus, and a load. See packages/client. */
import { problemAnswer } from '../front/problems.ts';
import { jsonAnswer, type LocalCall, type LocalRoute } from '../front/local-routes.ts';
import type { QueueLook } from '../live/queue-look.ts';
import { PROMETHEUS_TYPE, prometheusText } from '../live/prometheus.ts';
import type { Recorded } from '../live/recorded.ts';
import { MAX_STREAMS, STREAM_HEADERS, type Streams } from '../live/streams.ts';
import type { Load } from '../load/load.ts';
import { parseLoadRequest } from '../load/request.ts';

export interface LiveRoutesOptions {
  readonly recorded: Recorded;
  readonly look: QueueLook;
  readonly streams: Streams;
  readonly load: Load;
  /** The database may be filled with a load's updates. */
  readonly isLoadAllowed: boolean;
}

export function liveRoutes({
  recorded,
  look,
  streams,
  load,
  isLoadAllowed,
}: LiveRoutesOptions): LocalRoute[] {
  const scope = 'queue:admin';
  const metrics = () => {
    const shown = { recorded, queue: look.latest, load: load.state, streams: streams.size };
    const headers = { 'content-type': PROMETHEUS_TYPE, 'cache-control': 'no-store' };
    return { status: 200, headers, body: Buffer.from(prometheusText(shown)) };
  };
  const stream = ({ request, response }: LocalCall) => {
    if (streams.isFull) return problemAnswer('throttled', `${MAX_STREAMS} streams are open already.`);
    if (request.method === 'HEAD') return { status: 200, headers: STREAM_HEADERS, body: Buffer.alloc(0) };
    response.writeHead(200, STREAM_HEADERS);
    streams.add(response);
    return 'STREAMS' as const;
  };
  const start = ({ body }: LocalCall) => {
    if (!isLoadAllowed) {
      const detail =
        'It would change thousands of flights in a database that DB_HOST names. If that is meant, start with ' +
        'ALLOW_LOAD=1, or with --own-database where the database is for this alone.';
      return problemAnswer('forbidden', detail);
    }
    const parsed = parseLoadRequest(body);
    if (parsed.kind === 'INVALID') return problemAnswer('invalid-field', parsed.detail);
    return load.start(parsed.request)
      ? jsonAnswer(202, load.state)
      : problemAnswer('conflict', 'A load runs already: wait for its end, or POST /load/stop.');
  };
  const stop = async () => {
    await load.stop();
    return jsonAnswer(200, load.state);
  };
  return [
    { method: 'GET', path: '/metrics', scope, handle: metrics },
    { method: 'GET', path: '/stream', scope, handle: stream },
    { method: 'GET', path: '/load', scope, handle: () => jsonAnswer(200, load.state) },
    { method: 'POST', path: '/load', scope, handle: start },
    { method: 'POST', path: '/load/stop', scope, handle: stop },
  ];
}
