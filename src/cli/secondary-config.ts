/**
 * Lines for the configuration of other name servers: a TSIG key, and a zone that is transferred from this server. Each
 * as its program reads it today.
 * Not here: when they are printed (tsig.ts, secondary.ts).
 */
import { failure } from './failure.ts';

export const SERVER_KINDS = ['nsd', 'knot', 'bind', 'pdns'] as const;
export type ServerKind = (typeof SERVER_KINDS)[number];

export interface PrintedKey {
  /** Absolute. */
  readonly name: string;
  readonly algorithm: string;
  /** Base64. */
  readonly secret: string;
}

/** The kind that `--print` names. */
export function serverKind(text: string): ServerKind {
  const kind = SERVER_KINDS.find((each) => each === text);
  if (kind !== undefined) return kind;
  throw failure('CLI_USAGE', `--print ${JSON.stringify(text)} is none of ${SERVER_KINDS.join(', ')}`);
}

/** The key as the other server's configuration has it. */
export function keyLines(kind: ServerKind, { name, algorithm, secret }: PrintedKey): readonly string[] {
  const bare = name.replace(/\.$/, '');
  switch (kind) {
    case 'bind':
      return [`key "${bare}" {`, `  algorithm ${algorithm};`, `  secret "${secret}";`, '};'];
    case 'knot':
      return ['key:', `  - id: ${bare}`, `    algorithm: ${algorithm}`, `    secret: ${secret}`];
    case 'nsd':
      return ['key:', `  name: "${bare}"`, `  algorithm: ${algorithm}`, `  secret: "${secret}"`];
    case 'pdns':
      return [`pdnsutil import-tsig-key ${bare} ${algorithm} '${secret}'`];
  }
}

export interface PrintedZone {
  /** Without its last dot. */
  readonly zone: string;
  /** Where the other server reaches this one. */
  readonly primary: { readonly ip: string; readonly port: number };
  readonly key: string | undefined;
  /** It transfers over TLS (RFC 9103), from this name; and shows a certificate of its own. */
  readonly tls?: { readonly host: string; readonly hasCertificate: boolean } | undefined;
}

/** The zone as the other server's configuration has it; the key stands there already. */
export function zoneLines(kind: ServerKind, zone: PrintedZone): readonly string[] {
  switch (kind) {
    case 'bind':
      return bindZone(zone);
    case 'knot':
      return knotZone(zone);
    case 'nsd':
      return nsdZone(zone);
    case 'pdns':
      return pdnsZone(zone);
  }
}

const CERTIFICATE = { chain: '/etc/ssl/secondary.pem', key: '/etc/ssl/secondary.key' };
const ROOTS = '/etc/ssl/certs/ca-certificates.crt';

function bindZone({ zone, primary: { ip, port }, key, tls }: PrintedZone): readonly string[] {
  const bare = bareKey(key);
  const by = `${bare === undefined ? '' : ` key "${bare}"`}${tls === undefined ? '' : ' tls waxseal'}`;
  const { chain, key: file } = CERTIFICATE;
  const own = tls?.hasCertificate === true ? [`  cert-file "${chain}";`, `  key-file "${file}";`] : [];
  return [
    ...(tls === undefined
      ? []
      : ['tls waxseal {', `  ca-file "${ROOTS}";`, `  remote-hostname "${tls.host}";`, ...own, '};']),
    `zone "${zone}" {`,
    '  type secondary;',
    `  file "${zone}.zone";`,
    `  primaries { ${ip} port ${port}${by}; };`,
    `  allow-notify { ${ip}; };`,
    '};',
  ];
}

/** TLS in Knot is since 3.4. */
function knotZone({ zone, primary: { ip, port }, key, tls }: PrintedZone): readonly string[] {
  const bare = bareKey(key);
  const { chain, key: file } = CERTIFICATE;
  const byKey = bare === undefined ? [] : [`    key: ${bare}`];
  const own = tls?.hasCertificate === true ? ['server:', `    cert-file: ${chain}`, `    key-file: ${file}`] : [];
  return [
    ...own,
    'remote:',
    '  - id: waxseal',
    `    address: ${ip}@${port}`,
    ...(tls === undefined ? [] : ['    tls: on', `    cert-hostname: ${tls.host}`]),
    ...byKey,
    'acl:',
    '  - id: notify-from-waxseal',
    `    address: ${ip}`,
    ...byKey,
    '    action: notify',
    'zone:',
    `  - domain: ${zone}`,
    '    master: waxseal',
    '    acl: notify-from-waxseal',
  ];
}

