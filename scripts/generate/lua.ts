/**
 * Turns a folder of Lua commands into the TypeScript module that carries them.
 *
 * One command a file, the number of its KEYS in the name: `fill-4.lua`, or n where it varies. Helpers live in `includes/` and are
 * pulled in by a line `--- @include "name"`, each once and where it is first asked for. Comments stay in the
 * source: Valkey keeps every loaded script in memory, and clients send them again after a failover.
 */
import { camelCase, constant, GenerateError, header, quote, type SourceFolder } from './source.ts';

const COMMAND_FILE = /^([a-z][a-z0-9]*(?:-[a-z0-9]+)*?)-(\d+|n)\.lua$/;
const INCLUDE_LINE = /^\s*---\s*@include\s+"([a-z0-9-]+)"\s*$/;
const INCLUDES = 'includes/';

export function generateLua(folder: SourceFolder): string {
  const includes = new Map<string, string>();
  const commands: { file: string; key: string; numberOfKeys: string; text: string }[] = [];
  for (const [file, text] of folder.files) {
    const match = COMMAND_FILE.exec(file);
    if (file.startsWith(INCLUDES)) {
      includes.set(file.slice(INCLUDES.length).replace(/\.lua$/, ''), text);
    } else if (match?.[1] !== undefined && match[2] !== undefined) {
      commands.push({ file, key: camelCase(match[1]), numberOfKeys: match[2], text });
    } else {
      throw new GenerateError(`${folder.path}/${file}: a command is named <name>-<number of keys>.lua`);
    }
  }
  const used = new Set<string>();
  const entries = commands.map(({ file, key, numberOfKeys, text }) => {
    const assembled = assemble({ file: `${folder.path}/${file}`, text, includes, used });
    // Where it varies, whoever calls it says how many there are.
    const keys = numberOfKeys === 'n' ? '' : `numberOfKeys: ${numberOfKeys}, `;
    return { key, value: `{ ${keys}lua: ${quote(assembled)} }` };
  });
  for (const name of includes.keys()) {
    if (!used.has(name))
      throw new GenerateError(`${folder.path}/${INCLUDES}${name}.lua: nothing includes it`);
  }
  return header(folder) + constant({ name: 'luaScripts', folder, entries });
}

interface Assembly {
  readonly file: string;
  readonly text: string;
  readonly includes: ReadonlyMap<string, string>;
  /** Gains the names that this command pulls in. */
  readonly used: Set<string>;
}

/** The text of one command: its `#!lua` line first, as Valkey demands, then includes and body in place. */
function assemble({ file, text, includes, used }: Assembly): string {
  const done = new Set<string>();
  const expand = (source: string, chain: readonly string[]): string[] =>
    source.split('\n').flatMap((line) => {
      const name = INCLUDE_LINE.exec(line)?.[1];
      if (name === undefined) {
        if (line.includes('@include'))
          throw new GenerateError(`${file}: cannot read the line: ${line.trim()}`);
        return [line];
      }
      if (chain.includes(name)) {
        throw new GenerateError(`${file}: includes go in a circle: ${[...chain, name].join(' -> ')}`);
      }
      if (done.has(name)) return [];
      const included = includes.get(name);
      if (included === undefined) throw new GenerateError(`${file}: there is no ${INCLUDES}${name}.lua`);
      done.add(name);
      used.add(name);
      return expand(included, [...chain, name]);
    });
  const shebang = /^#!.*\n/.exec(text)?.[0] ?? '';
  return shebang + stripLua(file, expand(text.slice(shebang.length), []).join('\n'));
}

/** Opens a comment or string that may go over several lines: `[[`, `[=[`, `--[[`. */
const LONG_BRACKET = /\[=*\[/;

/** Drops blank lines and lines that are nothing but a comment. */
function stripLua(file: string, text: string): string {
  const kept: string[] = [];
  for (const line of text.split('\n')) {
    if (/^\s*(--(?!\[=*\[).*)?$/.test(line)) continue;
    // Inner lines of a long bracket can look like comments and not be; single lines do all we need.
    if (LONG_BRACKET.test(line)) throw new GenerateError(`${file}: no long brackets, please: ${line.trim()}`);
    kept.push(line.trimEnd());
  }
  return kept.map((line) => `${line}\n`).join('');
}
