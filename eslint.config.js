import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { importBoundaries } from './scripts/eslint/import-boundaries.ts';

const root = import.meta.dirname;
const tests = ['**/*.test.ts', 'packages/*/testing/**/*.ts', 'tests/**/*.ts'];
const anEngine = '[value=/^((rds|aurora)-)?(mysql|mariadb|postgresql|valkey|redis|memcached)$/]';
const nodeGlobals = Object.fromEntries(
  ['clearInterval', 'clearTimeout', 'console', 'process', 'setInterval', 'setTimeout'].map((name) => [
    name,
    'readonly',
  ]),
);

export default defineConfig(
  globalIgnores(['**/dist/', '**/*.generated.ts', '.local/', '.sst/', 'coverage/', 'sst.config.ts']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    rules: {
      // Numbers and booleans read the same in a message however they are turned into text.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `() => void work()` and `() => log()` are how a callback says that it gives nothing.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // A port's method may be async in one adapter and not wait for anything in another.
      '@typescript-eslint/require-await': 'off',
      // `return await` inside try/catch decides who sees the error.
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.{ts,tsx,js,mjs}'],
    plugins: { afterwrite: { rules: { 'import-boundaries': importBoundaries } } },
    rules: {
      'afterwrite/import-boundaries': ['error', { root }],
      'max-lines': ['error', { max: 350, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['packages/*/src/**/*.{ts,tsx}', 'functions/**/*.ts', 'scripts/**/*.ts'],
    ignores: tests,
    rules: { 'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }] },
  },
  {
    // Libraries report through their results, errors and hooks; only commands own the terminal.
    files: ['packages/{write-behind,flights,patterns}/src/**/*.ts'],
    ignores: ['**/cli/**', '**/cli.ts', ...tests],
    rules: { 'no-console': 'error' },
  },
  {
    // What is particular to an engine is in its adapter, or in a table by its name: a further engine is a further line.
    files: ['packages/*/src/**/*.{ts,tsx}', 'functions/**/*.ts', 'infra/**/*.ts'],
    ignores: [
      'packages/write-behind/src/store/{mysql,mariadb,postgresql}/**',
      'packages/write-behind/src/buffer/**',
      'packages/local-engines/src/engines/**',
      ...tests,
    ],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...[
          `BinaryExpression[operator=/^[!=]==$/] > Literal${anEngine}`,
          `SwitchCase > Literal${anEngine}`,
        ].map((selector) => ({ selector, message: 'Look it up in a table by the name of the engine.' })),
      ],
    },
  },
  {
    files: tests,
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // Inputs of resources are JSON of any shape; a wrong name fails a test.
    files: ['tests/infra/**/*.ts'],
    rules: Object.fromEntries(
      [
        'explicit-any',
        'unsafe-argument',
        'unsafe-assignment',
        'unsafe-call',
        'unsafe-member-access',
        'unsafe-return',
      ].map((name) => [`@typescript-eslint/no-${name}`, 'off']),
    ),
  },
  { files: ['**/*.{js,mjs}'], languageOptions: { globals: nodeGlobals } },
);
