/** Small seeded randomness: the same seed gives the same numbers on every machine. */
export interface Random {
  /** 0 to below 1. */
  readonly float: () => number;
  /** Whole, 0 to below `limit`. */
  readonly below: (limit: number) => number;
  readonly chance: (share: number) => boolean;
  readonly pick: <T>(list: readonly T[]) => T;
  readonly weighted: <T>(list: readonly (readonly [weight: number, value: T])[]) => T;
}

/** mulberry32, by Tommy Ettinger (public domain). */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  const float = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(float() * limit);
  const pick = <T>(list: readonly T[]): T => {
    if (list.length === 0) throw new Error('there is nothing to pick from');
    return list[below(list.length)] as T;
  };
  return {
    float,
    below,
    chance: (share) => float() < share,
    pick,
    weighted: (list) => {
      let left = float() * list.reduce((sum, [weight]) => sum + weight, 0);
      return (list.find(([weight]) => (left -= weight) < 0) ?? list[0])![1];
    },
  };
}
