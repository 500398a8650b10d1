/** What `npm run bundle` wrote down of the bundles that it made. */
import { readFileSync } from 'node:fs';
import type { FunctionName } from '../functions/catalog.ts';

/** SHA-256 of each function's bundle, hexadecimal. */
export function hashesOfBundles(): Readonly<Record<FunctionName, string>> {
  return JSON.parse(readFileSync(`${$cli.paths.root}/functions/dist/hashes.json`, 'utf8')) as Record<
    FunctionName,
    string
  >;
}
