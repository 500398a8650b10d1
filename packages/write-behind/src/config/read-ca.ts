/** The file that a `_TLS_CA` variable names. */
import { readFileSync } from 'node:fs';
import { ConfigurationError } from '../errors.ts';

export function readCa(variable: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigurationError(`${variable}: ${file} cannot be read.`, {}, error);
  }
}
