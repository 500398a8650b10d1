/** A switch: closed, open, or trying. Its shape says it, not its colour. */
import type { LiveQueue } from '@afterwrite/client';

const LEVER: Readonly<Record<LiveQueue['breaker'], string>> = {
  CLOSED: 'M12 14H36',
  OPEN: 'M12 14 33 3',
  HALF_OPEN: 'M12 14 34 9',
};

export function Breaker({ state }: { readonly state: LiveQueue['breaker'] }) {
  return (
    <svg class={`switch switch-${state.toLowerCase()}`} viewBox="0 0 48 20">
      <path d="M0 14H12M36 14H48" />
      <path d={LEVER[state]} class="lever" />
      <circle cx="12" cy="14" r="3" />
      <circle cx="36" cy="14" r="3" />
    </svg>
  );
}
