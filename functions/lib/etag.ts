/** Versions as entity tags (RFC 9110, 8.8.3 and 13.1). */
import { Problem } from './problem.ts';

const TAG = /^(W\/)?"([\x21\x23-\x7e]*)"$/;

function tags(header: string): string[] {
  return header.split(',').map((tag) => tag.trim());
}

/** If-None-Match: weak comparison, `*` matches whatever there is. */
export function matchesAny(header: string | undefined, version: string): boolean {
  return header !== undefined && tags(header).some((tag) => tag === '*' || TAG.exec(tag)?.[2] === version);
}

/** If-Match: the one version that must hold; undefined where any will do. */
export function wantedVersion(header: string | undefined): string | undefined {
  if (header === undefined || header === '*') return undefined;
  const [, weak, version] = tags(header).length === 1 ? (TAG.exec(header) ?? []) : [];
  // No flight ever has the empty tag.
  if (version === undefined || version === '' || weak !== undefined) {
    throw new Problem('invalid-field', 'If-Match takes one strong entity tag, as GET gave it in ETag.', {
      field: 'If-Match',
    });
  }
  return version;
}
