/**
 * The floors inside a folder of src/: which sub-folder may import which of the same folder. To allow an import, add one word to one row; when the
 * row would then close a circle, move the type or the function instead.
 * Not here: imports between folders of src/ (test/support/architecture-rules.ts, FLOORS).
 */
import { posix } from 'node:path';

/**
 * By folder: sub-folder → what it may import beside itself, lowest first. `.` is the folder's own files; an entry that ends in `.ts` is one
 * of them alone. A folder without a row here has no sub-folders.
 */
export const SUB_FOLDERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  base: {
    limits: [],
    tls: ['limits'],
    log: [],
    measure: ['limits'],
    '.': ['limits', 'log'],
    ipc: ['limits', '.'],
  },
  dns: {
    rdata: ['lexer.ts', 'name.ts', 'types.ts'],
    '.': ['rdata'],
    tsig: ['.'],
  },
  zone: {
    table: ['view.ts'],
    '.': ['table'],
    update: ['.'],
    alias: ['.'],
    history: ['.'],
  },
  dnssec: {
    '.': [],
    'key-files': ['.'],
    rollover: ['.'],
    delegation: ['.'],
  },
  store: {
    audit: ['failure.ts', 'json.ts', 'schema.ts', 'seal.ts', 'store.ts'],
    kek: ['audit', 'failure.ts', 'json.ts', 'schema.ts', 'seal.ts', 'store.ts'],
    alias: ['.', 'due'],
    alerts: ['.', 'due'],
    due: ['json.ts', 'schema.ts', 'store.ts'],
    history: ['due', 'failure.ts', 'json.ts'],
    walk: ['schema.ts', 'store.ts'],
    '.': ['audit', 'kek', 'due', 'history', 'walk'],
    mail: ['.', 'due'],
    dnssec: ['.', 'due'],
    delegation: ['.', 'due'],
    tls: ['.', 'due'],
    hosted: ['.', 'due'],
    transfer: ['.', 'due'],
    powerdns: ['.', 'due'],
    backup: ['.', 'audit', 'due', 'kek', 'upkeep'],
    upkeep: ['.', 'kek'],
  },
  mail: {
    text: [],
    policy: [],
    hosting: [],
    spf: ['policy', 'text'],
    dkim: ['policy', 'text'],
    dmarc: ['policy', 'text'],
    'mta-sts': ['hosting', 'policy', 'text'],
    dane: ['policy', 'text'],
    'tls-rpt': ['text'],
    bimi: ['dmarc', 'hosting', 'text'],
    '.': ['text', 'policy', 'hosting', 'spf', 'dkim', 'dmarc', 'mta-sts', 'dane', 'tls-rpt', 'bimi'],
    reports: ['.', 'dmarc', 'mta-sts', 'spf'],
  },
  answer: {
    names: [],
    defence: [],
    write: ['names'],
    count: ['defence'],
    cache: ['count', 'names', 'write'],
    '.': ['names', 'defence', 'write', 'count', 'cache'],
  },
  'policy-host': {
    tls: ['zone-of-host.ts'],
    '.': ['tls'],
  },
  control: {
    api: [],
    commands: ['api'],
    publish: ['api'],
    signing: ['commands'],
    funnel: ['api', 'commands', 'publish', 'signing'],
    tokens: ['api', 'funnel'],
    events: ['api', 'commands', 'funnel'],
    lifecycle: ['api', 'funnel'],
    'policy-host': ['funnel'],
    audit: ['api', 'funnel', 'lifecycle'],
    backup: ['api', 'commands', 'dnssec', 'funnel', 'lifecycle', 'outside'],
    outside: [],
    reports: ['api'],
    zone: ['api', 'commands', 'funnel'],
    alias: ['api', 'commands', 'funnel', 'lifecycle', 'outside', 'zone'],
    certificate: ['api', 'commands', 'publish', 'funnel', 'lifecycle', 'outside', 'zone'],
    mail: ['api', 'commands', 'publish', 'funnel', 'lifecycle', 'outside', 'reports', 'zone'],
    import: ['api', 'commands', 'funnel', 'lifecycle', 'mail', 'secondary', 'signing', 'zone'],
    dnssec: ['api', 'commands', 'publish', 'signing', 'funnel', 'lifecycle', 'outside', 'transfer'],
    delegation: ['api', 'commands', 'publish', 'funnel', 'lifecycle', 'outside', 'zone', 'dnssec', 'transfer'],
    'delegation-check': ['api', 'outside', 'dnssec'],
    doctor: ['api', 'outside', 'dnssec', 'delegation-check'],
    'outside-checks': ['api', 'delegation-check', 'doctor', 'funnel', 'lifecycle'],
    search: ['api'],
    signers: ['api', 'commands', 'funnel', 'tokens', 'mail'],
    update: ['api', 'commands', 'outside', 'publish', 'zone'],
    transfer: ['api', 'commands', 'publish', 'funnel', 'outside', 'update', 'zone'],
    secondary: ['api', 'commands', 'funnel', 'outside', 'transfer', 'zone'],
    catalog: ['api', 'commands', 'publish', 'transfer', 'secondary'],
    alerts: ['api', 'funnel', 'lifecycle', 'outside'],
    '.': [
      'alerts',
      'api',
      'alias',
      'audit',
      'backup',
      'commands',
      'publish',
      'signing',
      'funnel',
      'tokens',
      'events',
      'lifecycle',
      'policy-host',
      'outside',
      'dnssec',
      'delegation',
      'zone',
      'mail',
      'import',
      'certificate',
      'delegation-check',
      'outside-checks',
      'search',
      'signers',
      'transfer',
      'catalog',
    ],
  },
  server: {
    tcp: ['udp', 'counters.ts', 'listener.ts'],
    tls: ['counters.ts'],
    udp: ['counters.ts', 'listener.ts', 'service-log.ts'],
    '.': ['tcp', 'tls', 'udp'],
  },
  process: {
    confine: [],
    children: ['privileges.ts'],
    sockets: [],
    'service-manager': ['confine'],
    upkeep: [],
    offline: ['.'],
    '.': ['confine', 'children', 'sockets', 'service-manager', 'upkeep'],
  },
  admin: {
    http: [],
    export: ['http'],
    v1: ['http', 'export'],
    'v1/server': ['http'],
    'v1/mail': ['http'],
    'v1/backups': ['http'],
    'v1/catalogs': ['http', 'v1'],
    'v1/history': ['http'],
    'v1/signers': ['http'],
    search: ['http'],
    powerdns: ['http', 'search', 'export'],
    externaldns: ['http', 'search', 'powerdns'],
    openapi: ['http'],
    tls: [],
    idempotency: ['http'],
    '.': [
      'http',
      'idempotency',
      'openapi',
      'search',
      'tls',
      'v1',
      'v1/server',
      'v1/mail',
      'v1/backups',
      'v1/catalogs',
      'v1/history',
      'v1/signers',
      'powerdns',
      'externaldns',
    ],
  },
};

