/**
 * Turns a folder of SQL files into the TypeScript module that carries them.
 *
 * `lock-flights.sql` holds one statement and becomes a string; `tables.schema.sql` holds several and becomes an
 * array of them, as drivers send one statement at a time unless they are opened up to injection.
 */
import { camelCase, constant, GenerateError, header, quote, type SourceFolder } from './source.ts';

const STATEMENT_FILE = /^([a-z][a-z0-9]*(?:-[a-z0-9]+)*)\.sql$/;
const SCHEMA_FILE = /^([a-z][a-z0-9]*(?:-[a-z0-9]+)*)\.schema\.sql$/;

export function generateSql(folder: SourceFolder): string {
  const entries = [...folder.files].map(([file, text]) => {
    const statements = splitStatements(text);
    const path = `${folder.path}/${file}`;
    if (statements.length === 0) throw new GenerateError(`${path}: holds no statement`);
    const schema = SCHEMA_FILE.exec(file)?.[1];
    if (schema !== undefined) {
      const items = statements.map((statement) => `    ${quote(statement)},\n`);
      return { key: camelCase(schema), value: `[\n${items.join('')}  ]` };
    }
    const single = STATEMENT_FILE.exec(file)?.[1];
    if (single === undefined) throw new GenerateError(`${path}: name it <name>.sql or <name>.schema.sql`);
    if (statements.length > 1) {
      throw new GenerateError(
        `${path}: holds ${statements.length} statements; only *.schema.sql may hold several`,
      );
    }
    return { key: camelCase(single), value: quote(statements[0] ?? '') };
  });
  return header(folder) + constant({ name: 'sql', folder, entries });
}

/** Splits at each `;` that ends a line, without the semicolons, whole-line comments and blank lines. */
function splitStatements(text: string): string[] {
  const kept = text.split(/\r?\n/).filter((line) => !/^\s*(--(\s.*)?)?$/.test(line));
  return kept
    .map((line) => line.trimEnd())
    .join('\n')
    .split(/;$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
