/** What type checks and tests of infra/ need first; prints nothing when it is there. */
import { ensurePlatform } from './platform.ts';

await ensurePlatform((line) => console.log(line)).catch((error: unknown) => {
  console.error(`afterwrite: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
