/** The one table of routes, plain data: the local front and the infrastructure read it. Paths as API Gateway writes them. */
import type { FunctionName } from './catalog.ts';

export type Scope = 'flights:read' | 'flights:write' | 'queue:admin';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly function: FunctionName;
  /** null: anybody who may reach the API. */
  readonly scope: Scope | null;
}

export const routes = [
  { method: 'GET', path: '/flights', function: 'find-flights', scope: 'flights:read' },
  { method: 'GET', path: '/flights/{flightId}', function: 'get-flight', scope: 'flights:read' },
  { method: 'PATCH', path: '/flights/{flightId}', function: 'update-flight', scope: 'flights:write' },
  {
    method: 'GET',
    path: '/flights/{flightId}/consistency',
    function: 'flight-consistency',
    scope: 'flights:read',
  },
  { method: 'GET', path: '/flights/{flightId}/log', function: 'flight-log', scope: 'flights:read' },
  { method: 'GET', path: '/writes/{receipt}', function: 'write-receipt', scope: 'flights:read' },
  { method: 'GET', path: '/queue', function: 'queue', scope: 'queue:admin' },
  { method: 'POST', path: '/queue/process', function: 'queue', scope: 'queue:admin' },
  { method: 'POST', path: '/queue/flush', function: 'queue', scope: 'queue:admin' },
  { method: 'GET', path: '/queue/dead-letters', function: 'queue', scope: 'queue:admin' },
  { method: 'POST', path: '/queue/dead-letters/redrive', function: 'queue', scope: 'queue:admin' },
  { method: 'GET', path: '/health', function: 'health', scope: null },
  { method: 'GET', path: '/openapi.json', function: 'openapi', scope: null },
  { method: 'GET', path: '/', function: 'console', scope: 'queue:admin' },
  { method: 'GET', path: '/console/{file}', function: 'console', scope: 'queue:admin' },
] as const satisfies readonly Route[];
