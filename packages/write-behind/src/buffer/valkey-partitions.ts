/**
 * What a change of the number of partitions does on Valkey. On a cluster the partitions lie on different servers, and no
 * script reaches two of them: so each step is one partition's own, and may be repeated.
 */
import type { PartitionChange, PartitionsBuffer, SealReply } from '../repartition/ports.ts';
import { answersInOrder } from './answers.ts';
import { type PartitionKeys, partitionKeys, partitionOf } from './keys.ts';
import type { ValkeyClient, ValkeySettings } from './valkey-client.ts';
import { ValkeyLink } from './valkey-link.ts';
import { ownKeys } from './valkey-scan.ts';

export interface ValkeyPartitionsOptions {
  readonly connection: ValkeySettings;
  readonly entity: string;
  readonly namespace: string;
  /** The larger of the old and the new number. */
  readonly partitions: number;
}

/** Answers of one write. */
const CHUNK = 500;
/** Of `adopt-4.lua`: there also where not one answer was gathered. */
const MARK = '~';

export class ValkeyPartitions implements PartitionsBuffer {
  readonly #link: ValkeyLink;
  readonly #keys: readonly PartitionKeys[];

  constructor(options: ValkeyPartitionsOptions) {
    this.#link = new ValkeyLink(options.connection);
    this.#keys = Array.from({ length: options.partitions }, (_, partition) =>
      partitionKeys(options.entity, options.namespace, partition),
    );
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  async shut(partition: number): Promise<void> {
    await this.#send('shut', (client) => client.shut(this.#of(partition).seq));
  }

  async sweep(): Promise<{ deleted: number; kept: number }> {
    let [deleted, kept] = [0, 0];
    const lasting = new Set(
      this.#keys.flatMap(({ seq, once, onceOrder, store }) => [seq, once, onceOrder, store]),
    );
    for await (const { partition, found } of ownKeys(this.#link, this.#keys)) {
      const keys = found.filter((key) => !lasting.has(key));
      if (keys.length === 0) continue;
      const count = await this.#link.number('clear', [partition.queue], keys);
      if (count < 0) kept += keys.length;
      else deleted += count;
    }
    return { deleted, kept };
  }

  async gather(change: PartitionChange): Promise<{ answers: number; most: number }> {
    await this.forget(change);
    const counts = this.#keys.map(() => 0);
    const waiting = this.#keys.map(() => [] as { key: string; answer: string; entry: string }[]);
    for (const [partition] of this.#keys.entries()) await this.#mark(partition, change.run);
    const write = async (partition: number) => {
      const answers = waiting[partition]?.splice(0) ?? [];
      if (answers.length === 0) return;
      const { once, order } = this.#gathered(partition, change.run);
      const fields = answers.flatMap(({ key, answer }) => [key, answer]);
      await this.#send('HSET', (client) => client.hset(once, ...fields));
      await this.#send('RPUSH', (client) => client.rpush(order, ...answers.map(({ entry }) => entry)));
    };
    const sources = this.#keys
      .slice(0, change.from)
      .map(({ once, onceOrder }) => this.#answersOf(once, onceOrder));
    for await (const { entry, key, answer } of answersInOrder(sources)) {
      // `<id> <idempotency key>`; an id has no space.
      const partition = partitionOf(key.slice(0, key.indexOf(' ')), change.to);
      counts[partition] = (counts[partition] ?? 0) + 1;
      waiting[partition]?.push({ entry, key, answer });
      if ((waiting[partition]?.length ?? 0) >= CHUNK) await write(partition);
    }
    for (const [partition] of this.#keys.entries()) await write(partition);
    return { answers: counts.reduce((sum, count) => sum + count, 0), most: Math.max(...counts) };
  }

  async seal(partition: number, epoch: string): Promise<SealReply> {
    const { seq, queue } = this.#of(partition);
    const reply = await this.#send('seal', (client) => client.seal(seq, queue, epoch));
    const [kind, count] = reply as ['SEALED' | 'OPEN' | 'WAITING', number];
    return kind === 'WAITING' ? { kind, count } : { kind };
  }

  async adopt(partition: number, run: string): Promise<void> {
    const { once, onceOrder } = this.#of(partition);
    const gathered = this.#gathered(partition, run);
    await this.#send('adopt', (client) => client.adopt(once, onceOrder, gathered.once, gathered.order));
  }

  async forget({ run }: PartitionChange): Promise<void> {
    for (const [partition] of this.#keys.entries()) {
      const { once, order } = this.#gathered(partition, run);
      await this.#send('UNLINK', (client) => client.unlink(once, order));
    }
  }

  async #mark(partition: number, run: string): Promise<void> {
    const { once } = this.#gathered(partition, run);
    await this.#send('HSET', (client) => client.hset(once, MARK, ''));
  }

  /** The answers of one partition, in portions, the oldest first. */
  async *#answersOf(once: string, order: string) {
    for (let start = 0; ; start += CHUNK) {
      const entries = await this.#send('LRANGE', (client) => client.lrange(order, start, start + CHUNK - 1));
      if (entries.length === 0) return;
      const keys = entries.map((entry) => entry.slice(entry.indexOf(' ') + 1));
      const answers = await this.#send('HMGET', (client) => client.hmget(once, ...keys));
      for (const [index, entry] of entries.entries()) {
        const [key, answer] = [keys[index], answers[index]];
        if (key !== undefined && answer) yield { entry, atUs: Number(entry.split(' ')[0]), key, answer };
      }
      if (entries.length < CHUNK) return;
    }
  }

  #gathered(partition: number, run: string): { once: string; order: string } {
    const once = `${this.#of(partition).gatheredPrefix}${run}`;
    return { once, order: `${once}:order` };
  }

  #of(partition: number): PartitionKeys {
    const keys = this.#keys[partition];
    if (!keys) throw new RangeError(`There is no partition ${String(partition)}`);
    return keys;
  }

  async #send<T>(command: string, call: (client: ValkeyClient) => Promise<T>): Promise<T> {
    return await this.#link.send(command, [], () => call(this.#link.client));
  }
}
