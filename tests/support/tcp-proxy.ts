/**
 * A TCP proxy between two parts, which does to them what networks and servers do: loses, holds back, delays, trickles,
 * cuts, refuses. Everything is set while connections are open.
 *
 * What holds as on a real network: bytes keep their order. A connection of which bytes were lost is mute in that
 * direction for ever, because TCP hands on nothing after a gap, and neither side of it hears of the other's end: a
 * server keeps what such a client holds until its own time is over.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Handed on; held back until they pass again; or lost. */
type Passage = 'PASS' | 'HOLD' | 'SWALLOW';

export interface Fault {
  /** From who connects to who serves. */
  readonly requests?: Passage;
  /** `CUT`: the next reply is lost and its connection ended. `RESET`: half of it comes, then a reset (RST). */
  readonly replies?: Passage | 'CUT' | 'RESET';
  /** Each way. */
  readonly latencyMs?: number;
  /** Each way and connection. */
  readonly bytesPerSecond?: number;
  /** Of connections made from now on. `IGNORE`: accepted, then nothing. */
  readonly newcomers?: 'PASS' | 'IGNORE' | 'REFUSE';
}

export interface Place {
  readonly host: string;
  readonly port: number;
}

interface Passed {
  connections: number;
  /** Bytes. */
  requests: number;
  replies: number;
  /** Pieces and connections that a fault touched. */
  touched: number;
}

export interface TcpProxy extends Place {
  /** Where it connects to; set later where the server must know the proxy's port first. */
  target: Place | undefined;
  readonly passed: Readonly<Passed>;
  /** Connections that are open now. */
  connections(): number;
  /** In the place of the fault before. */
  set(fault: Fault): Promise<void>;
  /** Connections that lost bytes stay mute. */
  lift(): Promise<void>;
  cutAll(): void;
  /** Ends the connections that lost bytes, as either side would after a while. */
  cutMute(): void;
  close(): Promise<void>;
}

export interface TcpProxyOptions {
  /** Makes what sees the requests of one connection. */
  readonly watch?: () => (bytes: Buffer) => void;
}

const HOST = '127.0.0.1';
/** A trickle passes in pieces, so that what reads a header waits for what comes after it. */
const TRICKLE_STEP_MS = 20;

class Proxy implements TcpProxy {
  readonly host = HOST;
  readonly passed: Passed = { connections: 0, requests: 0, replies: 0, touched: 0 };
  readonly links = new Set<Link>();
  readonly watch: TcpProxyOptions['watch'];
  target: Place | undefined;
  port = 0;
  fault: Fault = {};
  #changed = Promise.withResolvers<undefined>();
  #server: Server | undefined;

  constructor(target: Place | undefined, { watch }: TcpProxyOptions) {
    this.target = target;
    this.watch = watch;
  }

  async listen(): Promise<void> {
    this.#server = createServer((client) => this.#accept(client)).listen(this.port, HOST);
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async set(fault: Fault): Promise<void> {
    this.fault = fault;
    this.#changed.resolve(undefined);
    this.#changed = Promise.withResolvers();
    if (fault.newcomers === 'REFUSE') {
      this.#server?.close();
      this.#server = undefined;
    } else if (!this.#server) await this.listen();
  }

  async lift(): Promise<void> {
    await this.set({});
  }

  /** The fault once this way is not held back any more. */
  async opened(way: 'requests' | 'replies'): Promise<Fault> {
    while (this.fault[way] === 'HOLD') await this.#changed.promise;
    return this.fault;
  }

  connections(): number {
    return this.links.size;
  }

  cutAll(): void {
    for (const link of this.links) link.cut();
  }

  cutMute(): void {
    for (const link of this.links) if (link.isMute) link.cut();
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.target = undefined;
    const closed = server && once(server, 'close');
    server?.close();
    this.cutAll();
    await this.set({ newcomers: 'REFUSE' });
    await closed;
  }

  #accept(client: Socket): void {
    this.passed.connections++;
    if (!this.target) client.destroy();
    else this.links.add(new Link(this, client, this.target));
  }
}

/** One connection through the proxy. */
class Link {
  readonly #proxy: Proxy;
  readonly #client: Socket;
  /** None where a newcomer is ignored. */
  readonly #server: Socket | undefined;
  readonly #sight: (bytes: Buffer) => void;
  /** Ends of each way's queue of pieces that wait. */
  readonly #waiting: Record<'requests' | 'replies', Promise<void> | undefined> = {
    requests: undefined,
    replies: undefined,
  };
  readonly #mute = { requests: false, replies: false };

