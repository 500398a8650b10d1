/** The client names nothing that a browser lacks: it is checked against the types of a browser, without Node's. */
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

it('compiles with the types of a browser alone', () => {
  const program = ts.createProgram({
    rootNames: [fileURLToPath(new URL('./index.ts', import.meta.url))],
    options: {
      target: ts.ScriptTarget.ES2024,
      lib: ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
      types: [],
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      noEmit: true,
    },
  });
  const problems = ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ file, messageText }) =>
        `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
  expect(problems).toEqual([]);
  const loaded = program.getSourceFiles().map(({ fileName }) => fileName);
  expect(loaded.filter((name) => /@types\/node|aws-lambda|mysql2|iovalkey/.test(name))).toEqual([]);
});
