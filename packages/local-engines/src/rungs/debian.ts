/**
 * Debian's packages, unpacked into a folder of the user's cache and run with the libraries that
 * came along, down to libc. One root folder an engine, because packages of different engines
 * conflict. A root is renamed to its place as the last step, so one that exists is complete.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { RungFailure, throwIfAborted } from '../errors.ts';
import { newestMatch, removeFolder } from '../os/files.ts';
import { withLock } from '../os/lock.ts';
import { run } from '../os/run.ts';
import type { Context, EngineDefinition, Launcher, Program } from '../types.ts';
import { downloadPackages, openAptWorld, UNSTABLE } from './apt.ts';
import { nativeLauncher } from './native.ts';

/** Another process may be fetching the same engine over a slow line. */
const FETCH_LOCK_TIMEOUT_MS = 1_200_000;
const UNPACK_TIMEOUT_MS = 120_000;
const VERSION_TIMEOUT_MS = 10_000;
/** Raise it when roots made by an older state of this file can no longer be used. */
const ROOT_FORMAT = 1;

interface Manifest {
  readonly version: string;
  /** Relative to the root. */
  readonly loader: string;
  /** Folders relative to the root, a colon between them. */
  readonly libraries: string;
}

const MANIFEST = 'afterwrite-root.json';

async function findLoader(root: string): Promise<{ loader: string; libraries: string }> {
  // Until Debian 12 libc's own packages unpack into lib, the others into usr/lib.
  for (const lib of ['usr/lib', 'lib']) {
    for (const triplet of await readdir(join(root, lib)).catch(() => [])) {
      // Plain files among the folders give no names.
      const names = await readdir(join(root, lib, triplet)).catch(() => []);
      const loader = names.find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
      if (loader === undefined) continue;
      const libraries = [join('usr/lib', triplet), join('lib', triplet)];
      return { loader: join(lib, triplet, loader), libraries: libraries.join(delimiter) };
    }
  }
  throw new RungFailure('the packages brought no loader (ld-linux)');
}

async function programOf(definition: EngineDefinition, root: string, manifest: Manifest): Promise<Program> {
  const program = await newestMatch(root, definition.debian.program);
  if (program === undefined) throw new RungFailure(`the packages brought no ${definition.debian.program}`);
  const libraries = manifest.libraries.split(delimiter).map((folder) => join(root, folder));
  return {
    source: 'debian',
    version: manifest.version,
    command: join(root, manifest.loader),
    leadingArgs: ['--library-path', libraries.join(delimiter), program],
    root,
  };
}

async function unpackAll(archives: readonly string[], root: string, context: Context): Promise<void> {
  const waiting = [...archives];
  const unpackNext = async (): Promise<void> => {
    for (let archive = waiting.pop(); archive !== undefined; archive = waiting.pop()) {
      throwIfAborted(context.signal);
      const limits = { timeoutMs: UNPACK_TIMEOUT_MS, env: context.env, signal: context.signal };
      const answer = await run('dpkg-deb', ['-x', archive, root], limits);
      if (!answer.ok) throw new RungFailure(`${archive} could not be unpacked: ${answer.lastLine}`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, unpackNext));
}

async function describe(definition: EngineDefinition, root: string, context: Context): Promise<Manifest> {
  const manifest = { version: '', ...(await findLoader(root)) };
  const program = await programOf(definition, root, manifest);
  const printed = await run(program.command, [...program.leadingArgs, '--version'], {
    timeoutMs: VERSION_TIMEOUT_MS,
    env: context.env,
    signal: context.signal,
  });
  if (!printed.ok)
    throw new RungFailure(`the unpacked ${definition.programName} does not run: ${printed.lastLine}`);
  const answer = definition.readVersion(printed.stdout);
  if (!answer.ok) throw new RungFailure(answer.reason);
  return { ...manifest, version: answer.version };
}

async function fetchRoot(definition: EngineDefinition, draft: string, context: Context): Promise<Manifest> {
  const { name, debian } = definition;
  const root = join(draft, 'root');
  await mkdir(root, { recursive: true });
  context.progress(`${name}: reading Debian's package lists`);
  const world = await openAptWorld(join(draft, 'apt'), debian.suite ?? UNSTABLE, context);
  const archives = await downloadPackages(world, debian.packages, (size) => {
    context.progress(`${name}: downloading ${debian.packages.join(' and ')} with what they need (${size})`);
  });
  context.progress(`${name}: unpacking ${archives.length} packages`);
  await unpackAll(archives, root, context);
  const manifest = await describe(definition, root, context);
  await writeFile(join(root, MANIFEST), JSON.stringify(manifest));
  return manifest;
}

async function removeDraftsOf(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(prefix)) await removeFolder(join(folder, name));
  }
}

async function ensureRoot(definition: EngineDefinition, context: Context): Promise<Program> {
  const folder = join(context.cacheDir, 'debian');
  const name = `${definition.name}-${process.arch}-${ROOT_FORMAT}`;
  const root = join(folder, name);
  const read = async (): Promise<Program> =>
    programOf(definition, root, JSON.parse(await readFile(join(root, MANIFEST), 'utf8')) as Manifest);
  if (existsSync(root)) return read();
  if (process.platform !== 'linux') throw new RungFailure("Debian's packages run on Linux only");
  await mkdir(folder, { recursive: true });
  const onWait = (pid: number): void => {
    context.progress(`${definition.name}: waiting for process ${pid}, which is fetching it`);
  };
  const limits = { timeoutMs: FETCH_LOCK_TIMEOUT_MS, signal: context.signal, onWait };
  return withLock(join(folder, `${name}.lock`), limits, async () => {
    if (existsSync(root)) return read();
    // Only the holder of the lock makes drafts, so these are from processes that were killed.
    await removeDraftsOf(folder, `${name}.draft-`);
    const draft = join(folder, `${name}.draft-${randomUUID()}`);
    try {
      const manifest = await fetchRoot(definition, draft, context);
      await rename(join(draft, 'root'), root);
      context.progress(`${definition.name}: ${definition.title} ${manifest.version} is in ${root}`);
    } finally {
      await removeFolder(draft);
    }
    return read();
  });
}

export async function unpackFromDebian(definition: EngineDefinition, context: Context): Promise<Launcher> {
  const program = await ensureRoot(definition, context);
  return nativeLauncher(program, async () => definition.prepare?.(program, context));
}
