/** Placeholder until the container rung is written. */
import { RungFailure } from '../errors.ts';
import type { Context, EngineDefinition, Launcher } from '../types.ts';

export function useContainers(_definition: EngineDefinition, _context: Context): Promise<Launcher> {
  return Promise.reject(new RungFailure('containers are not supported yet'));
}
