/**
 * GET / and GET /console/{file}: the page that shows it at work (packages/console), from the files that lie beside the
 * function's code. The page has no secrets and asks the API as its caller; a strict policy keeps it on its own origin.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiFunction, type Operation } from './lib/api.ts';
import { Problem } from './lib/problem.ts';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
const ENCODINGS = { br: 'br', gzip: 'gz' } as const;

const PROTECTION = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

let names: ReadonlySet<string> | undefined;

/** Lambda's own variable: where the code is. */
function folder(): string {
  return join(process.env.LAMBDA_TASK_ROOT ?? '.', 'assets');
}

function serve(name: string, acceptEncoding: string): ReturnType<Operation> {
  names ??= new Set(readdirSync(folder()));
  const type = TYPES[name.split('.').at(-1) ?? ''];
  // Only what the folder lists: no path leads out of it.
  if (type === undefined || !names.has(name)) throw new Problem('not-found', 'There is no such file.');
  const encoding = (['br', 'gzip'] as const).find((each) => new RegExp(`\\b${each}\\b`).test(acceptEncoding));
  const path = join(folder(), encoding === undefined ? name : `${name}.${ENCODINGS[encoding]}`);
  const isHashed = /-[0-9A-Z]{8}\.(js|css)$/.test(name);
  return Promise.resolve({
    status: 200,
    file: { type, bytes: readFileSync(path) },
    headers: {
      ...PROTECTION,
      'cache-control': isHashed ? 'private, max-age=31536000, immutable' : 'no-cache',
      vary: 'accept-encoding',
      ...(encoding && { 'content-encoding': encoding }),
    },
  });
}

export const handler = apiFunction({
  'GET /': ({ header }) => serve('index.html', header('accept-encoding') ?? ''),
  'GET /console/{file}': ({ header, parameter }) => serve(parameter('file'), header('accept-encoding') ?? ''),
});
