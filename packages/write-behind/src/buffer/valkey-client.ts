/**
 * The connection to Valkey or Redis, on one server or a cluster, and what its failures mean.
 *
 * The client must never send a command twice by itself: an update that was carried out and whose reply was lost would
 * be queued twice. So nothing is resent, nothing waits in an offline queue, and a lost reply is an error that says so.
 */
import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis, type RedisOptions } from 'iovalkey';
import { connectionFault, type Side } from '../connection-fault.ts';
import { AfterwriteError, BufferError, BufferFullError, BufferUnavailableError } from '../errors.ts';
import { ConfigurationError, ForeignKeyTypeError, OutcomeUnknownError } from '../errors.ts';
import { luaScripts } from './lua.generated.ts';

export interface ValkeySettings {
  /** As people write it: what the settings say that it is. */
  readonly title: string;
  /** How its variables begin, as in CACHE_HOST. */
  readonly variables: Exclude<Side, 'DB'>;
  readonly host: string;
  readonly port: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly tls: boolean;
  /** PEM text of the authorities to trust instead of the system's. */
  readonly tlsCa?: string | undefined;
  readonly cluster: boolean;
  /** Longest wait for a connection before a call is refused. */
  readonly connectTimeoutMs: number;
  /** Longest wait for one reply. */
  readonly commandTimeoutMs: number;
}

export type ScriptName = keyof typeof luaScripts;
type ScriptArgument = string | number | Buffer;
type ScriptMethod = (...args: ScriptArgument[]) => Promise<unknown>;
type Scripted = Record<ScriptName | `${ScriptName}Buffer`, ScriptMethod>;
export type ValkeyClient = (Redis | Cluster) & Scripted;

/** Reconnect quickly at first, then at most every two seconds, for ever; each call has its own limit. */
const RECONNECT_MS = { first: 20, most: 2000 };

