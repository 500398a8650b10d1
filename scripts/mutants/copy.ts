/**
 * A private copy of the checkout, in which guards are taken out and tests run: the checkout itself is never touched.
 * Holds what git does not ignore, as it is on the disk now; dependencies are linked, our own packages are those of the copy.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const OWN_SCOPE = '@afterwrite';
/** What tools keep for one checkout. */
const NOT_LINKED = new Set([OWN_SCOPE, '.cache', '.vite', '.vite-temp', '.vitest']);

export class Copy {
  readonly path: string;
  readonly #changed = new Map<string, string>();

  constructor(root: string) {
    this.path = mkdtempSync(join(tmpdir(), 'afterwrite-mutants-'));
    try {
      const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
      const known = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).split('\0');
      for (const file of known.filter((name) => name !== '' && existsSync(join(root, name)))) {
        mkdirSync(dirname(join(this.path, file)), { recursive: true });
        cpSync(join(root, file), join(this.path, file));
      }
      this.#linkModules(join(root, 'node_modules'));
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** Writes another text into a file, remembering what was there. */
  async change(file: string, make: (text: string) => string): Promise<void> {
    const text = await readFile(join(this.path, file), 'utf8');
    if (!this.#changed.has(file)) this.#changed.set(file, text);
    await writeFile(join(this.path, file), make(text));
  }

  async restore(): Promise<void> {
    for (const [file, text] of this.#changed) await writeFile(join(this.path, file), text);
    this.#changed.clear();
  }

  /** Synchronous, so that it is done also while the process ends. */
  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #linkModules(modules: string): void {
    const own = join(this.path, 'node_modules');
    mkdirSync(join(own, OWN_SCOPE), { recursive: true });
    for (const name of readdirSync(modules)) {
      if (!NOT_LINKED.has(name)) symlinkSync(join(modules, name), join(own, name));
    }
    // Relative links into packages/: in the copy they lead to the copy's.
    for (const name of readdirSync(join(modules, OWN_SCOPE))) {
      symlinkSync(readlinkSync(join(modules, OWN_SCOPE, name)), join(own, OWN_SCOPE, name));
    }
  }
}