  constructor(proxy: Proxy, client: Socket, target: Place) {
    this.#proxy = proxy;
    this.#client = client;
    this.#sight = proxy.watch?.() ?? (() => undefined);
    client.on('error', () => undefined).on('close', () => this.#ended('requests'));
    if (proxy.fault.newcomers === 'IGNORE') {
      proxy.passed.touched++;
      this.#mute.requests = this.#mute.replies = true;
      client.resume();
      return;
    }
    const server = connect(target.port, target.host).setNoDelay();
    this.#server = server;
    client.setNoDelay().on('data', (bytes) => {
      this.#sight(bytes);
      this.#take('requests', bytes);
    });
    server.on('data', (bytes) => this.#take('replies', bytes));
    server.on('error', () => undefined).on('close', () => this.#ended('replies'));
  }

  get isMute(): boolean {
    return this.#mute.requests || this.#mute.replies;
  }

  cut(): void {
    this.#client.destroy();
    this.#server?.destroy();
    this.#proxy.links.delete(this);
  }

  #take(way: 'requests' | 'replies', bytes: Buffer): void {
    const { fault } = this.#proxy;
    const { latencyMs = 0, bytesPerSecond } = fault;
    const isFree = latencyMs === 0 && bytesPerSecond === undefined && fault[way] !== 'HOLD';
    if (isFree && !this.#waiting[way]) return this.#pass(way, bytes, fault);
    this.#proxy.passed.touched++;
    const dueMs = performance.now() + latencyMs;
    const before = this.#waiting[way] ?? Promise.resolve();
    const turn: Promise<void> = before.then(async () => {
      await delay(Math.max(0, dueMs - performance.now()));
      await this.#trickle(way, bytes);
      if (this.#waiting[way] === turn) this.#waiting[way] = undefined;
    });
    this.#waiting[way] = turn;
  }

  async #trickle(way: 'requests' | 'replies', bytes: Buffer): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      const fault = await this.#proxy.opened(way);
      const { bytesPerSecond } = fault;
      const step = Math.ceil(((bytesPerSecond ?? Infinity) * TRICKLE_STEP_MS) / 1000);
      this.#pass(way, rest.subarray(0, step), fault);
      rest = rest.subarray(step);
      if (bytesPerSecond !== undefined) await delay(TRICKLE_STEP_MS);
    }
  }

  #pass(way: 'requests' | 'replies', bytes: Buffer, { [way]: passage = 'PASS' }: Fault): void {
    if (passage !== 'PASS') this.#proxy.passed.touched++;
    if (passage === 'CUT') return this.cut();
    if (passage === 'SWALLOW') this.#mute[way] = true;
    if (this.#mute[way]) return;
    if (passage === 'RESET') {
      this.#client.write(bytes.subarray(0, bytes.length >> 1), () => {
        this.#client.resetAndDestroy();
        this.cut();
      });
      return;
    }
    this.#proxy.passed[way] += bytes.length;
    (way === 'requests' ? this.#server : this.#client)?.write(bytes);
  }

  /** One side has ended: the other hears of it after the bytes that came before, unless some of them were lost. */
  #ended(way: 'requests' | 'replies'): void {
    const other = way === 'requests' ? this.#server : this.#client;
    void (this.#waiting[way] ?? Promise.resolve()).then(() => {
      if (!this.isMute) other?.destroySoon();
      if (!this.isMute || !other || other.destroyed) this.#proxy.links.delete(this);
    });
  }
}

export async function startTcpProxy(target?: Place, options: TcpProxyOptions = {}): Promise<TcpProxy> {
  const proxy = new Proxy(target, options);
  await proxy.listen();
  return proxy;
}
