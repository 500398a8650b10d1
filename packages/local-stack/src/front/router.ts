/** Which route a request takes, as API Gateway finds it: whole segments, case matters, the fixed path before the pattern. */
import findMyWay, { type HTTPMethod } from 'find-my-way';
import type { LocalRoute } from './local-routes.ts';

export interface FrontRoute {
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** `/flights/{flightId}`, as API Gateway writes it. */
  readonly path: string;
  readonly function: string;
  readonly scope: string | null;
}

type AnyRoute = FrontRoute | LocalRoute;

export type Match =
  | {
      readonly kind: 'ROUTE';
      readonly route: AnyRoute;
      readonly parameters: Readonly<Record<string, string>>;
    }
  /** The path exists; these verbs do. */
  | { readonly kind: 'WRONG_METHOD'; readonly allowed: readonly string[] }
  | { readonly kind: 'NO_PATH' }
  /** A `%` that escapes nothing, or a fragment, which no client sends. */
  | { readonly kind: 'BAD_PATH' };

/** An id of the length that the gateway lets through is the function's to refuse. */
const MAX_PARAMETER_LENGTH = 10_000;

export class Router {
  readonly #finder = findMyWay({
    caseSensitive: true,
    ignoreTrailingSlash: false,
    maxParamLength: MAX_PARAMETER_LENGTH,
  });
  readonly #methods: readonly AnyRoute['method'][];

  /** Throws for two with the same verb and path. */
  constructor(routes: readonly AnyRoute[]) {
    for (const route of routes) {
      const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
      this.#finder.on(route.method, path, () => undefined, route);
    }
    this.#methods = [...new Set(routes.map(({ method }) => method))];
  }

  /** `path` without the query. HEAD takes the way of GET. */
  match(method: string, path: string): Match {
    if (!isDecodable(path)) return { kind: 'BAD_PATH' };
    const found = this.#find(method === 'HEAD' ? 'GET' : method, path);
    if (found) return found;
    const allowed = this.#methods.filter((other) => this.#find(other, path) !== undefined);
    if (allowed.length === 0) return { kind: 'NO_PATH' };
    return { kind: 'WRONG_METHOD', allowed: withImplied(allowed) };
  }

  #find(method: string, path: string): Match | undefined {
    if (!this.#methods.some((known) => known === method)) return undefined;
    const found = this.#finder.find(method as HTTPMethod, path);
    if (!found) return undefined;
    const parameters = found.params as Record<string, string>;
    // API Gateway matches no empty segment.
    if (Object.values(parameters).includes('')) return undefined;
    return { kind: 'ROUTE', route: found.store as AnyRoute, parameters };
  }
}

function withImplied(methods: readonly string[]): readonly string[] {
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort();
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return !path.includes('#');
  } catch {
    return false;
  }
}