/** `control/zone/decide.ts` → `zone`; `control/control.ts` → `.`. */
function subFolderOf(path: string): string {
  return posix.relative(path.slice(0, path.indexOf('/')), posix.dirname(path)) || '.';
}

/** What is wrong with an import of `target` by `path`, both of one folder of src/; undefined: nothing. */
export function checkSubFolderImport(path: string, target: string): string | undefined {
  const top = path.slice(0, path.indexOf('/'));
  const [from, to] = [subFolderOf(path), subFolderOf(target)];
  if (from === to) return undefined;
  const allowed = SUB_FOLDERS[top]?.[from] ?? [];
  if (allowed.includes(to) || (to === '.' && allowed.includes(posix.basename(target)))) return undefined;
  const name = (folder: string) => (folder === '.' ? `the files of ${top} itself` : `${top}/${folder}`);
  return `${name(from)} may not import ${name(to)} (test/support/architecture/sub-folders.ts)`;
}

/** Folders of `paths` that the table does not know. */
export function findUnknownSubFolders(paths: Iterable<string>): string[] {
  const folders = new Set([...paths].filter((path) => path.includes('/')).map((path) => posix.dirname(path)));
  return [...folders]
    .filter(
      (folder) => folder.includes('/') && SUB_FOLDERS[folder.slice(0, folder.indexOf('/'))]?.[subFolderOf(`${folder}/x.ts`)] === undefined,
    )
    .map((folder) => `${folder}: this sub-folder has no row in test/support/architecture/sub-folders.ts`);
}

/** Each circle in a table of folders, as `a → b → a`. Rows that name files of the folder close none: files are checked for themselves. */
export function findFolderCircles(table: Readonly<Record<string, readonly string[]>>): string[] {
  const circles: string[] = [];
  const visit = (folder: string, trail: readonly string[]) => {
    const at = trail.indexOf(folder);
    if (at >= 0) circles.push([...trail.slice(at), folder].join(' → '));
    else for (const next of table[folder] ?? []) if (!next.endsWith('.ts')) visit(next, [...trail, folder]);
  };
  for (const folder of Object.keys(table)) visit(folder, []);
  return circles;
}
