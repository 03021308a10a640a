/**
 * Installs what `npm start` and `npm test` need and is missing; says what it does; returns at once when all is there.
 *
 *   node scripts/setup.mjs           npm packages, with the pinned Node among them
 *   node scripts/setup.mjs --tests   also the Debian packages whose programs the tests compare waxseal with
 *   node scripts/setup.mjs --bench   also the Debian packages whose programs `npm run bench` measures beside waxseal
 *
 * Plain JavaScript without dependencies, because it runs on whatever Node the machine has (20 is enough) before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const EXIT_FAILED = 1;

/** Debian package → a program, or a file, it must bring. For the tests; the load generator of the bench is compiled. */
const DEBIAN = {
  bind9: 'named',
  'bind9-dnsutils': 'delv',
  'bind9-utils': 'named-checkzone',
  ldnsutils: 'ldns-verify-zone',
  knot: 'knotd',
  'knot-dnsutils': 'kdig',
  'knot-dnssecutils': 'kzonesign',
  nsd: 'nsd',
  opendkim: 'opendkim',
  'opendkim-tools': 'opendkim-testkey',
  rspamd: 'rspamd',
  certbot: 'certbot',
  lego: 'lego',
  'python3-certbot-dns-rfc2136': '/usr/lib/python3/dist-packages/certbot_dns_rfc2136/__init__.py',
  dehydrated: 'dehydrated',
  uacme: 'uacme',
  lexicon: 'lexicon',
  postfix: 'posttls-finger',
  unbound: 'unbound',
  'zonemaster-cli': 'zonemaster-cli',
  openssl: 'openssl',
  'nghttp2-client': 'h2load',
  nginx: 'nginx',
  iproute2: 'ip',
  python3: 'python3',
  sslscan: 'sslscan',
  systemd: 'systemd-socket-activate',
  curl: 'curl',
  'postfix-mta-sts-resolver': 'mta-sts-query',
  pebble: 'pebble',
  strace: 'strace',
  dnsperf: 'dnsperf',
  'pdns-server': 'pdnsutil',
  'pdns-backend-lmdb': '/usr/lib/*/pdns/liblmdbbackend.so',
  dnsviz: 'dnsviz',
  prometheus: 'promtool',
  gcc: 'gcc',
  'libc6-dev': '/usr/include/stdio.h',
};
/** For the measurements beyond those. What has no program is asked for by a file it must bring. */
const DEBIAN_BENCH = {
  ...DEBIAN,
  'pdns-server': 'pdns_server',
};

/** @param {string} text */
function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/** @param {string} text @returns {never} */
function stop(text) {
  say(text);
  process.exit(EXIT_FAILED);
}

/** @param {string} program @param {readonly string[]} argumentList @param {NodeJS.ProcessEnv} [environment] */
function run(program, argumentList, environment = process.env) {
  say(`${program} ${argumentList.join(' ')}`);
  const outcome = spawnSync(program, argumentList, { cwd: ROOT, stdio: ['ignore', 2, 2], env: environment });
  return outcome.error === undefined && outcome.status === 0;
}

// --- npm packages ---

/** What is not as package.json says, as text for people; empty when all is there. */
function missingPackages() {
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const missing = [];
  for (const [name, given] of Object.entries({ ...wanted.dependencies, ...wanted.devDependencies })) {
    // `npm:NAME@VERSION`: a package under another name.
    const version = String(given).replace(/^npm:.+@/, '');
    const file = join(ROOT, 'node_modules', name, 'package.json');
    const installed = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined;
    if (installed !== version) missing.push(installed === undefined ? name : `${name} ${version} (there is ${installed})`);
  }
  // The package may be there without its program: some npm settings keep install scripts from running.
  if (missing.length === 0 && !isExecutable(pinnedNode())) missing.push('the program of the package node');
  return missing;
}

function pinnedNode() {
  return join(ROOT, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installPackages() {
  const missing = missingPackages();
  if (missing.length === 0) return;
  say(
    `npm packages missing: ${missing.length > 5 ? `${missing.slice(0, 5).join(', ')} and ${missing.length - 5} more` : missing.join(', ')}`,
  );
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  // `npm ci` leaves the lock file as it is, but it begins by removing node_modules; and it stops where a registry lacks a build for another
  // platform that the lock file names.
  const isClean = !existsSync(join(ROOT, 'node_modules')) && run('npm', ['ci', ...quiet]);
  if (!isClean) run('npm', ['install', ...quiet]);
  if (missingPackages().includes('the program of the package node')) run('npm', ['rebuild', 'node', '--ignore-scripts=false']);
  const still = missingPackages();
  if (still.length === 0) return;
  if (still.length === 1 && still[0] === 'the program of the package node' && hasNewNode()) {
    say('the pinned Node could not be installed; this machine’s own is new enough');
    return;
  }
  stop(
    `npm did not install: ${still.join(', ')}\nsetup: see npm's messages above; nothing else was changed. waxseal needs Node 24.12 or newer, this is ${process.version}.`,
  );
}

function hasNewNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 12);
}

// --- Debian packages for the tests and measurements ---

/** Packages whose program is not found on the PATH or where Debian puts daemons. @param {Record<string, string>} packages */
function missingDebian(packages) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return Object.entries(packages)
    .filter(([, program]) =>
      program.startsWith('/') ? !isFile(program) : !folders.some((folder) => folder !== '' && isExecutable(join(folder, program))),
    )
    .map(([name]) => name);
}

/** True when there is a file like `pattern`, where one `*` may stand for the folder of the machine's architecture. @param {string} pattern */
function isFile(pattern) {
  const [before = '', after] = pattern.split('*');
  if (after === undefined) return existsSync(pattern);
  return existsSync(before) && readdirSync(before).some((folder) => existsSync(before + folder + after));
}

/**
 * Runs `install` while a policy keeps package scripts from starting daemons: the tests start their own on free ports, and nobody asked for
 * a name server on port 53. A policy that is already there is left alone.
 * @param {() => boolean} install
 */
function withoutStartingDaemons(install) {
  const policy = '/usr/sbin/policy-rc.d';
  let isOurs = false;
  try {
    writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
    isOurs = true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  try {
    return install();
  } finally {
    if (isOurs) rmSync(policy, { force: true });
  }
}

/** @param {Record<string, string>} packages @param {string} purpose @param {string} again */
function installDebian(packages, purpose, again) {
  const missing = missingDebian(packages);
  if (missing.length === 0) return;
  const command = ['install', '-y', '--no-install-recommends', ...missing];
  say(`programs ${purpose} are missing; Debian packages: ${missing.join(' ')}`);
  if (!existsSync('/usr/bin/apt-get'))
    stop(
      `this is no Debian system: install ${missing.map((name) => `${packages[name]} (${name})`).join(', ')} in its own way, then run ${again} again`,
    );
  if (process.getuid?.() !== 0)
    stop(
      `only root can install them. Run:\n\n  sudo apt-get update && sudo apt-get ${command.join(' ')}\n\nthen ${again} again. Nothing was changed.`,
    );
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  withoutStartingDaemons(
    () => run('apt-get', command, environment) || (run('apt-get', ['update'], environment) && run('apt-get', command, environment)),
  );
  const still = missingDebian(packages);
  if (still.length > 0) stop(`apt-get did not install: ${still.join(' ')}; see its messages above`);
}

installPackages();
if (process.argv.includes('--bench')) installDebian(DEBIAN_BENCH, 'that are measured beside waxseal', 'npm run bench');
else if (process.argv.includes('--tests')) installDebian(DEBIAN, 'the tests compare with', 'npm test');
