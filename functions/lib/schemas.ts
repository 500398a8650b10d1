/** What comes in and goes out, once: requests are validated by these, and the OpenAPI document is made of them. */
import { z } from 'zod';

/** Longest `Prefer: wait`, seconds: the gateway gives up at 30. */
export const MAX_WAIT_SECONDS = 20;
/** Bytes of a request body. */
export const MAX_BODY_BYTES = 16_384;
export const MAX_LOG_LIMIT = 500;
const MAX_BATCH_SIZE = 5000;
const MAX_LETTERS = 1000;
const MAX_FOUND = 50;
/** Of an INT column. */
export const MAX_FLIGHT_ID = 2_147_483_647;

const time = z.iso.datetime().describe('ISO 8601, UTC, whole seconds');
const inputTime = z
  .string()
  .max(40)
  .describe('ISO 8601, whole seconds; with an offset that instant, without one UTC')
  .meta({ examples: ['2027-06-01T10:30:00Z'] });
const count = z.int().min(0);
const nullable = <T extends z.ZodType>(schema: T) => z.union([schema, z.null()]);

export const flight = z.object({
  flight_id: z.int(),
  flightno: z.string(),
  departure: time,
  arrival: time,
  airline_id: z.int(),
  airplane_id: z.int(),
  from_airport: nullable(z.string()).describe('IATA code'),
  to_airport: nullable(z.string()).describe('IATA code'),
  airlinename: nullable(z.string()),
});

export const readAnswer = z.object({
  flight,
  source: z.enum(['CACHE_HIT', 'CACHE_MISS', 'CACHE_BYPASS']),
  latencyMs: z.number(),
  cacheKey: z.string(),
  query: nullable(z.string()).describe('The SQL statement that was run'),
  version: z.string(),
  pending: nullable(z.boolean()).describe(
    'Whether updates wait for the database; null where that is not known',
  ),
});

export const updateBody = z.strictObject({
  departure: inputTime,
  arrival: inputTime,
  comment: nullable(z.string()).optional().describe('At most 200 characters'),
  user: z
    .string()
    .optional()
    .describe(
      'Who did it, for the audit trail; where callers are authenticated, their own name counts instead',
    ),
});

export const updateAnswer = z.object({
  success: z.literal(true),
  cacheKey: z.string(),
  version: z.string(),
  seq: z.int(),
  queueLength: count.describe("Updates that wait in this flight's partition"),
  receipt: z.string().describe('For GET /writes/{receipt}'),
  durability: z
    .enum(['memory', 'replica', 'aof', 'stored'])
    .describe('What was reached when this was answered; see Prefer'),
  state: z.enum(['pending', 'stored', 'dead']).optional().describe('With Prefer: wait'),
});

export const writeAnswer = z.object({
  state: z.enum(['pending', 'stored', 'dead', 'lost']),
  flightId: z.int(),
  seq: z.int(),
  reason: z.string().optional().describe('Why it is dead'),
  letterId: z.int().optional(),
});

export const consistencyAnswer = z.object({
  consistent: z.boolean(),
  reason: z.enum(['EQUAL', 'NOT_CACHED', 'PENDING', 'DIFFERENT', 'UNDECIDED']),
  cache: nullable(flight),
  database: nullable(flight),
  differing: z.array(z.string()),
  pending: z.boolean(),
  pendingUpdates: count,
  queueLength: count,
  cacheKey: z.string(),
  query: z.string(),
});

export const findQuery = z.strictObject({
  flightno: z
    .string()
    .max(40)
    .describe('1 to 8 letters and digits, in either case; the whole number, not its beginning')
    .meta({ examples: ['SA2133'] }),
  limit: z.coerce.number().int().min(1).max(MAX_FOUND).default(20),
});

export const findAnswer = z.object({
  flights: z
    .array(
      flight.pick({
        flight_id: true,
        flightno: true,
        departure: true,
        arrival: true,
        airlinename: true,
        from_airport: true,
        to_airport: true,
      }),
    )
    .describe(
      'Newest departure first, as the database has them: updates that wait are not in them yet; ' +
        'GET /flights/{flightId} has those',
    ),
});

export const logQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_LOG_LIMIT).default(50),
  before: inputTime.optional(),
});

