/** Figures and counts as a person reads them. */

export function inMs(milliseconds: number): string {
  const digits = milliseconds < 10 ? 2 : milliseconds < 100 ? 1 : 0;
  return `${milliseconds.toFixed(digits)} ms`;
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** Two hours later, in the form of the cached value. */
export function later(time: string, hours: number): string {
  return `${new Date(Date.parse(time) + hours * 3_600_000).toISOString().slice(0, 19)}Z`;
}
