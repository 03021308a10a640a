/**
 * What a hook is about: the new certificate and the names that it is for, from the command line or from the environment
 * that an ACME client gives its hooks. Only public parts are read: a private key in the same file stays there.
 * Not here: what is done (cert-deploy-hook.ts).
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { failure, reasonOf } from './failure.ts';
import { type Terminal } from './terminal.ts';

export interface HookInput {
  /** Named in messages; absent: the command line says all. */
  readonly client?: 'certbot' | 'lego' | 'acme.sh';
  /** Absent: the hook runs before there is a certificate. */
  readonly file?: string;
  /** Names that the client says the certificate is for. */
  readonly domains: readonly string[];
}

type Environment = Terminal['environment'];

/** `cert`: the file on the command line, which counts before what the environment says. */
export function findInput(cert: string | undefined, environment: Environment): HookInput {
  const found = fromCertbot(environment) ?? fromLego(environment) ?? fromAcmeSh(environment) ?? { domains: [] };
  return cert === undefined ? found : { ...found, file: cert };
}

/** Deploy hooks have RENEWED_LINEAGE, a folder; hooks of challenges CERTBOT_DOMAIN, and there is no certificate yet. */
function fromCertbot(environment: Environment): HookInput | undefined {
  const { RENEWED_LINEAGE: folder, RENEWED_DOMAINS: names, CERTBOT_DOMAIN: name } = environment;
  const file = folder === undefined || folder === '' ? undefined : join(folder, 'fullchain.pem');
  if (file !== undefined) return { client: 'certbot', file, domains: words(names) };
  return name === undefined ? undefined : { client: 'certbot', domains: words(name) };
}

/** Version 5 has other names for the same. */
function fromLego(environment: Environment): HookInput | undefined {
  const file = environment['LEGO_CERT_PATH'] ?? environment['LEGO_HOOK_CERT_PATH'];
  const name = environment['LEGO_CERT_DOMAIN'] ?? environment['LEGO_HOOK_CERT_NAME'];
  return file === undefined || file === '' ? undefined : { client: 'lego', file, domains: words(name) };
}

function fromAcmeSh(environment: Environment): HookInput | undefined {
  const file = environment['CERT_FULLCHAIN_PATH'] ?? environment['CERT_PATH'];
  const name = environment['Le_Domain'] ?? environment['DOMAIN'];
  return file === undefined || file === '' ? undefined : { client: 'acme.sh', file, domains: words(name) };
}

function words(text = ''): string[] {
  return text.split(/[\s,]+/).filter((each) => each !== '');
}

/** The public PEM blocks of a file: certificates, a request, a public key. Whatever else is in it does not leave it. */
export function readPublicPem(file: string, { workingDirectory }: Terminal): string {
  let text: string;
  try {
    text = readFileSync(resolve(workingDirectory, file), 'utf8');
  } catch (error) {
    throw failure('CLI_FILE', `${file} cannot be read: ${reasonOf(error)}`, 'name the certificate with --cert FILE');
  }
  const label = '(?:CERTIFICATE|(?:NEW )?CERTIFICATE REQUEST|PUBLIC KEY)';
  const blocks = text.match(new RegExp(`-----BEGIN ${label}-----[A-Za-z0-9+/=\\s]*-----END ${label}-----`, 'g')) ?? [];
  if (blocks.length === 0) throw failure('CLI_FILE', `${file} has no certificate, request or public key in PEM`);
  return `${blocks.join('\n')}\n`;
}

/** DNS names of the first certificate; none in a request or key. Wildcards are no hosts. */
export function namesInPem(pem: string): string[] {
  if (!pem.startsWith('-----BEGIN CERTIFICATE-----')) return [];
  try {
    const names = new X509Certificate(pem).subjectAltName ?? '';
    return [...names.matchAll(/DNS:([A-Za-z0-9._-]+)(?:,|$)/g)].map(([, name]) => name!);
  } catch (error) {
    throw failure('CLI_FILE', `the certificate cannot be read: ${reasonOf(error)}`);
  }
}
