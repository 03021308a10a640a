/** The certificate of the admin listener in PEM files, which another program renews. */
import { readFileSync, statSync } from 'node:fs';
import { CERTIFICATE_FILE_BYTES_MAX } from '#base/limits/acme.ts';
import type { Found } from './listener-tls.ts';

export interface TlsFiles {
  /** The chain, its own certificate first. */
  readonly certificateFile: string;
  /** May be the same file. */
  readonly keyFile: string;
  /** Roots of clients' certificates. */
  readonly clientCaFile: string | undefined;
}

/** Reads them all: they are small, and a link may lead to others than before. */
export function findInFiles({ certificateFile, keyFile, clientCaFile }: TlsFiles): Found {
  try {
    const cert = readPem(certificateFile, 'CERTIFICATE');
    const key = readPem(keyFile, 'PRIVATE KEY');
    return { pair: { cert, key, ...clientRoots(clientCaFile) } };
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

/** Throws what is wrong with the file. */
export function clientRoots(file: string | undefined): { readonly ca?: Buffer } {
  return file === undefined ? {} : { ca: readPem(file, 'CERTIFICATE') };
}

function readPem(file: string, what: string): Buffer {
  if (statSync(file).size > CERTIFICATE_FILE_BYTES_MAX)
    throw new Error(`${file} is larger than ${CERTIFICATE_FILE_BYTES_MAX} octets`);
  const octets = readFileSync(file);
  if (!octets.includes(`${what}-----`)) throw new Error(`${file} has no ${what.toLowerCase()} in PEM`);
  return octets;
}
