/** The OpenAPI 3.1 document, made of the route table and the schemas that validate. */
import { z } from 'zod';
import { routes } from '../routes.ts';
import { type ProblemType, problemTypes } from './problem.ts';
import * as schemas from './schemas.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly description: string;
  readonly schema: unknown;
}

interface Description {
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly headers?: readonly Parameter[];
  /** Status to schema; undefined: no body. */
  readonly answers: Readonly<Record<number, z.ZodType | undefined>>;
  readonly problems: readonly ProblemType[];
}

const READ = ['invalid-field', 'not-found', 'unavailable'] as const satisfies ProblemType[];

function header(name: string, description: string): Parameter {
  return { name, in: 'header', description, schema: { type: 'string' } };
}

const descriptions: Readonly<Record<string, Description>> = {
  'GET /flights': {
    summary: 'Flights by their number, from the database',
    query: schemas.findQuery,
    answers: { 200: schemas.findAnswer },
    problems: ['invalid-field', 'unavailable'],
  },
  'GET /flights/{flightId}': {
    summary: 'One flight, from the cache or the database',
    headers: [header('If-None-Match', 'An ETag from an earlier answer: 304 when it still holds')],
    answers: { 200: schemas.readAnswer, 304: undefined },
    problems: READ,
  },
  'PATCH /flights/{flightId}': {
    summary: 'Move departure and arrival; stored in the database afterwards',
    headers: [
      header('If-Match', 'Only if the flight is at this version (ETag)'),
      header(
        'Idempotency-Key',
        '1 to 255 printable characters, kept for 24 hours: the same request again is carried out once',
      ),
      header(
        'Prefer',
        `wait=N: answer once it is stored, for at most N seconds (${String(schemas.MAX_WAIT_SECONDS)}). ` +
          'durability=replica, aof or stored: answer once it is as safe as that; the answer names what was reached',
      ),
      header('traceparent', 'W3C Trace Context: a sampled request is followed to the database in the logs'),
    ],
    body: schemas.updateBody,
    answers: { 200: schemas.updateAnswer, 202: schemas.updateAnswer },
    problems: [
      ...READ,
      'malformed-request',
      'version-conflict',
      'too-large',
      'unsupported-media-type',
      'idempotency-key-reused',
      'limit-reached',
      'outcome-unknown',
    ],
  },
  'GET /flights/{flightId}/consistency': {
    summary: 'Cache and database side by side',
    answers: { 200: schemas.consistencyAnswer },
    problems: READ,
  },
  'GET /flights/{flightId}/log': {
    summary: 'The audit trail, newest first',
    query: schemas.logQuery,
    answers: { 200: schemas.logAnswer },
    problems: READ,
  },
  'GET /writes/{receipt}': {
    summary: 'What became of one accepted update',
    answers: { 200: schemas.writeAnswer },
    problems: READ,
  },
  'GET /queue': { summary: 'What waits', answers: { 200: schemas.queueAnswer }, problems: ['unavailable'] },
  'POST /queue/process': {
    summary: 'Store one batch',
    body: schemas.processBody,
    answers: { 200: schemas.processAnswer },
    problems: ['malformed-request', 'invalid-field', 'unavailable'],
  },
  'POST /queue/flush': {
    summary: 'Store all that waits, as far as the time reaches',
    body: schemas.emptyBody,
    answers: { 200: schemas.processAnswer },
    problems: ['malformed-request', 'invalid-field', 'unavailable'],
  },
  'GET /queue/dead-letters': {
    summary: 'Updates that the database refuses',
    query: schemas.lettersQuery,
    answers: { 200: schemas.lettersAnswer },
    problems: ['invalid-field', 'unavailable'],
  },
  'POST /queue/dead-letters/redrive': {
    summary: 'Store dead letters whose cause was mended',
    body: schemas.redriveBody,
    answers: { 200: schemas.redriveAnswer },
    problems: ['malformed-request', 'invalid-field', 'unavailable'],
  },
  'GET /health': {
    summary: 'Every check, in words',
    answers: { 200: schemas.healthAnswer, 503: schemas.healthAnswer },
    problems: [],
  },
  'GET /openapi.json': { summary: 'This document', answers: { 200: z.looseObject({}) }, problems: [] },
};

const PROBLEM = { $ref: '#/components/schemas/Problem' };

function toSchema(schema: z.ZodType, io: 'input' | 'output' = 'output'): unknown {
  const { $schema: _draft, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

function parameters(path: string, { query, headers = [] }: Description): Parameter[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']): Parameter => {
    const schema =
      name === 'flightId'
        ? { type: 'integer', minimum: 1, maximum: schemas.MAX_FLIGHT_ID }
        : { type: 'string' };
    return { name, in: 'path', description: name === 'receipt' ? 'From PATCH' : 'flight_id', schema };
  });
  const inQuery = Object.entries((query?.shape ?? {}) as Record<string, z.ZodType>).map(
    ([name, schema]): Parameter => {
      return { name, in: 'query', description: name, schema: toSchema(schema, 'input') };
    },
  );
  return [...inPath, ...inQuery, ...headers];
}

function responses({ answers, problems }: Description, isOpen: boolean): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  for (const [status, schema] of Object.entries(answers)) {
    all[status] = {
      description: status === '304' ? 'Not modified' : 'Answer',
      ...(schema ? { content: { 'application/json': { schema: toSchema(schema) } } } : {}),
    };
  }
  const possible: ProblemType[] = [
    ...problems,
    ...(isOpen ? [] : (['unauthenticated', 'forbidden'] as const)),
    'internal',
  ];
  for (const type of possible) {
    const { status, title } = problemTypes[type];
    all[String(status)] ??= {
      description: title,
      content: { 'application/problem+json': { schema: PROBLEM } },
    };
  }
  return all;
}

/** The same object for the same code: it is checked into docs/ and compared. */
export function openApiDocument(): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { method, path, scope, function: name } of routes) {
    // Pages for people are not part of it.
    if (name === 'console') continue;
    const description = descriptions[`${method} ${path}`];
    if (!description) throw new Error(`${method} ${path} is not described`);
    const { body, summary } = description;
    (paths[path] ??= {})[method.toLowerCase()] = {
      operationId: `${name}:${method.toLowerCase()}:${path}`.replace(/[^A-Za-z0-9]+/g, '-'),
      summary,
      parameters: parameters(path, description).map((each) => ({ ...each, required: each.in === 'path' })),
      ...(body
        ? { requestBody: { content: { 'application/json': { schema: toSchema(body, 'input') } } } }
        : {}),
      responses: responses(description, scope === null),
      security: scope === null ? [] : [{ jwt: [scope] }, { iam: [] }],
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Afterwrite',
      version: '0.1.0',
      description:
        'Write-behind cache for flights: updates at cache speed, stored in the database afterwards.',
    },
    paths,
    components: {
      schemas: { Problem: toSchema(schemas.problemDocument) },
      securitySchemes: {
        jwt: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        iam: { type: 'apiKey', name: 'Authorization', in: 'header', description: 'AWS Signature Version 4' },
      },
    },
  };
}
