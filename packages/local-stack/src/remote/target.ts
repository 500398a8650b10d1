/**
 * An API that is called from this machine, with what it asks of its callers: nothing, a bearer token, or AWS's signature.
 * Whoever holds the credentials sees every request: they go to this one address, over TLS unless it is this machine, and
 * never after a redirect to another.
 */
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { isLoopback } from '@afterwrite/write-behind';
import { SignatureV4 } from '@smithy/signature-v4';

type Environment = Readonly<Record<string, string | undefined>>;
type Headers = Readonly<Record<string, string>>;
export type Credentials = ConstructorParameters<typeof SignatureV4>[0]['credentials'];

export interface Target {
  /** Without a slash at its end. */
  readonly url: string;
  /** In words: `signed for eu-central-1`. */
  readonly access: string;
  /** As fetch, for addresses that begin with `url`; the answer of a redirect is the redirect itself. */
  fetch(url: string, init: TargetRequest): Promise<Response>;
}

export interface TargetRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
}

export interface TargetOptions {
  readonly url: string;
  readonly tokenFile?: string | undefined;
  readonly environment: Environment;
  /** Where the AWS credentials come from; the SDK's usual chain where it is left out, and none of them for this machine. */
  readonly credentials?: Credentials | undefined;
}

/** A mistake of whoever called, in words that say what to do. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}

/** The headers that show who calls. */
type Authorise = (url: URL, request: TargetRequest) => Promise<Headers>;

const EXECUTE_API = /^[a-z0-9]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/;
const TOKEN = /^[\x21-\x7e]{1,16384}$/;

/** Throws TargetError. */
export function openTarget(options: TargetOptions): Target {
  const url = parseAddress(options.url);
  const base = url.href.replace(/\/+$/, '');
  const { access, authorise } = accessTo(url, options);
  return {
    url: base,
    access,
    async fetch(address, request) {
      const to = canonical(new URL(address));
      // Credentials are for this one API.
      if (!to.href.startsWith(`${base}/`)) throw new TargetError(`${to.origin} is not ${base}.`);
      const credentials = await Promise.race([authorise(to, request), whenAborted(request.signal)]);
      const headers = { ...request.headers, ...credentials };
      return await fetch(to, { ...request, headers, redirect: 'manual' });
    },
  };
}

/** Where the credentials come from may hang, and hears of no signal. */
async function whenAborted(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  await once(signal, 'abort');
  throw signal.reason;
}

function parseAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username + url.password !== '') {
    throw new TargetError(
      `--url is ${text}; it must be an address such as https://example.com or http://127.0.0.1:3000.`,
    );
  }
  if (url.search + url.hash !== '') throw new TargetError('--url must not have a query.');
  if (url.protocol === 'http:' && !isLocal(url)) {
    throw new TargetError(`--url is ${text}; without TLS everybody on the way reads it: use https://.`);
  }
  return url;
}

function isLocal({ hostname }: URL): boolean {
  return isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'));
}

function accessTo(
  url: URL,
  options: TargetOptions,
): { readonly access: string; readonly authorise: Authorise } {
  const { tokenFile, environment } = options;
  const token = environment.AFTERWRITE_TOKEN?.trim() ?? '';
  if (tokenFile !== undefined) {
    // Read each time: tokens are renewed.
    return {
      access: `with the token in ${tokenFile}`,
      authorise: async () => bearer(await readToken(tokenFile)),
    };
  }
  if (token !== '') {
    const headers = bearer(token);
    return { access: 'with the token in AFTERWRITE_TOKEN', authorise: () => Promise.resolve(headers) };
  }
  if (isLocal(url) && options.credentials === undefined)
    return { access: 'without credentials', authorise: () => Promise.resolve({}) };
  const region =
    EXECUTE_API.exec(url.hostname)?.[1] ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
  if (region === undefined || region === '') {
    throw new TargetError(
      `${url.hostname} names no AWS region: set AWS_REGION to sign with AWS credentials, or AFTERWRITE_TOKEN or ` +
        '--token-file to send a bearer token.',
    );
  }
  return {
    access: `signed with AWS credentials for ${region}`,
    authorise: signing(region, options.credentials),
  };
}

function bearer(token: string): Headers {
  if (!TOKEN.test(token))
    throw new TargetError('The bearer token is empty, too long, or has characters that no token has.');
  return { authorization: `Bearer ${token}` };
}

async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new TargetError(`The token cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function signing(region: string, credentials: Credentials | undefined): Authorise {
  let signer: Promise<SignatureV4> | undefined;
  return async (url, { method, headers, body }) => {
    signer ??= openSigner(region, credentials);
    const type = headers['content-type'];
    const request = {
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: queryOf(url),
      // The others may be changed on the way, and none of them says who calls.
      headers: { host: url.host, ...(type === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body }),
    };
    try {
      const { host: _host, ...signed } = (await (await signer).sign(request)).headers;
      return signed;
    } catch (error) {
      if ((error as Error).name !== 'CredentialsProviderError') throw error;
      throw new TargetError(
        'No AWS credentials: log in (`aws sso login`), set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or send a ' +
          `bearer token by --token-file. (${(error as Error).message})`,
        { cause: error },
      );
    }
  };
}

/** The SDK's chain is loaded only where it is asked: it is large. */
async function openSigner(region: string, given: Credentials | undefined): Promise<SignatureV4> {
  const credentials = given ?? (await import('@aws-sdk/credential-provider-node')).defaultProvider();
  return new SignatureV4({ service: 'execute-api', region, credentials, sha256: Sha256 });
}

/** Node's own, in the form that the signer asks for: with a secret an HMAC. */
class Sha256 {
  readonly #hash: { update(data: Buffer): unknown; digest(): Buffer };

  constructor(secret?: SourceData) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: SourceData): void {
    this.#hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
}

type SourceData = string | ArrayBuffer | ArrayBufferView;

function bytesOf(data: SourceData): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data);
}

/** With its query written as it is signed: a `+` may be a space or a plus. */
function canonical(url: URL): URL {
  const encode = (text: string) =>
    encodeURIComponent(text).replace(
      /[!'()*]/g,
      (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const pairs = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`);
  url.search = pairs.join('&');
  return url;
}

function queryOf({ searchParams }: URL): Record<string, string[]> {
  return Object.fromEntries(
    [...new Set(searchParams.keys())].map((name) => [name, searchParams.getAll(name)]),
  );
}
