/** Where `npm start` serves the API on this machine. */
import { TargetError } from './target.ts';

const DEFAULT_PORT = '3000';

/** Throws TargetError. */
export function localAddress({ PORT }: Readonly<Record<string, string | undefined>>): string {
  const port = PORT === undefined || PORT.trim() === '' ? DEFAULT_PORT : PORT.trim();
  if (!/^[1-9]\d{0,4}$/.test(port)) {
    throw new TargetError(`PORT is ${port}, which names no address: pass --url, as \`npm start\` prints it.`);
  }
  return `http://127.0.0.1:${port}`;
}
