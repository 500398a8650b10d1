/** The `sst` command as its components see it: a JSON-RPC server, here with made-up answers. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

interface Call {
  readonly method: string;
  readonly params: readonly [Readonly<Record<string, unknown>>];
}

const ANSWERS: Readonly<Record<string, (params: Call['params'][0]) => unknown>> = {
  'Provider.Aws.Bootstrap': () => ({
    asset: 'made-up-assets',
    assetEcrRegistryId: '123456789012',
    assetEcrUrl: 'made-up',
    state: 'made-up-state',
    appsyncHttp: 'made-up',
    appsyncRealtime: 'made-up',
  }),
  'Provider.Aws.Appsync': () => ({ http: 'made-up', realtime: 'made-up' }),
  // With a bundle there is nothing to build.
  'Runtime.Build': ({ bundle, handler }) => ({ handler, out: bundle, errors: [], sourcemaps: [] }),
  'Runtime.AddTarget': () => null,
};

/** Its address. It keeps no process alive. */
export async function startRpcServer(): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      const { method, params } = (await json(request)) as Call;
      const answer = ANSWERS[method];
      const body = answer ? { result: answer(params[0]) } : { error: `rpc: can't find ${method}` };
      response.setHeader('connection', 'close').end(JSON.stringify(body));
    })();
  });
  server.unref().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