function reconnectDelayMs(attempt: number): number {
  const ceiling = Math.min(RECONNECT_MS.most, RECONNECT_MS.first * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}

/** Said, because Node takes its own default from NODE_TLS_REJECT_UNAUTHORIZED. */
function tlsOptions({ tlsCa }: ValkeySettings): ConnectionOptions {
  return {
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(tlsCa === undefined ? {} : { ca: tlsCa }),
  };
}

export function createValkeyClient(settings: ValkeySettings): ValkeyClient {
  const node: RedisOptions = {
    ...(settings.username === undefined ? {} : { username: settings.username }),
    ...(settings.password === undefined ? {} : { password: settings.password }),
    ...(settings.tls ? { tls: tlsOptions(settings) } : {}),
    connectTimeout: settings.connectTimeoutMs,
    commandTimeout: settings.commandTimeoutMs,
    // A connection whose other end is gone without a word: replaced, not asked again and again for minutes.
    socketTimeout: settings.commandTimeoutMs,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: reconnectDelayMs,
    // A demoted primary: reconnect, so that a name that moved is resolved again. The command itself is not resent.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
  const scripts = { ...luaScripts };
  const client = settings.cluster
    ? new Cluster([{ host: settings.host, port: settings.port }], {
        redisOptions: node,
        scripts,
        lazyConnect: true,
        enableOfflineQueue: false,
        clusterRetryStrategy: reconnectDelayMs,
        // 0: a command whose connection closed is not sent again. MOVED, ASK, TRYAGAIN and CLUSTERDOWN were refused
        // by the server, so following them is safe.
        retryDelayOnFailover: 0,
        slotsRefreshTimeout: settings.connectTimeoutMs,
        dnsLookup: (address, callback) => {
          callback(null, address);
        },
      })
    : new Redis({ ...node, host: settings.host, port: settings.port, scripts, lazyConnect: true });
  // Without a listener Node would end the process; every call reports its own failure. First of all that listen.
  client.on('error', withoutArguments);
  return client as unknown as ValkeyClient;
}

/** The client puts a command's arguments on its error: the password of an AUTH, a user's values of a script. */
function withoutArguments(error: unknown): void {
  if (typeof error !== 'object' || error === null) return;
  const shape = error as { command?: { name?: string }; lastNodeError?: unknown };
  if (shape.command) shape.command = { name: shape.command.name ?? '' };
  withoutArguments(shape.lastNodeError);
}

/** `Valkey at db.example:6379`. */
function placeOf({ title, host, port, tls, variables }: ValkeySettings): string {
  return `${title} at ${host}:${String(port)}${tls ? ` over TLS (${variables}_TLS=false where it has none)` : ''}`;
}

/** Later it is a server that is away, so that reads go on; who starts is told what to mend. */
export function throwFault(error: unknown): never {
  throw error instanceof Error && error.cause instanceof ConfigurationError ? error.cause : error;
}

/** One wait for each client, however many calls come meanwhile. */
const waits = new WeakMap<ValkeyClient, Promise<void>>();

/** Resolves once commands can be sent; rejects with BufferUnavailableError after the limit. */
export async function whenReady(client: ValkeyClient, settings: ValkeySettings): Promise<void> {
  if (client.status === 'ready') return;
  let wait = waits.get(client);
  if (!wait) {
    wait = waitUntilReady(client, settings).finally(() => waits.delete(client));
    waits.set(client, wait);
  }
  await wait;
}

async function waitUntilReady(client: ValkeyClient, settings: ValkeySettings): Promise<void> {
  const { connectTimeoutMs: limitMs, variables } = settings;
  const where = placeOf(settings);
  if (client.status === 'end') throw new BufferUnavailableError(`The connection to ${where} is closed.`);
  if (client.status === 'wait') void client.connect().catch(() => undefined);
  let lastError: unknown;
  let onFault: (fault: Error) => void = () => undefined;
  const noteError = (error: unknown) => {
    lastError = error;
    const fault = connectionFault(variables, where, error);
    if (fault) onFault(fault);
  };
  client.on('error', noteError);
  try {
    await new Promise<void>((resolve, reject) => {
      const settle = (done: () => void) => () => {
        clearTimeout(timer);
        client.off('ready', onReady);
        client.off('end', onEnd);
        done();
      };
      const refuse = (what: string) => () => {
        const why = lastError instanceof Error && lastError.message ? `: ${lastError.message}` : '';
        reject(new BufferUnavailableError(`${what} ${where}${why}`, lastError));
      };
      onFault = (fault) => {
        settle(() => {
          reject(new BufferUnavailableError(fault.message, fault));
        })();
      };
      const onReady = settle(resolve);
      const onEnd = settle(refuse('No connection to'));
      const timer = setTimeout(settle(refuse(`No answer within ${String(limitMs)} ms from`)), limitMs);
      client.on('ready', onReady);
      client.on('end', onEnd);
    });
  } finally {
    client.off('error', noteError);
  }
}

/**
 * Every server that holds keys. A cluster's client knows only the nodes to which it has a connection, none before the
 * first call and fewer after one was lost: asked for its keys then, it would find too few without saying so.
 */
export async function primaries(client: ValkeyClient): Promise<readonly Redis[]> {
  if (!(client instanceof Cluster)) return [client];
  const slots = await client.cluster('SLOTS');
  const serving = new Set(slots.map(([, , primary]) => `${primary?.[0] ?? ''}:${String(primary?.[1])}`));
  if (client.nodes('master').length < serving.size) {
    await new Promise<void>((resolve) => client.refreshSlotsCache(() => resolve()));
  }
  const known = client.nodes('master');
  if (known.length < serving.size) {
    const missing = `${String(serving.size - known.length)} of ${String(serving.size)}`;
    throw new BufferUnavailableError(`No connection to ${missing} primaries of the cluster.`);
  }
  return known;
}

/** Replies by which a server says that it did not carry the command out because it cannot serve now. */
const UNAVAILABLE =
  /^-?(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MISCONF|NOREPLICAS|BUSY|MOVED|ASK|NOAUTH|WRONGPASS|NOPERM)\b/;

/**
 * A script met a key that a moving slot has taken to another node. Ours meet such only while they read: what they write
 * they have read before, and delete last (`lua/includes/entity.lua`).
 */
const NOT_HERE = 'non local key';

/** Our client's words for a command that no server took. */
const NOT_SENT =
  /Stream isn't writeable|Cluster isn't ready|Too many Cluster redirections|Failed to refresh slots|None of startup nodes|Connection is in (?:subscriber|monitoring)/;

/**
 * Names a failure. A reply of the server means that nothing was written (scripts read every key before they write);
 * anything else after sending means that nobody knows.
 */
export function bufferError(
  title: string,
  command: string,
  keys: readonly string[],
  error: unknown,
): AfterwriteError {
  if (error instanceof AfterwriteError) return error;
  withoutArguments(error);
  const cause = error instanceof Error ? error : new Error(String(error));
  if (cause.name === 'ReplyError') {
    const message = cause.message;
    if (/\bOOM\b/.test(message)) return new BufferFullError(cause, title);
    if (message.includes('WRONGTYPE')) return new ForeignKeyTypeError(command, keys, cause);
    if (UNAVAILABLE.test(message) || message.includes(NOT_HERE))
      return new BufferUnavailableError(`${title} refused ${command}: ${message}`, cause);
    return new BufferError(command, cause);
  }
  if (NOT_SENT.test(cause.message)) {
    return new BufferUnavailableError(`No connection to ${title} for ${command}: ${cause.message}`, cause);
  }
  return new OutcomeUnknownError(command, cause);
}