function nsdZone({ zone, primary: { ip, port }, key, tls }: PrintedZone): readonly string[] {
  const bare = bareKey(key) ?? 'NOKEY';
  const { chain, key: file } = CERTIFICATE;
  const own = tls?.hasCertificate === true ? [`  client-cert: "${chain}"`, `  client-key: "${file}"`] : [];
  const auth = tls && ['tls-auth:', '  name: waxseal', `  auth-domain-name: "${tls.host}"`, ...own];
  const from = `${ip}@${port} ${bare}${tls === undefined ? '' : ' waxseal'}`;
  return [
    ...(auth === undefined ? [] : ['server:', `  tls-cert-bundle: "${ROOTS}"`, ...auth]),
    'zone:',
    `  name: "${zone}"`,
    `  zonefile: "${zone}.zone"`,
    `  request-xfr: ${from}`,
    `  allow-notify: ${ip} ${bare}`,
  ];
}

function pdnsZone({ zone, primary: { ip, port }, key, tls }: PrintedZone): readonly string[] {
  const bare = bareKey(key);
  if (tls !== undefined)
    throw failure('CLI_USAGE', 'PowerDNS does not transfer over TLS', 'print it without --tls-host and --tls-pin');
  return [
    `pdnsutil create-secondary-zone ${zone} ${ip}:${port}`,
    ...(bare === undefined ? [] : [`pdnsutil activate-tsig-key ${zone} ${bare} secondary`]),
  ];
}

function bareKey(key: string | undefined): string | undefined {
  return key?.replace(/\.$/, '');
}

/**
 * Keys in a text of any of these forms: BIND's key file, Knot's and NSD's YAML, PowerDNS's list,
 * `algorithm:name:secret`.
 */
export function readKeyTexts(text: string): readonly PrintedKey[] {
  const found: PrintedKey[] = [];
  const put = (name: string | undefined, algorithm: string | undefined, secret: string | undefined): void => {
    if (name !== undefined && algorithm !== undefined && secret !== undefined)
      found.push({ name: bareWord(name), algorithm: bareWord(algorithm).replace(/\.$/, ''), secret: bareWord(secret) });
  };
  const plain = text.replaceAll(/(^|\s)(#|\/\/).*$/gm, '$1');
  for (const [, name, body = ''] of plain.matchAll(/\bkey\s+("[^"]+"|[^\s"{]+)\s*\{([^}]*)\}/g))
    put(name, /\balgorithm\s+("?[\w.-]+"?)\s*;/.exec(body)?.[1], /\bsecret\s+("?[\w+/=]+"?)\s*;/.exec(body)?.[1]);
  for (const [block] of plain.matchAll(/^[ -]*(?:id|name):[^\n]*\n(?:[ \t]*(?:algorithm|secret):[^\n]*(?:\n|$))+/gm)) {
    const field = (names: string) => new RegExp(`^[ -]*(?:${names}):\\s*(\\S+)`, 'm').exec(block)?.[1];
    put(field('id|name'), field('algorithm'), field('secret'));
  }
  const triples = plain.matchAll(/^(hmac-[\w.-]+):([^\s:]+):([A-Za-z0-9+/=]+)$/gm);
  for (const [, algorithm, name, secret] of triples) put(name, algorithm, secret);
  for (const [, name, algorithm, secret] of plain.matchAll(/^(\S+)\s+(hmac-[\w.-]+)\s+([A-Za-z0-9+/=]{8,})$/gm))
    put(name, algorithm, secret);
  return found;
}

function bareWord(text: string): string {
  return text.replaceAll(/^["']|["']$/g, '');
}
