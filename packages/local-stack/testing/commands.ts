/** Runs the commands as a person does, as processes of their own, on the test run's servers. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { createFlughafenSchema, seedFlights } from '@afterwrite/flights';
import { parseSettings, type Settings } from '@afterwrite/write-behind';
import { Redis } from 'iovalkey';
import { type Connection, createConnection } from 'mysql2/promise';
import { inject } from 'vitest';
import { asSql } from '../../../tests/support/as-sql.ts';

type CommandName =
  'check-history' | 'console' | 'demo' | 'reconcile' | 'repartition' | 'seed' | 'start' | 'status' | 'worker';
type Environment = Readonly<Record<string, string>>;

export interface Place {
  /** For commands. */
  readonly environment: Environment;
  /** For the public classes. */
  readonly settings: Settings;
  /** Its database is the current one. */
  readonly connection: Connection;
  /** Drops the database, and what is cached or queued in namespaces whose names begin as the place's. */
  remove(): Promise<void>;
}

/** A database and a namespace of one's own, seeded with `flights`; undefined: no schema, not even the database. */
export async function makePlace(flights: number | undefined, more: Environment = {}): Promise<Place> {
  const [valkey, mysql] = [inject('valkey'), inject('mysql')];
  const name = `stack_${randomBytes(6).toString('hex')}`;
  const environment = {
    DB_HOST: mysql.host,
    DB_PORT: String(mysql.port),
    DB_NAME: name,
    DB_USER: mysql.user,
    DB_PASSWORD: mysql.password,
    CACHE_HOST: valkey.host,
    CACHE_PORT: String(valkey.port),
    CACHE_NAMESPACE: name,
    ...more,
  };
  const { host, port, user, password } = mysql;
  const connection = await createConnection({ host, port, user, password, timezone: 'Z', dateStrings: true });
  if (flights !== undefined) {
    await createFlughafenSchema(asSql(connection), { database: name });
    await seedFlights(asSql(connection), { flights });
  }
  return {
    environment,
    settings: parseSettings(environment),
    connection,
    async remove() {
      await connection.query('DROP DATABASE IF EXISTS ??', [name]);
      await connection.end();
      await removeKeys(name);
    },
  };
}

/** Others look through all keys of the run's Valkey, and would look longer. */
async function removeKeys(namespace: string): Promise<void> {
  const { host, port } = inject('valkey');
  const valkey = new Redis(port, host);
  for (const key of await valkey.keys(`{${namespace}*`)) await valkey.unlink(key);
  valkey.disconnect();
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Resolves as soon as standard output holds `text` for the `times`th time; rejects when the command ends first. */
  sees(text: string, times?: number): Promise<void>;
  readonly ended: Promise<Outcome>;
}

/** Starts it in a folder without a `.env`, with nothing of our own settings but `environment`. */
export function startCommand(
  name: CommandName,
  args: readonly string[],
  environment: Environment,
): RunningCommand {
  const { PATH, HOME } = process.env;
  const program = join(import.meta.dirname, '..', 'src', 'cli', `${name}.ts`);
  const child = spawn(process.execPath, [program, ...args], {
    cwd: tmpdir(),
    env: { PATH, HOME, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A command that ends early does not read its input.
  child.stdin.on('error', () => undefined);
  let stdout = '';
  let stderr = '';
  let look: () => void = () => undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  return {
    child,
    ended,
    async sees(text, times = 1) {
      const seen = new Promise<void>((resolve) => {
        look = () => stdout.split(text).length > times && resolve();
        look();
      });
      const early = ended.then((outcome) => {
        if (stdout.split(text).length <= times)
          throw new Error(`ended without "${text}": ${JSON.stringify(outcome)}`);
      });
      await Promise.race([seen, early]);
    },
  };
}

/** Runs it to its end with this as its whole input. */
export async function runCommandLine(
  name: CommandName,
  args: readonly string[],
  environment: Environment,
  input = '',
): Promise<Outcome> {
  const { child, ended } = startCommand(name, args, environment);
  child.stdin.end(input);
  return await ended;
}
