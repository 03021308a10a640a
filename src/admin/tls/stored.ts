/**
 * The certificate of the admin listener from the store: that of a host in a zone of this server, from a CA or from a
 * file.
 * Not here: how a host gets one (control/certificate/).
 */
import { type Problem, type Result, formatProblem } from '#base/problem.ts';
import { privateKeyPem } from '#base/tls/settings.ts';
import { StoreFailure } from '#store/failure.ts';
import type { StoreReader } from '#store/reader.ts';
import type { Sealer } from '#store/seal.ts';
import { openHostKey, readHostCertificate } from '#store/tls/host-certificate.ts';
import { zoneOfHost } from '#store/tls/zone-of-host.ts';
import { clientRoots } from './files.ts';
import type { Found } from './listener-tls.ts';

export interface StoredTls {
  readonly reader: StoreReader;
  /** Under the policy host's key, or why there is none now. */
  readonly sealer: () => Result<Sealer>;
  /** Lower case, no final dot. */
  readonly host: string;
  /** Roots of clients' certificates. */
  readonly clientCaFile: string | undefined;
}

export function findStored({ reader, sealer, host, clientCaFile }: StoredTls): Found {
  const none = (why: string): Found => ({ why: `${host} (admin.tls_host) ${why}` });
  try {
    const zone = zoneOfHost(reader, host);
    if (zone === undefined) return none('is in no zone of this server');
    const certificate = readHostCertificate(reader, zone.id, host);
    if (certificate === undefined)
      return none(`has no certificate yet; order one: waxseal cert renew ${zone.name} ${host}`);
    const opened = sealer();
    if (!opened.ok) return { why: textOf(opened.problems) };
    const key = openHostKey(reader, opened.value, zone.id, certificate);
    if (key === undefined) return none('has a certificate without its private key in the store');
    if (!key.ok) return { why: textOf(key.problems) };
    const pem = privateKeyPem(key.value);
    key.value.fill(0);
    return { pair: { cert: certificate.chain, key: pem, ...clientRoots(clientCaFile) } };
  } catch (error) {
    if (error instanceof StoreFailure) return { why: formatProblem(error.problem) };
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

function textOf(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join('; ');
}
