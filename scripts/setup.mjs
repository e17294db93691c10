// Runs on the Node that is there (20 or newer) before anything is installed, so it is plain JavaScript without dependencies.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pageIsFresh } from './page.mjs';

export const projectRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Programs that the cluster calls, and the Debian package that has each. */
const systemPrograms = [
  { program: 'nft', packageName: 'nftables' },
  { program: 'ip', packageName: 'iproute2' },
  { program: 'unshare', packageName: 'util-linux' },
  { program: 'curl', packageName: 'curl' },
];

const h2specModule = 'github.com/summerwind/h2spec/cmd/h2spec';
const h2specVersion = 'v2.2.1+incompatible';

const lockWaitMs = 300_000;
const installTimeoutMs = 180_000;

/** The Node 24 that came with the locked packages, or this one when it is new enough. */
export function nodeProgram() {
  const bundled = path.join(projectRoot, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  if (existsSync(bundled)) return bundled;
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 12)) return process.execPath;
  return undefined;
}

/** Installs what is missing: the locked npm packages, and system packages through apt where this user may. Exits with one clear line when it cannot. */
export async function setUp() {
  await withLock(async () => {
    const installed = installPackages();
    installSystemPrograms();
    buildPage();
    if (installed && nodeProgram() !== undefined) (await import('./warm.mjs')).warmUp();
  });
  if (nodeProgram() === undefined)
    stopWith(`no Node 24 for ${process.platform}-${process.arch}: install Node 24.12 or newer`);
}

/** Environment of every process of the project: compiled code is cached, so that TypeScript is stripped once and not at each start. */
export function nodeEnvironment() {
  return { NODE_COMPILE_CACHE: path.join(projectRoot, 'node_modules', '.cache', 'compile'), ...process.env };
}

/**
 * Runs a program of the project on Node 24 in this terminal and gives its exit code.
 * Ctrl-C reaches the program by itself; this process only waits, so that the program can clean up before the prompt comes back.
 */
export async function runNode(args, options = {}) {
  const child = spawn(nodeProgram(), args, { cwd: projectRoot, stdio: 'inherit', env: nodeEnvironment(), ...options });
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.once('error', (error) => stopWith(error.message));
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

/** True when something was installed. A `node_modules` that is a link belongs to another tree, which npm would empty. */
function installPackages() {
  if (lstatSync(path.join(projectRoot, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) return false;
  const lockfile = createHash('sha256')
    .update(readFileSync(path.join(projectRoot, 'package-lock.json')))
    .digest('hex');
  const stamp = path.join(projectRoot, 'node_modules', '.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lockfile) return false;
  console.error('Installing the locked npm packages...');
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: projectRoot,
    stdio: ['ignore', 2, 2],
  });
  if (result.status !== 0) stopWith('npm ci failed (see above)');
  writeFileSync(stamp, lockfile);
  return true;
}

/** Builds the web page where its sources are newer. Without it everything but `ciliate ui` works, so a failure is only told. */
function buildPage() {
  const node = nodeProgram();
  if (node === undefined || pageIsFresh()) return;
  const { status } = spawnSync(node, [path.join(projectRoot, 'scripts', 'build-web.mjs')], { stdio: ['ignore', 2, 2] });
  if (status !== 0) console.error('ciliate: the web page could not be built (see above)');
}

function installSystemPrograms() {
  const missing = systemPrograms.filter(({ program }) => !findProgram(program)).map(({ packageName }) => packageName);
  if (missing.length === 0) return;
  const packages = missing.join(' ');
  if (process.getuid?.() !== 0 || !findProgram('apt-get')) {
    stopWith(`missing: ${packages}. Install with: sudo apt-get install -y ${packages}`);
  }
  console.error(`Installing ${packages} with apt-get...`);
  if (!aptInstall(missing)) stopWith(`apt-get could not install ${packages}`);
}

/** Installs a browser for the tests of the page, where this user may. Those tests skip without one. */
export function installBrowser() {
  if (['chromium', 'chromium-browser', 'google-chrome'].some(findProgram)) return;
  if (process.getuid?.() !== 0 || !findProgram('apt-get')) return;
  console.error('Installing chromium with apt-get...');
  if (!aptInstall(['chromium'])) console.error('apt-get could not install chromium: the tests of the page will skip');
}

/** Installs h2spec into the cache for its test, where Go is there. That test skips without it. */
export function installH2spec() {
  const folder = path.join(projectRoot, 'node_modules', '.cache', 'h2spec', h2specVersion);
  if (existsSync(path.join(folder, 'h2spec')) || !findProgram('go')) return;
  console.error('Installing h2spec with go install...');
  const env = { ...process.env, GOBIN: folder };
  const options = { stdio: ['ignore', 2, 2], env, timeout: installTimeoutMs };
  const { status } = spawnSync('go', ['install', `${h2specModule}@${h2specVersion}`], options);
  if (status !== 0) console.error('go could not install h2spec: its test will skip');
}

function aptInstall(packages) {
  const options = { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['update', '-qq'], options);
  const args = ['install', '-y', '-qq', '-o', 'DPkg::Lock::Timeout=120', ...packages];
  return spawnSync('apt-get', args, options).status === 0;
}

function findProgram(program) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => folder !== '' && existsSync(path.join(folder, program)));
}

async function withLock(work) {
  const lock = path.join(projectRoot, '.setup.lock');
  const deadline = Date.now() + lockWaitMs;
  while (!tryLock(lock)) {
    if (Date.now() > deadline) stopWith(`another set-up holds ${lock}`);
    await sleep(200);
  }
  try {
    await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Makes the folder this process's, as long as it lives; false while another one has it. */
export function tryLock(lock) {
  try {
    mkdirSync(lock);
    writeFileSync(path.join(lock, 'pid'), String(process.pid));
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') stopWith(`cannot write to ${path.dirname(lock)}: ${error.code}`);
    if (holderIsGone(lock)) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

function holderIsGone(lock) {
  try {
    const holder = Number(readFileSync(path.join(lock, 'pid'), 'utf8'));
    process.kill(holder, 0);
    return false;
  } catch (error) {
    if (error.code === 'ESRCH') return true;
    if (error.code !== 'ENOENT') return false;
    // Without its pid the lock is either being made this moment or was left by a crash.
    return Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > 5_000;
  }
}

function stopWith(message) {
  console.error(`ciliate: ${message}`);
  process.exit(1);
}
