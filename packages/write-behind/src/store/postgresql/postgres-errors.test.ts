/** The tables of errors, settings and texts, those included that no test can provoke. */
import { describe, expect, test } from 'vitest';
import { ConfigurationError, StoreDataError, StoreError, StoreUnavailableError } from '../../errors.ts';
import { checkSettings, type ServerSettings } from './postgres-checks.ts';
import { storeError } from './postgres-errors.ts';
import { copyChunks, numbered, parameter } from './postgres-values.ts';

function postgresError(shape: { code?: string; routine?: string; message?: string }): Error {
  const { message = 'as the server says it', ...rest } = shape;
  return Object.assign(new Error(message), rest);
}

describe('10 storeError', () => {
  test.each([
    ...['08000', '08003', '08006', '08P01', '25006', '25P03', '25P04', '40001', '40003', '40P01', '53300'],
    ...['55P03', '57014', '57P01', '57P02', '57P03', '57P04', '57P05'],
    ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND'],
    ...['EAI_AGAIN', 'ERR_STREAM_DESTROYED'],
  ])('%s may pass', (code) => {
    const cause = postgresError({ code });
    const error = storeError(cause);
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(error).toMatchObject({ retryable: true, cause });
    expect(error.message).toContain('as the server says it');
  });

  test.each([
    'Connection terminated',
    'Connection terminated unexpectedly',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
    'Cannot use a pool after calling end on the pool',
  ])('"%s" may pass', (message) => {
    expect(storeError(new Error(message))).toBeInstanceOf(StoreUnavailableError);
  });

  test.each(['22001', '22003', '22P02', '22021', '23502', '23503', '23505', '23514', '23P01', '44000'])(
    '%s refuses the data',
    (code) => {
      const error = storeError(postgresError({ code }));
      expect(error).toBeInstanceOf(StoreDataError);
      expect(error.retryable).toBe(false);
    },
  );

  test('54000 refuses the data that is too long, and not where the server has run out of numbers', () => {
    const said = (routine: string) => storeError(postgresError({ code: '54000', routine }));
    expect(said('_bt_check_third_page')).toBeInstanceOf(StoreDataError);
    expect(said('GetNewTransactionId').constructor).toBe(StoreError);
    expect(said('GetNewMultiXactId').constructor).toBe(StoreError);
  });

  test.each([
    ...['0A000', '21000', '22P04', '25P02', '28000', '28P01', '3D000', '42501', '42601', '42703', '42P01'],
    ...['42804', '53100', '53200', '54001', '58030', 'P0001', 'XX000', '99999'],
  ])('%s must be mended by somebody: disk, table, right, or unknown', (code) => {
    expect(storeError(postgresError({ code })).constructor).toBe(StoreError);
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
    version: '15.13 (Debian 15.13-0+deb12u1)',
    versionNumber: 150_013,
    encoding: 'UTF8',
    fsync: 'on',
    fullPageWrites: 'on',
    readOnly: 'off',
    isAurora: false,
  };

  test.each([140_000, 150_013, 180_001, 190_000])('takes version %i', (versionNumber) => {
    expect(checkSettings({ ...fine, versionNumber })).toEqual({ version: fine.version, warnings: [] });
  });

  test.each<[string, Partial<ServerSettings>, RegExp]>([
    ['an old server', { version: '13.20', versionNumber: 130_020 }, /13\.20 is too old: 14/],
    ['a database that holds no UTF-8', { encoding: 'SQL_ASCII' }, /encoding is SQL_ASCII.*UTF8/],
  ])('refuses %s in words to act on', (_what, settings, message) => {
    const check = () => checkSettings({ ...fine, ...settings });
    expect(check).toThrow(ConfigurationError);
    expect(check).toThrow(message);
  });

  test.each<[string, Partial<ServerSettings>, number]>([
    ['fsync', { fsync: 'off' }, 1],
    ['full_page_writes', { fullPageWrites: 'off' }, 1],
    ['read-only', { readOnly: 'on' }, 1],
    ['fsync', { fsync: 'off', fullPageWrites: 'off', readOnly: 'on' }, 3],
  ])('warns of %s', (word, settings, count) => {
    const { warnings } = checkSettings({ ...fine, ...settings });
    expect(warnings).toHaveLength(count);
    expect(warnings[0]).toContain(word);
  });

  test('does not warn of Aurora, which writes no pages', () => {
    expect(checkSettings({ ...fine, fullPageWrites: 'off', isAurora: true }).warnings).toEqual([]);
  });
});

describe('texts', () => {
  test('a question mark stands for a value, but not within strings, names and comments', () => {
    expect(numbered('SELECT ?, ? WHERE a = ?')).toBe('SELECT $1, $2 WHERE a = $3');
    const others = `SELECT '?''?', "?""?", $$ ? $$, $x$ ? $$ $x$ -- ?\n /* ? */`;
    expect(numbered(`${others}, ?`)).toBe(`${others}, $1`);
  });

  test('what no text is, is refused, and nothing else', () => {
    for (const value of ['\ud800', ['a', '\udfff'], 'a\ud83d'])
      expect(() => parameter(value)).toThrow(StoreDataError);
    expect(() => copyChunks([['\ud800']])).toThrow(StoreDataError);
    expect(parameter(['a"b\\', null, 1.5, true, Buffer.from([0, 255])])).toBe(
      '{"a\\"b\\\\",NULL,1.5,true,"\\\\x00ff"}',
    );
    expect([parameter([]), parameter(undefined), parameter(0), parameter('')]).toEqual(['{}', null, '0', '']);
    expect(() => parameter({})).toThrow(TypeError);
  });
});
