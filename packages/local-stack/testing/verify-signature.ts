/**
 * Signature Version 4, checked as the service does it: the steps of "Create a signed AWS API request" in the IAM User Guide,
 * from the request as it arrived, without the library that signed it.
 */
import { createHash, createHmac } from 'node:crypto';

export interface ArrivedRequest {
  readonly method: string;
  /** Path and query as they stand in the request line. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The signature that this request must have, made with this secret, for the scope and the headers that it names. */
export function signatureOf({ method, target, headers, body }: ArrivedRequest, secret: string): string {
  const { scope, signedHeaders } = authorizationOf(headers);
  const [path = '/', query = ''] = target.split('?');
  const pairs = query === '' ? [] : query.split('&').map((pair) => pair.split('=').map(decodeURIComponent));
  const canonical = [
    method,
    // Every service but S3 has each segment encoded twice: once in the request line, and once more here.
    path.split('/').map(encode).join('/'),
    pairs
      .map(([name = '', value = '']) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&'),
    ...signedHeaders.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    signedHeaders.join(';'),
    sha256(body),
  ].join('\n');
  const [date = '', region = '', service = ''] = scope;
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope.join('/'), sha256(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), 'aws4_request');
  return hmac(key, text).toString('hex');
}

export function authorizationOf(headers: ArrivedRequest['headers']) {
  const found = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)$/.exec(
    headers.authorization ?? '',
  );
  const [, accessKeyId = '', scope = '', signed = '', signature = ''] = found ?? [];
  return { accessKeyId, scope: scope.split('/'), signedHeaders: signed.split(';'), signature };
}
