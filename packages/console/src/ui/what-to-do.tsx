import { type Heading, operationsAddress } from '../operations.ts';

interface WhatToDoProps {
  readonly heading: Heading;
  /** Where several such links stand on a page, each says of what. */
  readonly about: string;
}

export function WhatToDo({ heading, about }: WhatToDoProps) {
  return (
    <a class="what-to-do" href={operationsAddress(heading)}>
      What to do<span class="hidden"> about: {about}</span>
    </a>
  );
}
