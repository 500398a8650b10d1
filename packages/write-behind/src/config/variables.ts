/**
 * Every environment variable, once: type, default, limits and what it is for. `docs/CONFIGURATION.md` is generated from
 * this table. Units end names, except where the pattern's own description named the variable (seconds there).
 */
import { z } from 'zod';

export type Environment = Readonly<Record<string, string | undefined>>;

const text = (fallback: string) => z.string().default(fallback);
const optionalText = () => z.string().min(1).optional();

const wholeOrNone = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(least).max(most));

const whole = (fallback: number, least: number, most: number) =>
  wholeOrNone(least, most)
    .default(fallback)
    .meta({ range: `${String(least)} to ${String(most)}` });

const flag = () =>
  z
    .enum(['true', 'false', '1', '0'], 'must be true or false')
    .transform((value) => value === 'true' || value === '1')
    .meta({ range: 'true, false' });

const port = (fallback: number) => whole(fallback, 1, 65_535);
/** Of which the default is another's to give: `shown` stands in the page. */
const portOf = (shown: string) =>
  wholeOrNone(1, 65_535).optional().meta({ range: '1 to 65535', fallback: shown });

export const variables = z.object({
  DB_ENGINE: z.enum(['mysql', 'mariadb', 'postgresql']).default('mysql').describe('Database.'),
  DB_HOST: text('localhost').describe(
    'Where the database is. Naming it keeps the local engines from being started.',
  ),
  DB_PORT: portOf('3306, of PostgreSQL 5432').describe('Port of the database.'),
  DB_NAME: text('flughafendb').describe(
    'Database (schema) that holds your tables and the `afterwrite_` tables.',
  ),
  DB_USER: optionalText().describe(
    'User of the database. Default on loopback only: `root`, of PostgreSQL `postgres`.',
  ),
  DB_PASSWORD: z.string().optional().describe('Its password. Default `password` on loopback only.'),
  DB_TLS: flag()
    .optional()
    .describe(
      'Encrypt, and verify the certificate: who signed it, and that it is that of `DB_HOST`. Default: off on loopback, on elsewhere.',
    ),
  DB_TLS_CA: optionalText().describe("File with the authorities (PEM) to trust instead of Node's own."),
  DB_POOL_SIZE: whole(8, 2, 1000).describe('Most connections of this process to the database.'),
  DB_CONNECT_TIMEOUT_MS: whole(5000, 100, 600_000).describe('Longest wait for a connection to the database.'),
  DB_STATEMENT_TIMEOUT_MS: whole(20_000, 100, 600_000).describe(
    'Longest wait for the reply to one statement.',
  ),
  DB_IDLE_TIMEOUT_SECONDS: whole(30, 2, 28_800).describe(
    'How long the server keeps an idle connection: a frozen process holds its partition that long.',
  ),
  DB_LOCK_WAIT_SECONDS: whole(5, 1, 600).describe(
    'Longest wait for a row lock before the attempt is repeated.',
  ),

  CACHE_ENGINE: z
    .enum(['valkey', 'redis', 'memcached'])
    .default('valkey')
    .describe(
      'Cache and queue. `memcached` holds only values that are stored already: it needs a Valkey or a Redis beside it, `QUEUE_HOST`.',
    ),
  CACHE_HOST: text('localhost').describe(
    'Where the cache is. Naming it keeps the local engines from being started.',
  ),
  CACHE_PORT: portOf('6379, of memcached 11211').describe('Port of the cache.'),
  CACHE_USERNAME: optionalText().describe('User of Valkey or Redis (ACL).'),
  CACHE_PASSWORD: optionalText().describe('Password of Valkey or Redis.'),
  CACHE_TLS: flag()
    .optional()
    .describe(
      'Encrypt, and verify the certificate: who signed it, and that it is that of `CACHE_HOST`. Default: off on loopback, on elsewhere.',
    ),
  CACHE_TLS_CA: optionalText().describe("File with the authorities (PEM) to trust instead of Node's own."),
  CACHE_CLUSTER: flag()
    .default(false)
    .describe("Whether Valkey or Redis runs in cluster mode (ElastiCache's default)."),
  CACHE_NAMESPACE: z
    .string()
    .regex(/^[a-z0-9_-]{0,32}$/, 'may hold up to 32 of a-z 0-9 _ -')
    .default('')
    .describe('Goes before every key and keeps several uses of one server apart.'),
  CACHE_TTL: whole(3600, 1, 31_536_000).describe('Seconds that a clean entity stays cached.'),
  CACHE_MISSING_TTL: whole(5, 1, 3600).describe(
    'Seconds for which it is remembered that a row does not exist.',
  ),
  CACHE_CONNECT_TIMEOUT_MS: whole(2000, 50, 600_000).describe('Longest wait for a connection to the cache.'),
  CACHE_COMMAND_TIMEOUT_MS: whole(3000, 50, 600_000).describe(
    'Longest wait for one reply; then the outcome is unknown.',
  ),
  CACHE_FILL_LEASE_MS: whole(3000, 100, 60_000).describe('How long one loader may keep the others waiting.'),
  CACHE_WAIT_MS: whole(10_000, 10, 60_000).describe(
    'Longest wait of a call for another loader, or for pending updates that must be stored first.',
  ),

  QUEUE_HOST: optionalText().describe(
    'With `CACHE_ENGINE=memcached` only: the Valkey or Redis that keeps the queue. Others keep it in the cache itself.',
  ),
  QUEUE_PORT: port(6379).describe('Port of that server.'),
  QUEUE_USERNAME: optionalText().describe('Its user (ACL).'),
  QUEUE_PASSWORD: optionalText().describe('Its password.'),
  QUEUE_TLS: flag()
    .optional()
    .describe(
      'Encrypt, and verify the certificate: who signed it, and that it is that of `QUEUE_HOST`. Default: off on loopback, on elsewhere.',
    ),
  QUEUE_TLS_CA: optionalText().describe("File with the authorities (PEM) to trust instead of Node's own."),
  QUEUE_CLUSTER: flag().default(false).describe('Whether that server runs in cluster mode.'),
  QUEUE_BATCH_SIZE: whole(10, 1, 10_000).describe('Updates that `processQueue` takes.'),
  QUEUE_PROCESS_INTERVAL: whole(5, 1, 3600).describe('Seconds between two rounds of the worker.'),
  QUEUE_PARTITIONS: whole(16, 1, 1024).describe(
    'Slices of the ids, each with a queue of its own. Kept at first use; `npm run repartition` changes it.',
  ),
  QUEUE_MAX_LENGTH: whole(100_000, 1, 100_000_000).describe(
    'Updates that may wait in one partition; more are refused.',
  ),
  QUEUE_WHEN_FULL: z
    .enum(['reject', 'help'])
    .default('reject')
    .describe(
      'What an update meets there: `reject`, or `help`: its caller stores a batch first, within CACHE_WAIT_MS.',
    ),
  QUEUE_ITEM_BYTES: whole(65_536, 256, 1_048_576).describe('Bytes that one update may have in the queue.'),
  QUEUE_BATCH_ROWS: whole(5000, 1, 10_000).describe('Most updates in one transaction of a flush.'),
  QUEUE_BATCH_BYTES: whole(4_194_304, 65_536, 67_108_864).describe(
    'Most bytes of updates in one transaction.',
  ),
  QUEUE_FLUSH_CONCURRENCY: whole(4, 1, 256).describe('Partitions that one flush works on at the same time.'),
  QUEUE_FLUSH_TIMEOUT_MS: whole(60_000, 100, 3_600_000).describe(
    'How long a flush goes on when it is not told.',
  ),
  QUEUE_LEASE_MS: whole(2000, 100, 600_000).describe("A flusher's claim on a partition; saves work only."),
  QUEUE_RETRY_ATTEMPTS: whole(5, 1, 100).describe('Attempts at a batch within one flush.'),
  QUEUE_BREAKER_MAX_MS: whole(30_000, 100, 600_000).describe(
    'Longest wait of all flushers together before one tries a database that is away again.',
  ),
  DEAD_LETTER_LIMIT: whole(10_000, 1, 10_000_000).describe(
    'Dead letters of one partition; more stop its flush.',
  ),
  IDEMPOTENCY_TTL: whole(86_400, 1, 31_536_000).describe(
    'Seconds for which the answer to an idempotency key is kept.',
  ),
  IDEMPOTENCY_MAX_ANSWERS: whole(1_000_000, 1, 100_000_000).describe(
    'Such answers kept in one partition; more are refused.',
  ),

  LOCAL_ENGINES: z
    .enum(['auto', 'containers', 'path', 'debian'])
    .default('auto')
    .describe(
      'Where local engines come from, where no host is named: containers, programs on the PATH, Debian packages.',
    ),
});

export type Variables = z.output<typeof variables>;
