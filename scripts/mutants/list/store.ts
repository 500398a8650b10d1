/** What MySQL is asked to hold, what its errors mean, and what is checked before the first update. */
import type { Mutation } from '../mutation.ts';
import {
  cacheBehaviour,
  commit,
  errorTable,
  infile,
  sameByLoad,
  storeContract,
  transaction,
} from './tests.ts';

const SRC = 'packages/write-behind/src';
const ERRORS = `${SRC}/store/mysql/mysql-errors.ts`;
/** The numbers are there. */
const MYSQL = `${SRC}/store/mysql/mysql.ts`;
const TRANSACTION = `${SRC}/store/mysql/mysql-transaction.ts`;
const INFILE = `${SRC}/store/mysql/mysql-infile.ts`;

export const storeMutations: readonly Mutation[] = [
  {
    name: 'watermark-not-locked',
    guard: 'The watermark is locked first',
    file: `${SRC}/store/mysql/sql/lock-watermark.sql`,
    edits: [{ find: '\nFOR UPDATE', replace: '' }],
    caughtBy: [commit('of two flushers with the same batch at the same time exactly one stores')],
  },
  {
    name: 'rows-locked-in-any-order',
    guard: 'Rows are locked in primary-key order',
    file: TRANSACTION,
    edits: [{ find: '.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))', replace: '' }],
    caughtBy: [transaction('2: more rows than one statement locks')],
  },
  {
    name: 'load-in-spite-of-warnings',
    guard: 'What a load changes or leaves out is undone',
    file: TRANSACTION,
    edits: [
      {
        find: 'if (loaded.warnings > 0 || loaded.rows !== rows.length) throw new LoadRefused();',
        replace: '',
      },
    ],
    caughtBy: [infile('is refused: '), infile('a row that it leaves out for its key')],
  },
  {
    name: 'load-into-whatever-table',
    guard: 'What a load changes or leaves out is undone',
    file: TRANSACTION,
    edits: [{ find: 'if (isSameByLoad(described, columns, kinds)) return;', replace: 'return;' }],
    caughtBy: [sameByLoad('the same by a load as by INSERT')],
  },
  {
    name: 'load-refused-and-not-undone',
    guard: 'What a load changes or leaves out is undone',
    file: TRANSACTION,
    edits: [
      { find: 'await this.rollbackToSavepoint();\n    await this.#mapping', replace: 'await this.#mapping' },
    ],
    caughtBy: [infile('is undone to the savepoint and written once')],
  },
  {
    name: 'load-without-a-savepoint',
    guard: 'What a load changes or leaves out is undone',
    file: TRANSACTION,
    edits: [{ find: '  #mayLoad = false;', replace: '  #mayLoad = true;' }],
    caughtBy: [infile('are used where there is no savepoint to go back to')],
  },
  {
    name: 'load-again-and-again',
    guard: 'What a load changes or leaves out is undone',
    file: TRANSACTION,
    edits: [{ find: 'if (isRetryable(error) && !isReply(error)) this.#loading.pause();', replace: '' }],
    caughtBy: [infile('10 follow where a load lost the connection')],
  },
  {
    name: 'backslash-not-escaped',
    guard: 'A text to load is escaped',
    file: INFILE,
    edits: [{ find: 'const SPECIAL = /[\\t\\n\\\\\\0]/;', replace: 'const SPECIAL = /[\\t\\n\\0]/;' }],
    caughtBy: [infile('without the plain statements, for each of what the format gives a meaning')],
  },
  {
    name: 'deadlock-stops',
    guard: 'Errors that are retried',
    file: MYSQL,
    edits: [{ find: "    [1213, 'deadlock'],\n", replace: '' }],
    caughtBy: [errorTable('may pass')],
  },
  {
    name: 'lock-wait-stops',
    guard: 'Errors that are retried',
    file: MYSQL,
    edits: [{ find: "    [1205, 'lock wait timeout'],\n", replace: '' }],
    caughtBy: [errorTable('may pass')],
  },
  {
    name: 'lost-connection-stops',
    guard: 'Errors that are retried',
    file: ERRORS,
    edits: [{ find: "  'PROTOCOL_CONNECTION_LOST',\n", replace: '' }],
    caughtBy: [errorTable('may pass')],
  },
  {
    name: 'read-only-server-stops',
    guard: 'Errors that are retried',
    file: MYSQL,
    edits: [{ find: "    [1836, 'server is read-only'],\n", replace: '' }],
    caughtBy: [errorTable('may pass')],
  },
  {
    name: 'read-only-option-stops',
    guard: 'Errors that are retried',
    file: ERRORS,
    edits: [{ find: 'if (passing !== undefined || readOnly) {', replace: 'if (passing !== undefined) {' }],
    caughtBy: [errorTable('1290 may pass where it is about read-only')],
  },
  {
    name: 'unknown-errors-park',
    guard: 'Errors that stop',
    file: ERRORS,
    edits: [
      {
        find: 'return new StoreError(`${title} ${code',
        replace: 'return new StoreDataError(`${title} ${code',
      },
    ],
    caughtBy: [errorTable('must be mended by somebody')],
  },
  {
    name: 'constraints-stop',
    guard: 'Errors that park',
    file: ERRORS,
    edits: [{ find: "sqlState.startsWith('23')", replace: 'sqlState === null' }],
    caughtBy: [errorTable('refuses the data')],
  },
  {
    name: 'values-that-do-not-fit-stop',
    guard: 'Errors that park',
    file: ERRORS,
    edits: [{ find: "sqlState.startsWith('22')", replace: 'sqlState === null' }],
    caughtBy: [errorTable('refuses the data')],
  },
  {
    name: 'check-constraints-stop',
    guard: 'Errors that park',
    file: MYSQL,
    edits: [{ find: 'new Set([1265, 1366, 3819])', replace: 'new Set<number>()' }],
    caughtBy: [errorTable('refuses the data')],
  },
  {
    name: 'connection-kept-after-an-error',
    guard: 'Connections on which anything failed are destroyed',
    file: `${SRC}/store/mysql/mysql-pool.ts`,
    edits: [
      {
        find: '      raw.destroy();\n      throw storeError(error, this.#dialect);',
        replace: '      raw.release();\n      throw storeError(error, this.#dialect);',
      },
    ],
    caughtBy: [storeContract('leaves nothing for the next one to commit after a lock wait')],
  },
  {
    name: 'any-count-of-partitions',
    guard: 'The count of partitions is checked at start',
    file: `${SRC}/store/rows.ts`,
    edits: [
      {
        find: 'if (!first || known !== partitions || rows.length !== partitions) {',
        replace: 'if (!first) {',
      },
    ],
    caughtBy: [storeContract('refuses another count of partitions than at first use')],
  },
  {
    name: 'any-database',
    guard: 'A queue belongs to one database',
    file: `${SRC}/open.ts`,
    edits: [
      { find: 'if (bound.storeId === storeId) return;', replace: 'if (bound.storeId !== undefined) return;' },
    ],
    caughtBy: [cacheBehaviour('is refused at start, with what to do')],
  },
];
