/** Files beside their compressed forms: an HTTP API compresses nothing by itself, and a function should not do it each time. */
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const BEST = {
  br: { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } },
  gz: { level: constants.Z_BEST_COMPRESSION },
} as const;

/** `main.js` -> `main.js`, `main.js.br`, `main.js.gz`. */
export async function compressed(
  files: ReadonlyMap<string, Uint8Array>,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const all = new Map<string, Uint8Array>();
  for (const [name, bytes] of files) {
    all.set(name, bytes);
    all.set(`${name}.br`, await promisify(brotliCompress)(bytes, BEST.br));
    all.set(`${name}.gz`, await promisify(gzip)(bytes, BEST.gz));
  }
  return all;
}
