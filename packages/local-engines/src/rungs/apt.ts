/**
 * A private world for apt: its own package lists, status and archive folder, so that packages can
 * be resolved, downloaded and verified without root and without touching what the machine has.
 * Only the mirror and the proxy settings come from the machine's own apt.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RungFailure } from '../errors.ts';
import { run, type RunAnswer } from '../os/run.ts';
import type { Context } from '../types.ts';

/** 11 MB of lists. */
const UPDATE_TIMEOUT_MS = 300_000;
/** Up to 60 MB of packages, on a slow line. */
const DOWNLOAD_TIMEOUT_MS = 900_000;
const QUERY_TIMEOUT_MS = 30_000;
/** A machine lists a mirror once a suite; more than a few different ones are not worth the wait. */
const MAX_MIRRORS = 3;
/** Debian's keys, by which apt verifies every list and package; its name changed with Debian 13. */
const KEYRINGS = [
  '/usr/share/keyrings/debian-archive-keyring.gpg',
  '/usr/share/keyrings/debian-archive-keyring.pgp',
];
export const UNSTABLE = 'sid';

export interface AptWorld {
  readonly folder: string;
  readonly context: Context;
}

function answerOrFail(answer: RunAnswer, what: string): string {
  if (!answer.ok) throw new RungFailure(`${what}: ${answer.lastLine}`);
  return answer.stdout;
}

async function askMirrors(context: Context): Promise<string[]> {
  const format = '$(ORIGIN)|$(LABEL)|$(REPO_URI)';
  const answer = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    timeoutMs: QUERY_TIMEOUT_MS,
    env: context.env,
    signal: context.signal,
  });
  const targets = answerOrFail(answer, 'this machine has no working apt').split('\n');
  const known = new Set<string>();
  const unknown = new Set<string>();
  for (const line of targets) {
    const [origin = '', label = '', uri = ''] = line.split('|');
    if (uri === '') continue;
    // Before the machine's first `apt-get update` nothing is known but the address.
    if (origin === 'Debian' && label === 'Debian') known.add(uri);
    else if ((origin === '' || origin.startsWith('$(')) && !uri.includes('security')) unknown.add(uri);
  }
  const mirrors = [...known, ...unknown].slice(0, MAX_MIRRORS);
  if (mirrors.length === 0) throw new RungFailure("this machine's apt names no Debian mirror");
  return mirrors;
}

function configuration(folder: string, architecture: string): string {
  const settings: Record<string, string> = {
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State': folder,
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::State::extended_states': join(folder, 'extended_states'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Cache::archives': join(folder, 'cache/archives'),
    'Dir::Log': join(folder, 'log'),
    'APT::Architecture': architecture,
    'APT::Install-Recommends': 'false',
    'APT::Get::Assume-Yes': 'true',
    'Debug::NoLocking': 'true',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    // As root apt would fetch as the user _apt, who may not write into the user's cache folder.
    'APT::Sandbox::User': '',
  };
  // Hooks and lists of the machine are about its own packages.
  const cleared = [
    'APT::Update::Pre-Invoke',
    'APT::Update::Post-Invoke',
    'APT::Update::Post-Invoke-Success',
    'DPkg::Pre-Install-Pkgs',
    'DPkg::Post-Invoke',
    'APT::Architectures',
    'APT::Default-Release',
  ];
  return [
    ...cleared.map((name) => `#clear ${name};`),
    ...Object.entries(settings).map(([name, value]) => `${name} "${value}";`),
    `APT::Architectures { "${architecture}"; };`,
    '',
  ].join('\n');
}

function aptGet(
  world: AptWorld,
  args: readonly string[],
  timeoutMs: number,
  onLine?: (line: string) => void,
): Promise<RunAnswer> {
  return run('apt-get', ['-c', join(world.folder, 'apt.conf'), '-q', ...args], {
    timeoutMs,
    env: { ...world.context.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    signal: world.context.signal,
    ...(onLine === undefined ? {} : { onLine }),
  });
}

/** Makes the world in an empty folder and reads Debian's package lists into it. */
export async function openAptWorld(folder: string, suite: string, context: Context): Promise<AptWorld> {
  if (folder.includes('"'))
    throw new RungFailure(`apt cannot use a folder with a quote in its name: ${folder}`);
  const keyring = KEYRINGS.find((path) => existsSync(path));
  if (keyring === undefined) throw new RungFailure(`Debian's keyring is not there (${KEYRINGS[0] ?? ''})`);
  const limits = { timeoutMs: QUERY_TIMEOUT_MS, env: context.env, signal: context.signal };
  const printed = await run('dpkg', ['--print-architecture'], limits);
  const architecture = answerOrFail(printed, 'this machine has no dpkg').trim();
  const mirrors = await askMirrors(context);
  await mkdir(join(folder, 'lists/partial'), { recursive: true });
  await mkdir(join(folder, 'cache/archives/partial'), { recursive: true });
  await mkdir(join(folder, 'log'), { recursive: true });
  await writeFile(join(folder, 'status'), '');
  await writeFile(join(folder, 'apt.conf'), configuration(folder, architecture));
  const world = { folder, context };
  let reason = '';
  for (const mirror of mirrors) {
    await writeFile(join(folder, 'sources.list'), `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
    const answer = await aptGet(world, ['update', '--error-on=any'], UPDATE_TIMEOUT_MS);
    if (answer.ok) return world;
    reason = answer.lastLine;
  }
  throw new RungFailure(`Debian's package lists could not be read: ${reason}`);
}

/** Downloads the packages and all they need; the paths of the archives. */
export async function downloadPackages(
  world: AptWorld,
  packages: readonly string[],
  onSize: (text: string) => void,
): Promise<string[]> {
  const readSize = (line: string): void => {
    const size = /^Need to get (?:\S+ \S?B\/)?(\S+ \S?B) of archives/.exec(line)?.[1];
    if (size !== undefined) onSize(size);
  };
  const args = ['install', '--download-only', ...packages];
  const answer = await aptGet(world, args, DOWNLOAD_TIMEOUT_MS, readSize);
  answerOrFail(answer, `the packages ${packages.join(', ')} could not be downloaded`);
  const archives = join(world.folder, 'cache/archives');
  const names = await readdir(archives);
  return names.filter((name) => name.endsWith('.deb')).map((name) => join(archives, name));
}
