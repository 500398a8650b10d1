/** What one transaction does at once, where each update is placed, what becomes of those that are refused. */
import type { Mutation } from '../mutation.ts';
import { cacheBehaviour, commit, commitEpochs, counterexample, everyStep } from './tests.ts';

const SRC = 'packages/write-behind/src';
const COMMIT = `${SRC}/flusher/commit-batch.ts`;
const APPLY = `${SRC}/flusher/apply.ts`;
const FLUSHER = `${SRC}/flusher/flusher.ts`;
const PLACEMENT = `${SRC}/store/placement.ts`;
const REDRIVE = `${SRC}/cache/redrive.ts`;

/** Turns commit-batch.ts into one that does `later` after its transaction. */
const AFTER_THE_COMMIT = [
  {
    find: '  return await store.transaction(async (transaction) => {',
    replace:
      '  let later = (): Promise<unknown> => Promise.resolve();\n' +
      '  const outcome = await store.transaction(async (transaction) => {',
  },
  {
    find: '  });\n}\n\n/**\n * The items before',
    replace: '  });\n  await later();\n  return outcome as BatchOutcome;\n}\n\n/**\n * The items before',
  },
];

export const flusherMutations: readonly Mutation[] = [
  {
    name: 'watermark-not-moved',
    guard: 'The watermark moves in the transaction that changes the rows',
    file: COMMIT,
    edits: [
      { find: 'await transaction.moveWatermark(batch.partition, { position, deadLetters });', replace: '' },
    ],
    caughtBy: [commit('a batch that is committed again and again is stored once')],
  },
  {
    name: 'watermark-moves-afterwards',
    guard: 'The watermark moves in the transaction that changes the rows',
    file: COMMIT,
    edits: [
      ...AFTER_THE_COMMIT,
      {
        find: 'await transaction.moveWatermark(batch.partition, { position, deadLetters });',
        replace:
          'later = () => store.transaction(async (own) => {\n' +
          '  await own.lockWatermark(batch.partition);\n' +
          '  await own.moveWatermark(batch.partition, { position, deadLetters });\n' +
          '});',
      },
    ],
    caughtBy: [everyStep('flush: one batch')],
  },
  {
    name: 'redrive-does-not-lock-the-watermark',
    guard: 'The watermark is locked first',
    file: REDRIVE,
    edits: [
      { find: '  await transaction.lockWatermark(partition);\n  const letter', replace: '  const letter' },
    ],
    caughtBy: [everyStep('redrive')],
  },
  {
    name: 'unknown-epoch-taken-over',
    guard: 'An unknown epoch is taken over only by who saw the one before',
    file: PLACEMENT,
    edits: [
      {
        find: 'const mayTakeOver = watermark.epoch === seenEpoch;',
        replace: 'const mayTakeOver = seenEpoch !== null;',
      },
    ],
    caughtBy: [counterexample('unknown epoch taken over, after a failover'), commitEpochs('3: never lost')],
  },
  {
    name: 'epoch-read-after-the-peek',
    guard: 'An unknown epoch is taken over only by who saw the one before',
    file: FLUSHER,
    edits: [
      {
        find: '() => commitBatch(store, { partition, items, seenEpoch, deadLetterLimit }),',
        replace:
          'async () => commitBatch(store, { partition, items, seenEpoch: await store.readEpoch(partition), deadLetterLimit }),',
      },
    ],
    caughtBy: [cacheBehaviour('stores nothing of it after the newer updates')],
  },
  {
    name: 'retired-epochs-forgotten',
    guard: 'Retired epochs keep their final seq',
    file: COMMIT,
    edits: [{ find: 'if (ended.length > 0) await', replace: 'if (ended.length < 0) await' }],
    caughtBy: [counterexample('retired epochs forgotten')],
  },
  {
    name: 'retired-final-seq-not-compared',
    guard: 'Retired epochs keep their final seq',
    file: PLACEMENT,
    edits: [{ find: "seq <= finalSeq ? 'DONE' : 'ABANDONED'", replace: "'DONE'" }],
    caughtBy: [commitEpochs('of a retired epoch what was dealt with is skipped')],
  },
  {
    name: 'retired-all-abandoned',
    guard: 'Retired epochs keep their final seq',
    file: PLACEMENT,
    edits: [{ find: "seq <= finalSeq ? 'DONE' : 'ABANDONED'", replace: "'ABANDONED'" }],
    caughtBy: [
      counterexample('retired epochs forgotten'),
      commitEpochs('of a retired epoch what was dealt with'),
    ],
  },
  {
    name: 'abandoned-stored-late',
    guard: 'Retired epochs keep their final seq',
    file: PLACEMENT,
    edits: [{ find: "seq <= finalSeq ? 'DONE' : 'ABANDONED'", replace: "seq <= finalSeq ? 'DONE' : 'NEW'" }],
    caughtBy: [commitEpochs('of a retired epoch what was dealt with is skipped')],
  },
  {
    name: 'found-dealt-with-is-trusted',
    guard: 'Taint',
    file: COMMIT,
    edits: [{ find: "if (placed.kind === 'DONE') distrusted.add(placed.item.id);", replace: '' }],
    caughtBy: [counterexample('items found dealt with trusted')],
  },
  {
    name: 'parked-is-trusted',
    guard: 'Taint',
    file: COMMIT,
    edits: [{ find: 'if (entityId !== undefined) distrusted.add(entityId);', replace: 'void entityId;' }],
    caughtBy: [counterexample('value of what was parked kept')],
  },
  {
    name: 'lost-items-not-invalidated',
    guard: 'A commit whose items the queue no longer holds invalidates',
    file: FLUSHER,
    edits: [{ find: 'if (dropped >= settled) return;', replace: 'if (dropped >= 0 * settled) return;' }],
    caughtBy: [cacheBehaviour('keeps no row that was cached before that commit')],
  },
  {
    name: 'letters-written-afterwards',
    guard: "Dead letters are written in the store's transaction",
    file: COMMIT,
    edits: [
      ...AFTER_THE_COMMIT,
      {
        find: 'const deadLetters = await park(transaction, batch, watermark, parked);',
        replace:
          'const deadLetters = watermark.deadLetters + parked.length;\n' +
          'later = () => store.transaction(async (own) => {\n' +
          '  await own.lockWatermark(batch.partition);\n' +
          '  await park(own, batch, watermark, parked);\n' +
          '});',
      },
    ],
    caughtBy: [everyStep('flush: bad updates among good ones')],
  },
  {
    name: 'letters-written-before',
    guard: "Dead letters are written in the store's transaction",
    file: COMMIT,
    edits: [
      {
        find: 'const deadLetters = await park(transaction, batch, watermark, parked);',
        replace: 'const deadLetters = await store.transaction((own) => park(own, batch, watermark, parked));',
      },
    ],
    caughtBy: [commit('a commit that fails at its last step leaves nothing')],
  },
  {
    name: 'redrive-of-what-is-superseded',
    guard: 'Redrive is refused where newer updates were stored',
    file: REDRIVE,
    edits: [
      {
        find: 'if (letter.superseded.length > 0) return',
        replace: 'if (letter.superseded.length < 0) return',
      },
    ],
    caughtBy: [counterexample('redrive of what is superseded')],
  },
  {
    name: 'letters-not-superseded-by-later-batches',
    guard: 'Newer updates mark what they supersede',
    file: COMMIT,
    edits: [
      { find: 'if (watermark.deadLetters > 0) await', replace: 'if (watermark.deadLetters < 0) await' },
    ],
    caughtBy: [counterexample('redrive of what a later batch superseded')],
  },
  {
    name: 'letters-not-superseded-within-a-batch',
    guard: 'Newer updates mark what they supersede',
    file: COMMIT,
    edits: [{ find: 'fields.filter((field) => later.has(field))', replace: 'fields.filter(() => false)' }],
    caughtBy: [counterexample('redrive of what is superseded')],
  },
  {
    name: 'letters-not-superseded-by-a-redrive',
    guard: 'Newer updates mark what they supersede',
    file: REDRIVE,
    edits: [
      { find: 'await transaction.supersede(letter.partition, fields, letterId);', replace: 'void fields;' },
    ],
    caughtBy: [counterexample('redrive of an older letter after a newer one')],
  },
  {
    name: 'redrive-deletes-before-the-cache-is-told',
    guard: 'Redrive marks, tells the cache, deletes',
    file: REDRIVE,
    edits: [
      {
        find: 'await transaction.markRedriven(letterId);',
        replace: 'await transaction.deleteLetter(letterId);',
      },
    ],
    caughtBy: [everyStep('redrive: updates wait')],
  },
  {
    name: 'redrive-tells-no-cache',
    guard: 'Redrive marks, tells the cache, deletes',
    file: REDRIVE,
    edits: [{ find: 'await buffer.invalidate(step.entityId);', replace: '' }],
    caughtBy: [everyStep('redrive: updates wait')],
  },
  {
    name: 'redrive-tells-the-cache-last',
    guard: 'Redrive marks, tells the cache, deletes',
    file: REDRIVE,
    edits: [
      { find: '  await buffer.invalidate(step.entityId);\n', replace: '' },
      {
        find: "  return { letterId, kind: 'REDRIVEN' };",
        replace: "  await buffer.invalidate(step.entityId);\n  return { letterId, kind: 'REDRIVEN' };",
      },
    ],
    caughtBy: [everyStep('redrive: updates wait')],
  },
  {
    name: 'redrive-does-not-see-its-mark',
    guard: 'Redrive marks, tells the cache, deletes',
    file: REDRIVE,
    edits: [
      {
        find: 'if (letter.redriven && letter.entityId !== undefined) {',
        replace: 'if (letter.entityId === null) {',
      },
    ],
    caughtBy: [everyStep('redrive')],
  },
  {
    name: 'retryable-errors-not-retried',
    guard: 'Errors that are retried',
    file: FLUSHER,
    edits: [
      {
        find: 'const retryable = (error: unknown) => error instanceof AfterwriteError && error.retryable;',
        replace: 'const retryable = () => false;',
      },
    ],
    caughtBy: [{ file: 'tests/system/flushing.test.ts', test: 'with growing waits, in order' }],
  },
  {
    name: 'any-error-parks',
    guard: 'Errors that stop',
    file: APPLY,
    edits: [
      {
        find: 'if (!(error instanceof StoreDataError)) throw error;',
        replace: 'if (!(error instanceof Error)) throw error;',
      },
    ],
    caughtBy: [commit('undoes the batch whole and parks nothing')],
  },
  {
    name: 'no-rollback-to-the-savepoint',
    guard: 'What is refused is undone to its savepoint',
    file: APPLY,
    edits: [{ find: 'await transaction.rollbackToSavepoint();', replace: '' }],
    caughtBy: [commit('what is refused after its audit row was written leaves no audit row')],
  },
  {
    name: 'good-ones-parked-with-the-bad',
    guard: 'Only the bad update is parked',
    file: APPLY,
    edits: [
      { find: 'if (list.length === 1) {', replace: 'if (list.length >= 1) {' },
      { find: 'refused.set(first, {', replace: 'for (const each of list) refused.set(each, {' },
    ],
    caughtBy: [commit('stays so around refused ones'), commit('of 1,000 with a missing row')],
  },
  {
    name: 'right-half-first',
    guard: 'Only the bad update is parked',
    file: APPLY,
    edits: [
      {
        find: '    await apply(list.slice(0, middle));\n    await apply(list.slice(middle));',
        replace: '    await apply(list.slice(middle));\n    await apply(list.slice(0, middle));',
      },
    ],
    caughtBy: [commit('stays so around refused ones')],
  },
];
