/** A certificate authority that lives as long as a test, by openssl; and an HTTPS server that shows what a test wants. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type RequestListener } from 'node:http';
import { type ServerOptions, createServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolPath } from './tools.ts';

export interface Pair {
  readonly key: string;
  readonly cert: string;
}

export interface LeafOptions {
  /** `YYYYMMDDHHMMSSZ` */
  readonly from?: string;
  readonly to?: string;
  /** Only a common name, as long ago. */
  readonly isWithoutNames?: boolean;
}

export interface ThrowawayCa {
  /** PEM of the root. */
  readonly root: string;
  /** Folder with `ca.pem`. */
  readonly folder: string;
  /** A server's certificate for `names`. */
  leaf(names: readonly string[], options?: LeafOptions): Pair;
  selfSigned(name: string): Pair;
  remove(): void;
}

const CONFIG = `[ca]
default_ca = it
[it]
new_certs_dir = .
database = index.txt
serial = serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = optional
`;

export function throwawayCa(): ThrowawayCa {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-ca-'));
  const openssl = (...words: string[]) => void execFileSync(toolPath('openssl'), words, { cwd: folder, stdio: 'pipe' });
  const newKey = (name: string) => openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', `${name}.key`);
  const pair = (name: string): Pair => ({ key: read(`${name}.key`), cert: read(`${name}.pem`) });
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const made = { count: 0 };
  writeFileSync(join(folder, 'ca.cnf'), CONFIG);
  writeFileSync(join(folder, 'index.txt'), '');
  writeFileSync(join(folder, 'serial'), '1000\n');
  newKey('ca');
  openssl('req', '-x509', '-new', '-key', 'ca.key', '-subj', '/CN=Throwaway CA', '-days', '2', '-out', 'ca.pem');
  return {
    root: read('ca.pem'),
    folder,
    leaf(names, { from = '20200101000000Z', to = '20491231000000Z', isWithoutNames = false } = {}) {
      const name = `leaf-${++made.count}`;
      newKey(name);
      const lines = [
        'basicConstraints = CA:FALSE',
        ...(isWithoutNames ? [] : [`subjectAltName = ${names.map((each) => `DNS:${each}`).join(',')}`]),
      ];
      writeFileSync(join(folder, `${name}.ext`), `${lines.join('\n')}\n`);
      openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${names[0]}`, '-out', `${name}.csr`);
      openssl(
        ...['ca', '-batch', '-notext', '-config', 'ca.cnf', '-cert', 'ca.pem', '-keyfile', 'ca.key', '-startdate', from, '-enddate', to],
        ...['-extfile', `${name}.ext`, '-in', `${name}.csr`, '-out', `${name}.pem`],
      );
      return pair(name);
    },
    selfSigned(host) {
      const name = `self-${++made.count}`;
      newKey(name);
      openssl(
        ...['req', '-x509', '-new', '-key', `${name}.key`, '-subj', `/CN=${host}`, '-days', '2', '-out', `${name}.pem`],
        ...['-addext', `subjectAltName=DNS:${host}`],
      );
      return pair(name);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Listens on a free port of `ip`, or on `port`. */
export async function httpsServer(
  options: ServerOptions,
  listener: RequestListener,
  { ip = '127.0.0.1', port = 0 }: { readonly ip?: string; readonly port?: number } = {},
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server = createServer(options, listener);
  // What the client breaks off in the handshake is the client's affair.
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve, reject) => void server.once('error', reject).listen(port, ip, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}
