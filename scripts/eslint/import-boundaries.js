/**
 * Imports between packages point one way and go through a package's name.
 *
 * What a package offers is the `exports` of its package.json, which Node and TypeScript enforce for imports by
 * name; a relative path around them, and a name that the table below does not allow, is reported here.
 */
import { dirname, relative, resolve, sep } from 'node:path';

/** Package or root folder -> our packages it may import. Folders not named here may import all of them. */
export const ALLOWED = {
  'write-behind': [],
  flights: ['write-behind'],
  patterns: ['write-behind'],
  'local-engines': [],
  functions: ['write-behind', 'flights', 'patterns'],
  'local-stack': ['write-behind', 'flights', 'patterns', 'functions', 'local-engines', 'client'],
  client: [],
  console: ['client'],
};
/** Real servers for tests may come from anywhere in the checkout, as they are no part of what is shipped. */
const ALLOWED_IN_TESTS = ['local-engines'];

const SCOPE = '@afterwrite/';
const TEST_FILE = /\.test\.ts$|[\\/]testing[\\/]/;

/** The package (`packages/x` -> `x`) or root folder that a file belongs to; files of the root have none. */
function ownerOf(root, file) {
  const [first, second, third] = relative(root, file).split(sep);
  if (first === 'packages') return third === undefined ? undefined : second;
  return second === undefined ? undefined : first;
}

/** @type {import('eslint').Rule.RuleModule} */
export const importBoundaries = {
  meta: {
    type: 'problem',
    messages: {
      direction: '{{from}} must not import {{to}}: imports point one way (see docs/ARCHITECTURE.md).',
      around: 'Import {{to}} by its name, {{scope}}{{to}}: a path into it goes around its exports.',
    },
    schema: [{ type: 'object', properties: { root: { type: 'string' } }, required: ['root'] }],
  },
  create(context) {
    const { root } = context.options[0];
    const from = ownerOf(root, context.filename);
    const isTest = TEST_FILE.test(context.filename);

    function check(node) {
      const target = node.source?.value;
      if (typeof target !== 'string' || from === undefined) return;
      if (target.startsWith('.')) {
        const to = ownerOf(root, resolve(dirname(context.filename), target));
        if (to !== undefined && to !== from && to in ALLOWED && to !== 'functions') {
          context.report({ node, messageId: 'around', data: { to, scope: SCOPE } });
        } else if (to === 'functions' && to !== from) {
          checkDirection(node, to);
        }
      } else if (target.startsWith(SCOPE)) {
        checkDirection(node, target.slice(SCOPE.length).split('/')[0]);
      }
    }

    function checkDirection(node, to) {
      const allowed = ALLOWED[from];
      if (allowed === undefined || to === from || allowed.includes(to)) return;
      if (isTest && ALLOWED_IN_TESTS.includes(to)) return;
      context.report({ node, messageId: 'direction', data: { from, to } });
    }

    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};
