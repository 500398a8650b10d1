import type { Heading } from '@afterwrite/client';
import { operationsAddress } from '../operations.ts';

interface WhatToDoProps {
  readonly heading: Heading;
  /** Where several such links stand on a page, each says of what. */
  readonly about: string;
  readonly words?: string;
}

export function WhatToDo({ heading, about, words = 'What to do' }: WhatToDoProps) {
  return (
    <a class="what-to-do" href={operationsAddress(heading)}>
      {words}
      <span class="hidden"> about: {about}</span>
    </a>
  );
}
