/** One connection to Valkey or Redis, and the one way to send on it: once, when connected, never again by itself. */
import { setImmediate } from 'node:timers/promises';
import { BufferUnavailableError } from '../errors.ts';
import { luaScripts } from './lua.generated.ts';
import { bufferError, createValkeyClient, whenReady } from './valkey-client.ts';
import type { ScriptName, ValkeyClient, ValkeySettings } from './valkey-client.ts';

export class ValkeyLink {
  readonly client: ValkeyClient;
  readonly #connection: ValkeySettings;

  constructor(connection: ValkeySettings) {
    this.client = createValkeyClient(connection);
    this.#connection = connection;
  }

  async close(): Promise<void> {
    if (this.client.status === 'ready') await this.client.quit().catch(() => undefined);
    this.client.disconnect();
  }

  async script(name: ScriptName, keys: string[], args: (string | number | Buffer)[]): Promise<unknown[]> {
    // One whose number of keys varies is told how many they are.
    const counted = 'numberOfKeys' in luaScripts[name] ? keys : [keys.length, ...keys];
    return (await this.send(name, keys, () => this.client[name](...counted, ...args))) as unknown[];
  }

  async number(name: ScriptName, keys: string[], args: (string | number)[]): Promise<number> {
    return Number(await this.send(name, keys, () => this.client[name](...keys, ...args)));
  }

  /** Errors come named: see `bufferError`. */
  async send<T>(command: string, keys: readonly string[], call: () => Promise<T>): Promise<T> {
    try {
      if (this.client.status !== 'ready') await whenReady(this.client, this.#connection);
      return await call();
    } catch (error) {
      const named = bufferError(this.#connection.title, command, keys, error);
      // Refused before the client noticed that its connection is gone. It notices in the event loop, which a caller
      // that tries again at once would never let run.
      if (named instanceof BufferUnavailableError && this.client.status === 'ready') await setImmediate();
      throw named;
    }
  }
}
