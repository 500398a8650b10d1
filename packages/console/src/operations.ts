/** Where docs/OPERATIONS.md, a page of the console (site/operations.ts), says what to do. */
import type { Heading } from '@afterwrite/client';

/** `Dead letters` -> `dead-letters`: what GitHub makes of a heading, so that both addresses agree. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

/** Relative to the console's page. */
export function operationsAddress(heading: Heading): string {
  return `console/operations.html#${anchorOf(heading)}`;
}
