/**
 * Imports between packages point one way and go through a package's name.
 *
 * What a package offers is the `exports` of its package.json, which Node and TypeScript enforce for imports by
 * name; a relative path around them, and a name that the table below does not allow, is reported here.
 */
import { dirname, relative, resolve, sep } from 'node:path';
import type { Rule } from 'eslint';

/**
 * Package or root folder -> our packages it may import, or only what one of them exports under a name. Folders not named
 * here may import all of them.
 */
const ALLOWED: ReadonlyMap<string, readonly string[]> = new Map([
  ['write-behind', []],
  ['flights', ['write-behind']],
  ['patterns', ['write-behind', 'flights']],
  ['local-engines', []],
  ['functions', ['write-behind', 'flights', 'patterns']],
  [
    'local-stack',
    [
      'write-behind',
      'flights',
      'patterns',
      'functions',
      'local-engines',
      'client',
      'console/site',
      'console/words',
    ],
  ],
  // Plain data, and the bundles as files.
  ['infra', ['functions']],
  // Runs in browsers: plain data and types, no function.
  ['client', ['functions/schemas', 'functions/routes', 'functions/thresholds']],
  ['console', ['client']],
]);
/** Tests start servers of their own; nothing of that is shipped. */
const ALLOWED_IN_TESTS: readonly string[] = ['local-engines'];
/** No package with exports: its plain data is imported by path. */
const IMPORTED_BY_PATH: readonly string[] = ['functions', 'infra'];

const SCOPE = '@afterwrite/';
const TEST_FILE = /\.test\.ts$|[\\/]testing[\\/]/;

/** The package (`packages/x` -> `x`) or root folder that a file belongs to; files of the root have none. */
function ownerOf(root: string, file: string): string | undefined {
  const [first, second, third] = relative(root, file).split(sep);
  if (first === 'packages') return third === undefined ? undefined : second;
  return second === undefined ? undefined : first;
}

interface Import {
  readonly from: string;
  readonly to: string;
  /** `functions/schemas`; undefined for an import by path. */
  readonly name: string | undefined;
  readonly isTest: boolean;
}

function mayImport({ from, to, name, isTest }: Import): boolean {
  const allowed = ALLOWED.get(from);
  return (
    allowed === undefined ||
    to === from ||
    allowed.includes(to) ||
    (name !== undefined && allowed.includes(name)) ||
    (isTest && ALLOWED_IN_TESTS.includes(to))
  );
}

export const importBoundaries: Rule.RuleModule = {
  meta: {
    type: 'problem',
    messages: {
      direction: '{{from}} must not import {{to}}: imports point one way.',
      around: 'Import {{to}} by its name, {{scope}}{{to}}: a path into it goes around its exports.',
    },
    schema: [{ type: 'object', properties: { root: { type: 'string' } }, required: ['root'] }],
  },
  create(context) {
    const { root } = context.options[0] as { root: string };
    const from = ownerOf(root, context.filename);
    if (from === undefined) return {};
    const isTest = TEST_FILE.test(context.filename);

    const check = (node: Rule.Node, target: unknown): void => {
      if (typeof target !== 'string') return;
      const byName = target.startsWith(SCOPE);
      if (!byName && !target.startsWith('.')) return;
      const name = byName ? target.slice(SCOPE.length) : undefined;
      const to = name ? name.split('/')[0] : ownerOf(root, resolve(dirname(context.filename), target));
      if (to === undefined || to === from || !ALLOWED.has(to)) return;
      if (!byName && !IMPORTED_BY_PATH.includes(to)) {
        context.report({ node, messageId: 'around', data: { to, scope: SCOPE } });
      } else if (!mayImport({ from, to, name, isTest })) {
        context.report({ node, messageId: 'direction', data: { from, to } });
      }
    };

    return {
      ImportDeclaration: (node) => check(node, node.source.value),
      ExportAllDeclaration: (node) => check(node, node.source.value),
      ExportNamedDeclaration: (node) => check(node, node.source?.value),
      ImportExpression: (node) => check(node, node.source.type === 'Literal' && node.source.value),
    };
  },
};
