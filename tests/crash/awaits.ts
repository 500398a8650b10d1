/**
 * Where the engine sends commands, and what it waits for, read from its sources with TypeScript's own checker: so that
 * no command is left without a fault point, and no await waits for something that has none.
 */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

const SOURCES = join(import.meta.dirname, '../../packages/write-behind/src');
const FOLDERS = ['cache', 'flusher'];
const PORTS = new Set(['BufferPort', 'StorePort', 'StoreTransaction', 'Runtime']);

export interface Awaits {
  /** `flusher/flusher.ts:265`, each a command. */
  readonly commands: ReadonlySet<string>;
  /** Awaits of what is neither a command nor a function of the engine's. */
  readonly others: readonly string[];
}

export function readAwaits(): Awaits {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(SOURCES, folder))
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => join(SOURCES, folder, file)),
  );
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.NodeNext,
    allowImportingTsExtensions: true,
    noEmit: true,
    strict: true,
    types: ['node'],
  });
  const checker = program.getTypeChecker();
  const commands = new Set<string>();
  const others: string[] = [];
  for (const file of files) {
    const source = program.getSourceFile(file);
    if (!source) throw new Error(`${file} cannot be read`);
    const place = (node: ts.Node) => {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      return `${relative(SOURCES, file)}:${line + 1}`;
    };
    const isPromise = (call: ts.CallExpression) =>
      checker.getTypeAtLocation(call).getSymbol()?.name === 'Promise';
    const ownerOf = (call: ts.CallExpression) => {
      const declaration = checker.getResolvedSignature(call)?.declaration;
      const parent = declaration?.parent;
      if (parent && ts.isInterfaceDeclaration(parent) && PORTS.has(parent.name.text)) return 'port';
      return declaration && isEngine(declaration.getSourceFile().fileName) ? 'engine' : 'other';
    };
    const callsOf = (node: ts.Node): ts.CallExpression[] => {
      const calls: ts.CallExpression[] = [];
      const visit = (each: ts.Node): void => {
        if (ts.isCallExpression(each)) calls.push(each);
        ts.forEachChild(each, visit);
      };
      visit(node);
      return calls;
    };
    for (const call of callsOf(source)) {
      if (ownerOf(call) === 'port' && isPromise(call)) commands.add(place(nameOf(call)));
    }
    const visit = (node: ts.Node): void => {
      if (ts.isAwaitExpression(node)) {
        const isOurs = callsOf(node.expression).some((call) => ownerOf(call) !== 'other' && isPromise(call));
        if (!isOurs) others.push(`${relative(SOURCES, file)}: ${node.getText()}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return { commands, others };
}

/** The line on which a stack shows the call: that of the method's name. */
function nameOf(call: ts.CallExpression): ts.Node {
  return ts.isPropertyAccessExpression(call.expression) ? call.expression.name : call.expression;
}

function isEngine(file: string): boolean {
  return FOLDERS.some((folder) => file.startsWith(join(SOURCES, folder)));
}
