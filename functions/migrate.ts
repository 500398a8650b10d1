/** Makes the engine's own tables, at deploy; safe to repeat. */
import middy from '@middy/core';
import { checkedFlightCache } from './compose.ts';
import { observed } from './lib/telemetry.ts';

/** Opening makes what is missing and checks what is there. */
export const handler = middy()
  .use(observed())
  .handler(async () => {
    await checkedFlightCache();
    return { migrated: true };
  });
