/** Every engine that this package knows; a further one is a further line. */
import type { EngineDefinition, EngineName } from '../types.ts';
import { mysql } from './mysql.ts';
import { valkey } from './valkey.ts';

export const definitions: Readonly<Record<EngineName, EngineDefinition>> = { valkey, mysql };
