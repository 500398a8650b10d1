/** Names of keys in memcached, and what lies there: `<tag> <value as JSON>`. */
import { createHash } from 'node:crypto';
import type { FieldValues } from '../entity.ts';

/** What memcached takes for a key: no spaces, no control characters, at most 250 bytes. */
const PLAIN_KEY = /^[\x21-\x7e]{1,250}$/;

/** Under a digest where the id is no key for memcached. A name has neither of the characters that tell the two apart. */
export function memcachedKey(
  { namespace, entity }: { readonly namespace: string; readonly entity: string },
  id: string,
): string {
  const name = `${namespace === '' ? '' : `${namespace}.`}${entity}`;
  const plain = `${name}:${id}`;
  return PLAIN_KEY.test(plain) ? plain : `${name}#${createHash('sha256').update(id).digest('base64url')}`;
}

/** Of a fill, `<epoch>.<stamp>`, the tag has no epoch: the script finds that out after the copy was written. */
export function filledTag(stamp: string): string {
  return `.${stamp}`;
}

/** The tag of the copy that has the content of this version, and no other: stamps and positions are never used again. */
export function tagOf(version: string): string {
  const dot = version.indexOf('.');
  return dot < 0 ? version : version.slice(dot);
}

export function encodeCopy(tag: string, value: FieldValues): string {
  return `${tag} ${JSON.stringify(value)}`;
}

/** undefined where it is of another version, or damaged. */
export function decodeCopy(copy: string, tag: string): FieldValues | undefined {
  if (!copy.startsWith(`${tag} {`)) return undefined;
  try {
    return JSON.parse(copy.slice(tag.length + 1)) as FieldValues;
  } catch {
    return undefined;
  }
}
