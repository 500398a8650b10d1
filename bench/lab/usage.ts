/**
 * What a piece of work takes besides time: CPU of each process, statements and bytes of MySQL. Nothing else may run on
 * these servers meanwhile.
 */
import { readFile } from 'node:fs/promises';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Servers } from './servers.ts';

export interface Usage {
  readonly spentMs: number;
  /** CPU of this process, microseconds. */
  readonly processUs: number;
  /** CPU of the servers, in steps of 10 ms; NaN in containers, whose processes are not ours to look at. */
  readonly mysqlUs: number;
  readonly valkeyUs: number;
  /** What clients sent to MySQL, each part of a transaction counted by itself. */
  readonly statements: number;
  readonly commits: number;
  readonly bytesToMysql: number;
}

/** Of /proc/PID/stat, everywhere on Linux. */
const TICK_US = 10_000;
const COUNTERS = ['Questions', 'Com_commit', 'Bytes_received'] as const;

export async function measureUsage(
  { mysql, valkey }: Pick<Servers, 'mysql' | 'valkey'>,
  connection: Connection,
  work: () => Promise<unknown>,
): Promise<Usage> {
  const look = async () => ({
    counters: await readCounters(connection),
    mysqlUs: await cpuOf(mysql.pid),
    valkeyUs: await cpuOf(valkey.pid),
  });
  const before = await look();
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await work();
  const spentMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  const after = await look();
  const counted = (name: (typeof COUNTERS)[number]) => after.counters[name] - before.counters[name];
  return {
    spentMs,
    processUs: user + system,
    mysqlUs: after.mysqlUs - before.mysqlUs,
    valkeyUs: after.valkeyUs - before.valkeyUs,
    // The look itself is one.
    statements: counted('Questions') - 1,
    commits: counted('Com_commit'),
    bytesToMysql: counted('Bytes_received'),
  };
}

async function readCounters(connection: Connection): Promise<Record<(typeof COUNTERS)[number], number>> {
  const [rows] = await connection.query<RowDataPacket[]>('SHOW GLOBAL STATUS WHERE Variable_name IN (?)', [
    COUNTERS,
  ]);
  const values = new Map(rows.map((row) => [String(row.Variable_name), Number(row.Value)]));
  const [Questions = NaN, Com_commit = NaN, Bytes_received = NaN] = COUNTERS.map((name) => values.get(name));
  return { Questions, Com_commit, Bytes_received };
}

/** CPU that a process has used up to now, microseconds; NaN where it cannot be looked at. */
export async function cpuOf(pid: number | undefined): Promise<number> {
  if (pid === undefined) return Number.NaN;
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => '');
  // After the name, which is in parentheses and may hold anything: state is the 3rd field, utime and stime 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}