const logEntry = z.object({
  log_date: time,
  user: z.string(),
  flight_id: z.int(),
  flightno_old: z.string(),
  flightno_new: z.string(),
  from_old: z.int(),
  to_old: z.int(),
  from_new: z.int(),
  to_new: z.int(),
  departure_old: time,
  arrival_old: time,
  departure_new: time,
  arrival_new: time,
  airplane_id_old: z.int(),
  airplane_id_new: z.int(),
  airline_id_old: z.int(),
  airline_id_new: z.int(),
  comment: nullable(z.string()),
});

export const logAnswer = z.object({
  entries: z
    .array(logEntry)
    .describe('Newest first; a page never splits a second, so it may be longer than limit'),
  next: nullable(time).describe('Pass as `before` for the next page'),
});

const stopped = z.object({
  partition: z.int(),
  code: z.string(),
  retryable: z.boolean(),
});

export const queueAnswer = z.object({
  queueLength: count,
  oldestMs: nullable(z.number()),
  deadLetters: nullable(count),
  breaker: z
    .object({
      state: z.enum(['CLOSED', 'OPEN', 'HALF_OPEN']),
      failures: count,
      since: nullable(z.iso.datetime()),
      retryInMs: nullable(z.number()),
    })
    .describe('OPEN while the database is away: all flushers wait, then one tries (HALF_OPEN)'),
  partitions: z.array(
    z.object({
      partition: z.int(),
      length: count,
      oldestMs: nullable(z.number()),
      deadLetters: nullable(count),
      lastCommitted: nullable(z.object({ epoch: z.string(), seq: z.int() })),
      stopped: nullable(stopped),
    }),
  ),
});

export const processBody = z.strictObject({
  batchSize: z.int().min(1).max(MAX_BATCH_SIZE).optional(),
});

export const emptyBody = z.strictObject({});

export const processAnswer = z.object({
  processed: count,
  skipped: count,
  failed: count,
  queries: count.describe('Number of SQL statements that were run'),
  remaining: count,
  stopped: z.array(stopped),
  storeAway: nullable(z.object({ failures: count, since: z.iso.datetime(), retryInMs: z.number() })).describe(
    'The database is away, and when it is tried again',
  ),
});

export const lettersQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_LETTERS).default(100),
  after: z.coerce.number().int().min(0).default(0),
  flightId: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_FLIGHT_ID)
    .optional()
    .describe('Only those of this flight'),
});

export const lettersAnswer = z.object({
  deadLetters: z.array(
    z.object({
      letterId: z.int(),
      partition: z.int(),
      epoch: nullable(z.string()),
      seq: nullable(z.int()),
      id: nullable(z.string()),
      update: nullable(
        z.object({
          changes: z.record(z.string(), z.unknown()),
          user: z.string(),
          comment: nullable(z.string()),
          trace: nullable(z.string()).describe(
            'Of the request that it came with, where that one was sampled',
          ),
          acceptedAt: z.iso.datetime(),
        }),
      ),
      item: z.string().describe('The queue item as it was, base64'),
      reason: z.enum(['MISSING_ROW', 'REFUSED', 'UNREADABLE', 'ABANDONED']),
      error: z
        .string()
        .describe(
          "What was said when it was parked: for REFUSED the database's own words, 1,000 characters at most",
        ),
      parkedAt: z.iso.datetime(),
      superseded: z.array(z.string()),
      redrivable: z.boolean(),
    }),
  ),
});

export const redriveBody = z.strictObject({
  seqs: z.array(z.int().min(0)).max(MAX_LETTERS).optional().describe('All where left out'),
});

export const redriveAnswer = z.object({
  outcomes: z.array(
    z.object({
      letterId: z.int(),
      kind: z.enum(['REDRIVEN', 'GONE', 'SUPERSEDED', 'UNREADABLE', 'REFUSED']),
      fields: z.array(z.string()).optional(),
      error: z
        .string()
        .optional()
        .describe("Of UNREADABLE and REFUSED: why; for REFUSED the database's own words"),
    }),
  ),
});

const check = z.object({
  name: z.enum([
    'start',
    'buffer',
    'store',
    'settings',
    'losses',
    'queueLength',
    'oldestUpdate',
    'deadLetters',
    'lastFlush',
    'breaker',
    'partitions',
  ]),
  ok: z.boolean(),
  detail: z.string(),
});

export const healthAnswer = z.object({ ok: z.boolean(), checks: z.array(check) });

export const problemDocument = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  field: z.string().optional(),
  limit: z.string().optional(),
  currentVersion: z.string().optional(),
});
