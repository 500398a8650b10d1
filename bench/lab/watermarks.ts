/** When updates were in the database: the watermark of each partition, asked for every few milliseconds. */
import { crc32 } from 'node:zlib';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { firstAtLeast } from './workload.ts';

interface Moves {
  readonly seqs: number[];
  readonly seenUs: number[];
}

export class Watermarks {
  readonly #connection: Connection;
  readonly #namespace: string;
  readonly #moves: readonly Moves[];
  #sorted: readonly Float64Array[] = [];

  constructor(connection: Connection, namespace: string, partitions: number) {
    this.#connection = connection;
    this.#namespace = namespace;
    this.#moves = Array.from({ length: partitions }, () => ({ seqs: [], seenUs: [] }));
  }

  async look(): Promise<void> {
    const [rows] = await this.#connection.query<RowDataPacket[]>(
      'SELECT partition_no AS partitionNo, seq FROM afterwrite_watermarks WHERE namespace = ?',
      [this.#namespace],
    );
    const seenUs = Date.now() * 1000;
    for (const row of rows) {
      const moves = this.#moves[Number(row.partitionNo)];
      const seq = Number(row.seq);
      if (!moves || seq <= (moves.seqs.at(-1) ?? 0)) continue;
      moves.seqs.push(seq);
      moves.seenUs.push(seenUs);
    }
    this.#sorted = [];
  }

  /** When the update was first seen to be stored, us since 1970; Infinity where it never was. */
  storedUs(flightId: string, seq: number): number {
    if (this.#sorted.length === 0) this.#sorted = this.#moves.map(({ seqs }) => Float64Array.from(seqs));
    const partition = crc32(flightId) % this.#moves.length;
    const at = firstAtLeast(this.#sorted[partition] ?? new Float64Array(), seq);
    return this.#moves[partition]?.seenUs[at] ?? Infinity;
  }
}
