/** Where one is, in the address after the #, so that the server needs no route a view and a view can be linked to. */
import { signal } from '@preact/signals';

export const viewNames = ['now', 'flow', 'flight', 'load', 'queue', 'health'] as const;
export type ViewName = (typeof viewNames)[number];

export interface Route {
  readonly view: ViewName;
  /** What follows the view: `#/flight/115` -> `115`. */
  readonly rest: string;
}

function parseRoute(hash: string): Route {
  const [, name = '', rest = ''] = /^#\/([a-z]+)(?:\/(.*))?$/.exec(hash) ?? [];
  const view = viewNames.find((each) => each === name) ?? 'now';
  return { view, rest: decoded(rest) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

export const route = signal<Route>(parseRoute(location.hash));
addEventListener('hashchange', () => (route.value = parseRoute(location.hash)));

export function go(view: ViewName, rest = ''): void {
  location.hash = rest === '' ? `#/${view}` : `#/${view}/${encodeURIComponent(rest)}`;
}
