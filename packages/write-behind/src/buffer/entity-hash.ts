/**
 * A cached entity as a hash: each field of the value as one JSON text, so that an update sets just what it changes,
 * beside the fields that `lua/includes/entity.lua` describes.
 */
import { checkFieldValues, type FieldValues } from '../entity.ts';
import { ValidationError } from '../errors.ts';
import type { CachedEntity } from './buffer.ts';

/** Lua's unpack fails at 8,000 values; two a field and the fixed arguments must stay well below. */
const MAX_FIELDS = 1000;

export function fieldArguments(values: FieldValues): string[] {
  checkFieldValues(values);
  const entries = Object.entries(values);
  if (entries.length > MAX_FIELDS) {
    throw new ValidationError(
      'value',
      `has ${String(entries.length)} fields, ${String(MAX_FIELDS)} is the limit`,
    );
  }
  const list: string[] = [];
  for (const [name, value] of entries) list.push(name, JSON.stringify(value));
  return list;
}

export const MISSING_ROW = ['~m', '1'] as const;
export const VALUE_ELSEWHERE = ['~x', '1'] as const;

/** The version of a clean value that lies elsewhere; undefined for any other hash. */
export function versionElsewhere(hash: Record<string, string>): string | undefined {
  return hash['~x'] === undefined ? undefined : hash['~v'];
}

/** undefined where there is no value to be trusted: not cached, elsewhere, tainted, or not a hash of ours. */
export function decodeEntity(hash: Record<string, string>): CachedEntity | undefined {
  const version = hash['~v'];
  if (version === undefined || hash['~x'] !== undefined) return undefined;
  if (hash['~m'] !== undefined) return { value: undefined, version, dirty: false };
  let text = '';
  for (const name in hash) {
    if (name.charCodeAt(0) === TILDE) continue;
    text += `${text === '' ? '{' : ','}${labelOf(name)}${hash[name] ?? 'null'}`;
  }
  try {
    const value = JSON.parse(`${text === '' ? '{' : text}}`) as FieldValues;
    return { value, version, dirty: hash['~d'] !== undefined };
  } catch {
    return undefined; // Damaged by hand: as good as nothing.
  }
}

/** A field's name as JSON text with its colon, kept: an entity's hashes all have the same few. */
function labelOf(name: string): string {
  const known = labels.get(name);
  if (known !== undefined) return known;
  const label = `${JSON.stringify(name)}:`;
  if (labels.size < MAX_FIELDS) labels.set(name, label);
  return label;
}

const labels = new Map<string, string>();
const TILDE = 126;
