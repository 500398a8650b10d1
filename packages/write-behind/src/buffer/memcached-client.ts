/**
 * The connection to memcached. It is a cache: no call throws, waits for longer than a short limit, or is tried again. A
 * server that failed is left alone for a moment, so that not each read waits for it.
 *
 * One connection is one `MemcacheNode`, never used again after a failure: a reply that is late would otherwise be taken for
 * that of a later command. (It would be a miss even then: see memcached-buffer.ts.)
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createNode, type MemcacheNode } from 'memcache';
import { connectionFault } from '../connection-fault.ts';
import type { Logger } from '../runtime.ts';

export interface MemcachedSettings {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** PEM text of the authorities to trust instead of the system's. */
  readonly tlsCa?: string | undefined;
}

/** Longest wait of a call, connecting or not. */
const ANSWER_MS = 200;
/** Longest wait for a connection, which callers do not share to its end. */
const CONNECT_MS = 2000;
/** How long a server that failed is not asked. */
const PAUSE_MS = 1000;
/** More is taken for a date by memcached: what should be kept for longer is a miss then. */
const MOST_TTL_SECONDS = 30 * 24 * 3600;
/** The client's own limit of silence, after which it would close. Ours is each call's. */
const NO_LIMIT_MS = 2 ** 31 - 1;

export class MemcachedClient {
  readonly where: string;
  readonly #settings: MemcachedSettings;
  readonly #logger: Logger;
  #node: MemcacheNode | undefined;
  #connecting: Promise<MemcacheNode | undefined> | undefined;
  #pausedUntilMs = 0;
  #fault: string | undefined;
  #isClosed = false;

  constructor(settings: MemcachedSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
    this.where = `${settings.host}:${String(settings.port)}`;
  }

  /** False for a moment after a failure. */
  get isUsable(): boolean {
    return !this.#isClosed && performance.now() >= this.#pausedUntilMs;
  }

  /** undefined: it has none, or is away. */
  async get(key: string): Promise<string | undefined> {
    return await this.#ask(async (node) => {
      const options = { isMultiline: true, requestedKeys: [key] };
      const found = (await node.command(`get ${key}`, options)) as Found | undefined;
      return found?.foundKeys[0] === key ? found.values?.[0] : undefined;
    });
  }

  /** False: it does not have it, or nobody knows. */
  async set(key: string, text: string, ttlMs: number): Promise<boolean> {
    const seconds = Math.min(MOST_TTL_SECONDS, Math.max(1, Math.ceil(ttlMs / 1000)));
    const command = `set ${key} 0 ${String(seconds)} ${String(Buffer.byteLength(text))}\r\n${text}`;
    return (await this.#ask((node) => node.command(command))) === 'STORED';
  }

  /** Waits for the server as long as a start may. `fault`: what was said of the last failure. */
  async version(): Promise<{ version: string | undefined; fault: string | undefined }> {
    this.#pausedUntilMs = 0;
    await this.#connected();
    const line: unknown = await this.#ask((node) => node.command('version'));
    return { version: /^VERSION (\S+)/.exec(String(line))?.[1], fault: this.#fault };
  }

  close(): void {
    this.#isClosed = true;
    void this.#node?.disconnect();
    this.#node = undefined;
  }

  async #ask<T>(send: (node: MemcacheNode) => Promise<T>): Promise<T | undefined> {
    if (!this.isUsable) return undefined;
    const limit = Promise.withResolvers<'LATE'>();
    // After the replies that are here already: a process that stood still for a while has them unread.
    const timer = setTimeout(() => setImmediate(limit.resolve, 'LATE'), ANSWER_MS);
    try {
      const node = this.#node ?? (await Promise.race([this.#connected(), limit.promise]));
      if (node === undefined || node === 'LATE') return undefined;
      const answer = this.#answer(node, send);
      if ((await Promise.race([answer, limit.promise])) !== 'LATE') return await answer;
      this.#lose(node, new Error(`no answer within ${String(ANSWER_MS)} ms`));
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  async #answer<T>(node: MemcacheNode, send: (node: MemcacheNode) => Promise<T>): Promise<T | undefined> {
    try {
      const reply = await send(node);
      this.#noteBack();
      return reply;
    } catch (error) {
      // Too large, no memory: the server is well, and so is the connection.
      if (!(error instanceof Error && error.message.startsWith('SERVER_ERROR'))) this.#lose(node, error);
      return undefined;
    }
  }

  async #connected(): Promise<MemcacheNode | undefined> {
    if (this.#node) return this.#node;
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
    return await this.#connecting;
  }

  async #connect(): Promise<MemcacheNode | undefined> {
    const { host, port, tls, tlsCa } = this.#settings;
    const node = createNode(host, port, {
      timeout: NO_LIMIT_MS,
      ...(tls
        ? {
            tls: {
              minVersion: 'TLSv1.2',
              rejectUnauthorized: true,
              ...(tlsCa === undefined ? {} : { ca: tlsCa }),
            },
          }
        : {}),
    });
    // Without a listener some of its events would be thrown; each call reports its own failure.
    node.on('error', () => undefined);
    node.on('close', () => {
      if (this.#node === node) this.#node = undefined;
    });
    const ended = new AbortController();
    try {
      const late = delay(CONNECT_MS, 'LATE' as const, { signal: ended.signal });
      if ((await Promise.race([node.connect(), late])) === 'LATE')
        throw new Error(`no connection within ${String(CONNECT_MS)} ms`);
      if (this.#isClosed) throw new Error('closed');
      this.#node = node;
      return node;
    } catch (error) {
      this.#lose(node, error);
      return undefined;
    } finally {
      ended.abort();
    }
  }

  #lose(node: MemcacheNode, error: unknown): void {
    void node.disconnect();
    if (this.#node === node) this.#node = undefined;
    if (this.#isClosed) return;
    this.#pausedUntilMs = performance.now() + PAUSE_MS;
    const where = `memcached at ${this.where}`;
    const fault = connectionFault('CACHE', where, error)?.message ?? String(error);
    if (this.#fault === undefined)
      this.#logger.warn(`${where} is away: reads come from elsewhere meanwhile`, { fault });
    this.#fault = fault;
  }

  #noteBack(): void {
    if (this.#fault === undefined) return;
    this.#fault = undefined;
    this.#logger.info(`memcached at ${this.where} is back`);
  }
}

interface Found {
  readonly values?: readonly string[];
  readonly foundKeys: readonly string[];
}
