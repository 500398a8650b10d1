/** Makes sure that an engine can be started quickly and without a network later on. */
import { definitions } from './engines/index.ts';
import { contextOf, rungsOf, withFirstRung } from './find.ts';
import type { EngineName, FetchedEngine, FetchOptions } from './types.ts';

/**
 * Finds or downloads the engine and prepares its empty data folder. Quick when that was done before.
 * @throws LocalEnginesError
 */
export function fetchEngine(name: EngineName, options: FetchOptions = {}): Promise<FetchedEngine> {
  const context = contextOf(options);
  return withFirstRung(definitions[name], rungsOf(options.mode), context, async (launcher) => {
    await launcher.prepare();
    return { name, source: launcher.source, version: launcher.version };
  });
}
