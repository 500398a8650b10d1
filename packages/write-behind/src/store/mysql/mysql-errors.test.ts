/** The table of errors, those included that no test can provoke. */
import { describe, expect, test } from 'vitest';
import { ConfigurationError, StoreDataError, StoreError, StoreUnavailableError } from '../../errors.ts';
import { checkSettings as check, type ServerSettings } from './mysql-checks.ts';
import { storeError as nameError } from './mysql-errors.ts';
import { mysqlDialect } from './mysql.ts';

const storeError = (error: unknown) => nameError(error, mysqlDialect);
const checkSettings = (settings: ServerSettings, maxBatchBytes: number) =>
  check(settings, maxBatchBytes, mysqlDialect);

function mysqlError(shape: { errno?: number; sqlState?: string; code?: string; message?: string }): Error {
  const { message = 'as the server says it', ...rest } = shape;
  return Object.assign(new Error(message), rest);
}

describe('10 storeError', () => {
  test.each([1040, 1053, 1159, 1161, 1203, 1205, 1213, 1226, 1317, 1792, 1836, 3024, 3168, 4031])(
    '%i may pass',
    (errno) => {
      const cause = mysqlError({ errno, sqlState: 'HY000' });
      const error = storeError(cause);
      expect(error).toBeInstanceOf(StoreUnavailableError);
      expect(error).toMatchObject({ retryable: true, cause });
      expect(error.message).toContain('as the server says it');
    },
  );

  test.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENOTFOUND',
    'EAI_AGAIN',
    'HANDSHAKE_SSL_ERROR',
    'PROTOCOL_CONNECTION_LOST',
    'PROTOCOL_SEQUENCE_TIMEOUT',
    'PROTOCOL_PACKETS_OUT_OF_ORDER',
  ])('%s may pass', (code) => {
    expect(storeError(mysqlError({ code }))).toBeInstanceOf(StoreUnavailableError);
  });

  test.each([
    "Can't add new command when connection is in closed state",
    'Connection lost',
    'Pool is closed.',
  ])('"%s" may pass', (message) => {
    expect(storeError(new Error(message))).toBeInstanceOf(StoreUnavailableError);
  });

  test('1290 may pass where it is about read-only, and not where another option is', () => {
    const said = (option: string) =>
      storeError(mysqlError({ errno: 1290, message: `running with the ${option} option` }));
    expect(said('--read-only')).toBeInstanceOf(StoreUnavailableError);
    expect(said('--super-read-only')).toBeInstanceOf(StoreUnavailableError);
    expect(said('--secure-file-priv').constructor).toBe(StoreError);
  });

  test.each([
    [1406, '22001'],
    [1264, '22003'],
    [1292, '22007'],
    [3140, '22032'],
    [1048, '23000'],
    [1452, '23000'],
    [1062, '23000'],
    [1265, '01000'],
    [1366, 'HY000'],
    [3819, 'HY000'],
  ])('%i (%s) refuses the data', (errno, sqlState) => {
    const error = storeError(mysqlError({ errno, sqlState }));
    expect(error).toBeInstanceOf(StoreDataError);
    expect(error.retryable).toBe(false);
  });

  test.each([
    [1021, 'HY000'],
    [1045, '28000'],
    [1049, '42000'],
    [1054, '42S22'],
    [1114, 'HY000'],
    [1136, '21S01'],
    [1142, '42000'],
    [1146, '42S02'],
    [1364, 'HY000'],
    [1644, '45000'],
    [9999, 'HY000'],
  ])('%i (%s) must be mended by somebody: disk, table, right, or unknown', (errno, sqlState) => {
    expect(storeError(mysqlError({ errno, sqlState })).constructor).toBe(StoreError);
  });

  test('an error that has its name keeps it, and what is no error becomes one', () => {
    const named = new StoreDataError('no');
    expect(storeError(named)).toBe(named);
    expect(storeError('text').constructor).toBe(StoreError);
    expect(storeError(undefined).constructor).toBe(StoreError);
    expect(storeError(new RangeError('a bug')).constructor).toBe(StoreError);
  });
});

describe('checkSettings', () => {
  const fine: ServerSettings = {
    version: '8.0.46',
    sqlMode: 'STRICT_ALL_TABLES,NO_ZERO_DATE',
    maxAllowedPacket: 67_108_864,
    flushLogAtCommit: 1,
    readOnly: 0,
    localInfile: 1,
  };
  const BATCH_BYTES = 4_194_304;

  test.each(['8.0.19', '8.0.46-0ubuntu0.22.04.1', '8.4.3', '9.1.0', '10.0.0'])(
    'takes MySQL %s',
    (version) => {
      expect(checkSettings({ ...fine, version }, BATCH_BYTES)).toEqual({ version, warnings: [] });
    },
  );

  test.each<[string, Partial<ServerSettings>, RegExp]>([
    ['MariaDB', { version: '11.4.2-MariaDB-ubu2404' }, /DB_ENGINE is mysql.*MariaDB/],
    ['an old server', { version: '5.7.44' }, /5\.7\.44 is too old/],
    ['a server that has no row alias yet', { version: '8.0.18' }, /8\.0\.18 is too old: 8\.0\.19/],
    ['a mode that changes values', { sqlMode: 'NO_ENGINE_SUBSTITUTION' }, /sql_mode/],
    ['a mode that is strict for some tables only', { sqlMode: 'STRICT_TRANS_TABLES' }, /sql_mode/],
    ['packets that are too small', { maxAllowedPacket: 1_048_576 }, /max_allowed_packet.*QUEUE_BATCH_BYTES/],
  ])('refuses %s in words to act on', (_what, settings, message) => {
    const checking = () => checkSettings({ ...fine, ...settings }, BATCH_BYTES);
    expect(checking).toThrow(ConfigurationError);
    expect(checking).toThrow(message);
  });

  test('warns of a server that forgets commits, and of one that is read-only', () => {
    expect(checkSettings({ ...fine, flushLogAtCommit: 2 }, BATCH_BYTES).warnings).toHaveLength(1);
    expect(checkSettings({ ...fine, flushLogAtCommit: 0, readOnly: 1 }, BATCH_BYTES).warnings).toHaveLength(
      2,
    );
  });
});
