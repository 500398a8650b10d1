/**
 * Data folders that live as long as the process that made them. Each is marked inside and entered in
 * the register; a folder whose maker is gone is removed by the next start, and only when mark and
 * entry agree, so no folder that somebody else put in its place is ever touched.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { contextOf } from './find.ts';
import { removeVolume } from './os/docker.ts';
import { removeFolder } from './os/files.ts';
import { identifySelf, isAlive, processSpace, type ProcessIdentity } from './os/processes.ts';
import { registerFolder, readRecord, sweep } from './register.ts';
import { VOLUME_FILE } from './rungs/containers.ts';
import type { Context, FetchOptions } from './types.ts';

interface TemporaryEntry {
  readonly id: string;
  readonly space: string;
  readonly path: string;
  readonly maker: ProcessIdentity;
}

export interface TemporaryDataDir {
  readonly path: string;
  /** Removes the folder; its engines must have been stopped. */
  remove(): Promise<void>;
}

const ENTRY = /^temporary-.*\.json$/;
const MARK = '.afterwrite-temporary';

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

async function removeEntry(entry: TemporaryEntry, context: Context): Promise<void> {
  if (readText(join(entry.path, MARK)) === entry.id) {
    for (const name of readdirSync(entry.path)) {
      const volume = readText(join(entry.path, name, VOLUME_FILE));
      if (volume !== '') await removeVolume(volume, context.env);
    }
    await removeFolder(entry.path);
  }
  rmSync(join(registerFolder(context.cacheDir), `temporary-${entry.id}.json`), { force: true });
}

/** A data folder for `startEngine` in the system's folder for temporary files. */
export function makeTemporaryDataDir(options: Pick<FetchOptions, 'cacheDir' | 'env'> = {}): TemporaryDataDir {
  const context = contextOf(options);
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'afterwrite-engines-'));
  const entry: TemporaryEntry = { id: randomUUID(), space: processSpace(), path, maker: identifySelf() };
  const entryPath = join(registerFolder(context.cacheDir), `temporary-${entry.id}.json`);
  writeFileSync(join(path, MARK), entry.id);
  writeFileSync(entryPath, JSON.stringify(entry));
  return { path, remove: () => removeEntry(entry, context) };
}

/** True when a server that is still in the register runs from this folder. */
function isUsed(path: string, context: Context): boolean {
  const names = readdirSync(registerFolder(context.cacheDir));
  return names.some((name) => {
    if (!name.endsWith('.json') || ENTRY.test(name)) return false;
    return (
      readRecord(context.cacheDir, name.slice(0, -'.json'.length))?.folder.startsWith(path + sep) ?? false
    );
  });
}

function readEntry(path: string): TemporaryEntry | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as TemporaryEntry;
  } catch {
    return undefined;
  }
}

/** Ends the servers and removes the temporary folders of processes that are gone. */
export async function sweepAll(context: Context): Promise<void> {
  await sweep(context);
  const folder = registerFolder(context.cacheDir);
  for (const name of readdirSync(folder).filter((each) => ENTRY.test(each))) {
    const entry = readEntry(join(folder, name));
    if (entry?.space !== processSpace() || isAlive(entry.maker) || isUsed(entry.path, context)) continue;
    await removeEntry(entry, context);
  }
}
