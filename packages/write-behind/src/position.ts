/** Where an update stands: its partition's epoch, and its seq (microseconds since 1970, strictly increasing) in it. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** For each epoch the highest seq that the store has dealt with; what an ack may remove. */
export type Covered = ReadonlyMap<string, number>;

/** `<epoch>-<seq>`, as the buffer's scripts write it. */
export function formatPosition(position: Position): string {
  return `${position.epoch}-${String(position.seq)}`;
}

/** Reads what `formatPosition` and the scripts write; of anything else it makes no sense. */
export function parsePosition(text: string): Position {
  const at = text.indexOf('-');
  return { epoch: text.slice(0, at), seq: Number(text.slice(at + 1)) };
}
