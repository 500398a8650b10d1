/** The live figures of this machine, and what they are made of: what functions print, the queue, and the load. */
import { type Settings, systemRuntime } from '@afterwrite/write-behind';
import type { LocalRoute } from '../front/local-routes.ts';
import { readDocument } from '../live/documents.ts';
import { LiveFigures } from '../live/live-figures.ts';
import { cacheForLooks, QueueLook } from '../live/queue-look.ts';
import { Recorded } from '../live/recorded.ts';
import { Streams } from '../live/streams.ts';
import { Load } from '../load/load.ts';
import { liveRoutes } from './live-routes.ts';

export interface LiveOptions {
  readonly servers: Settings;
  readonly isLoadAllowed: boolean;
  readonly onLog: (line: string) => void;
}

export interface Live {
  /** A line that a function wrote. */
  readonly onOutput: (line: string) => void;
  readonly routes: readonly LocalRoute[];
  readonly figures: LiveFigures;
  readonly load: Load;
  close(): Promise<void>;
}

/** Either server may be away: that is what is shown then. */
export function startLive({ servers, isLoadAllowed, onLog }: LiveOptions): Live {
  const cache = cacheForLooks(servers);
  const runtime = systemRuntime();
  const monotonicMs = () => runtime.monotonicMs();
  const recorded = new Recorded();
  const look = new QueueLook({ read: () => cache.queueStatus(), monotonicMs });
  const load = new Load({ settings: servers, recorded, onLog });
  const figures = new LiveFigures({ recorded, look, load: () => load.state, runtime });
  const streams = new Streams(figures, monotonicMs);
  figures.start();
  return {
    onOutput: (line) => {
      for (const measurement of readDocument(line)) recorded.record(measurement);
    },
    routes: liveRoutes({ recorded, look, streams, load, isLoadAllowed }),
    figures,
    load,
    async close() {
      streams.close();
      await Promise.all([load.stop(), figures.close()]);
      await cache.close();
    },
  };
}
