/** Figures as people read them. A figure that nobody knows is an en dash, never a zero. */
export const UNKNOWN = '–';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en', { maximumFractionDigits: 1, minimumFractionDigits: 1 });

/** 1,234; 12.3 thousand is not needed: queues are counted. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : whole.format(value);
}

/** A second: 0.3, 12, 2,001. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  return value > 0 && value < 10 ? fine.format(value) : whole.format(value);
}

/** 0.21 ms, 14 ms, 1.3 s, 5 min, 2 min 5 s, 3 h 20 min. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return UNKNOWN;
  if (ms === 0) return '0 ms';
  if (ms < 10) return `${ms < 1 ? ms.toFixed(2) : fine.format(ms)} ms`;
  if (ms < 1000) return `${whole.format(ms)} ms`;
  if (ms < 60_000) return `${fine.format(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

/** 0 to 1 as percent: 0%, 0.04%, 12%, 99.9%, 100%. What is not all is never shown as all. */
export function percent(part: number | null | undefined): string {
  if (part === null || part === undefined) return UNKNOWN;
  const value = part * 100;
  if (value === 0 || value === 100) return `${value}%`;
  if (value < 1) return `${Math.max(0.01, value).toFixed(2)}%`;
  return value > 99 ? `${Math.min(99.9, Math.floor(value * 10) / 10)}%` : `${whole.format(value)}%`;
}

/** `1 update`, `2 updates`. */
export function counted(value: number, thing: string): string {
  return `${count(value)} ${thing}${value === 1 ? '' : 's'}`;
}

/** 2026-11-27 14:05:06 UTC: everything is UTC here, as in the database. */
export function moment(time: string | number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** What the API says, with its times as they are here: `2026-11-27T14:05:06.123456Z` becomes `2026-11-27 14:05:06 UTC`. */
export function withMoments(text: string): string {
  return text.replaceAll(/\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z/g, '$1 $2 UTC');
}
