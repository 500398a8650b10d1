/**
 * A TCP proxy in front of a server that speaks RESP: counts the commands that pass, and holds replies back or cuts
 * connections when a test says so, which is all that a network does to a client.
 */
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** What becomes of replies: handed on; held back until they pass again; or lost, with the connection cut. */
export type ReplyMode = 'PASS' | 'HOLD' | 'CUT';

export interface Proxy {
  readonly port: number;
  /** Names of the commands that clients sent, in upper case, in order. */
  readonly commands: string[];
  replies: ReplyMode;
  /** Where it connects to; set later where the server must know the proxy's port first. */
  target: { readonly host: string; readonly port: number } | undefined;
  /** Connections that are open now. */
  connections(): number;
  cutAll(): void;
  /** Connections that are open now are never answered again, as if their server had gone; new ones are. */
  passNewOnly(): void;
  close(): Promise<void>;
}

export async function startProxy(target?: Proxy['target']): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const held: (() => void)[] = [];
  const silent = new WeakSet<Socket>();
  let mode: ReplyMode = 'PASS';
  const server = createServer((client) => {
    if (!proxy.target) return void client.destroy();
    const upstream = connect(proxy.target.port, proxy.target.host);
    const cut = () => {
      client.destroy();
      upstream.destroy();
      sockets.delete(client);
    };
    sockets.add(client);
    const count = commandCounter((name) => proxy.commands.push(name));
    client.on('data', (bytes) => {
      count(bytes);
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (silent.has(client)) return;
      if (mode === 'PASS') client.write(bytes);
      else if (mode === 'HOLD') held.push(() => client.write(bytes));
      else cut();
    });
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', cut);
      socket.on('close', cut);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: Proxy = {
    port: (server.address() as AddressInfo).port,
    commands: [],
    get replies() {
      return mode;
    },
    set replies(next) {
      mode = next;
      if (mode === 'PASS') for (const send of held.splice(0)) send();
    },
    target,
    connections: () => sockets.size,
    cutAll: () => {
      for (const socket of sockets) socket.destroy();
    },
    passNewOnly: () => {
      for (const socket of sockets) silent.add(socket);
      held.length = 0;
      mode = 'PASS';
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      proxy.cutAll();
      await closed;
    },
  };
  return proxy;
}

/** Finds the commands in a client's stream: `*<n>`, then n times `$<bytes>` and the bytes. */
function commandCounter(onCommand: (name: string) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (let command = readCommand(rest); command; command = readCommand(rest)) {
      onCommand(command.name);
      rest = rest.subarray(command.end);
    }
  };
}

function readCommand(bytes: Buffer): { readonly name: string; readonly end: number } | undefined {
  let at = 0;
  const readNumber = (): number | undefined => {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const value = Number(bytes.toString('latin1', at + 1, end));
    at = end + 2;
    return value;
  };
  const parts = readNumber();
  if (parts === undefined) return undefined;
  let name = '';
  for (let part = 0; part < parts; part++) {
    const length = readNumber();
    if (length === undefined || bytes.length < at + length + 2) return undefined;
    if (part === 0) name = bytes.toString('latin1', at, at + length).toUpperCase();
    at += length + 2;
  }
  return { name, end: at };
}
