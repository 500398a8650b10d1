/** Makes the engine's own tables, at deploy; safe to repeat. */
import middy from '@middy/core';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { checkedFlightCache } from './compose.ts';
import { logger } from './lib/telemetry.ts';

/** Opening makes what is missing and checks what is there. */
export const handler = middy()
  .use(injectLambdaContext(logger))
  .handler(async () => {
    await checkedFlightCache();
    return { migrated: true };
  });
