/**
 * How a primary is asked: with which TSIG key; over TLS, who it must be, and which certificate of ours it is shown.
 * Implements: RFC 9103 §9.3.3 (mutual TLS), RFC 8310 §5 (strict: a certificate that is missing here is no reason to ask
 * without it).
 * Not here: connecting (control/outside/dns-stream.ts).
 */
import { type Result, formatProblem } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { type TsigKey } from '#dns/tsig/key.ts';
import { type Sealer } from '#store/seal.ts';
import { type StoreReader } from '#store/reader.ts';
import { openHostKey, readHostCertificate } from '#store/tls/host-certificate.ts';
import { zoneOfHost } from '#store/tls/zone-of-host.ts';
import { type Primary } from '#store/transfer/primaries.ts';
import { type StreamTls } from '#control/outside/dns-stream.ts';
import { type KeyText, readKeys } from '#transfer/grants.ts';
import { type ClientCertificate } from '#base/tls/trusted-context.ts';

export interface PrimaryTlsOptions {
  readonly reader: StoreReader;
  /** Under which private keys of hosts are sealed, or why it cannot be had now. */
  readonly sealer: () => Result<Sealer>;
  /** PEM of roots that are trusted beside the usual ones. */
  readonly extraRoots: string | undefined;
}

export interface PrimaryAccessOptions extends PrimaryTlsOptions {
  /** A TSIG key by its name; undefined: it is revoked. */
  readonly key: (name: string) => KeyText | undefined;
}

/** `tls` of undefined: over UDP and TCP. A failure is words that follow the primary's address. */
export type PrimaryAccess =
  | { readonly key: TsigKey | undefined; readonly tls: StreamTls | undefined }
  | { readonly failure: string };

export function primaryAccess({ key: name, tls }: Primary, options: PrimaryAccessOptions): PrimaryAccess {
  const text = name === undefined ? undefined : options.key(name);
  if (name !== undefined && text === undefined) return { failure: `has the key ${name}, which is revoked` };
  const key = text === undefined ? undefined : readKeys([text]).find(nameOf(text.name));
  if (tls === undefined) return { key, tls };
  const { certificate: host, ...who } = tls;
  const { extraRoots } = options;
  if (host === undefined) return { key, tls: { ...who, extraRoots } };
  const found = ownCertificate(host, options);
  if ('failure' in found) return { failure: `is not asked: ${found.failure}` };
  return { key, tls: { ...who, extraRoots, certificate: found } };
}

function ownCertificate(
  host: string,
  { reader, sealer }: PrimaryTlsOptions,
): ClientCertificate | { readonly failure: string } {
  const zone = zoneOfHost(reader, host);
  const certificate = zone && readHostCertificate(reader, zone.id, host);
  if (zone === undefined || certificate === undefined)
    return { failure: `${host} has no certificate here (see: waxseal cert list)` };
  const opener = sealer();
  const key = opener.ok ? openHostKey(reader, opener.value, zone.id, certificate) : opener;
  if (key === undefined) return { failure: `the private key of ${host} is not in the store` };
  if (!key.ok) return { failure: key.problems.map(formatProblem).join('; ') };
  return { chain: certificate.chain, key: key.value };
}
