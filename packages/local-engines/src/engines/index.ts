/** Every engine that this package knows; a further one is a further line. */
import type { EngineDefinition, EngineName } from '../types.ts';
import { mariadb } from './mariadb.ts';
import { memcached } from './memcached.ts';
import { mysql } from './mysql.ts';
import { postgresql } from './postgresql.ts';
import { redis, redis7 } from './redis.ts';
import { valkey } from './valkey.ts';

export const definitions: Readonly<Record<EngineName, EngineDefinition>> = {
  valkey,
  redis,
  'redis-7': redis7,
  memcached,
  mysql,
  mariadb,
  postgresql,
};
