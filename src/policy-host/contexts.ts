/**
 * TLS contexts by host: made from the host's certificate when a handshake asks for it, kept while the stored octets
 * stay the same, forgotten when others are asked for more. So a new certificate is served as soon as its generation is,
 * and ten thousand hosts cost memory only while clients ask for them.
 * Not here: what is in a context beside the certificate (tls-settings.ts), the documents (store/tls/).
 */
import { type SecureContext, createSecureContext } from 'node:tls';
import { HTTPS_CONTEXTS_MAX } from '#base/limits/https.ts';
import { equalBytes } from '#base/bytes.ts';
import { type Problem, type Result, formatProblem } from '#base/problem.ts';
import { type StoreReader } from '#store/reader.ts';
import { type Sealer } from '#store/seal.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';
import { type HostCertificate, hostCertificateOctets } from '#store/tls/host-certificate.ts';
import { openHostKey, parseHostCertificate } from '#store/tls/host-certificate.ts';
import { CONTEXT_SETTINGS } from './tls-settings.ts';
import { zonesOf } from './zone-of-host.ts';

export interface ContextsOptions {
  readonly reader: StoreReader;
  /** Under the policy host's key, or why there is none now. */
  readonly sealer: () => Result<Sealer>;
  /** Certificates of origin `self-signed` are served. */
  readonly isSelfSigned: boolean;
  /** Called when a host's certificate cannot be used, at each look. */
  readonly complain: (host: string, text: string) => void;
  readonly countMax?: number;
}

interface Kept {
  readonly zoneId: number;
  readonly octets: Uint8Array;
  readonly context: SecureContext;
  /** Of the store, when the octets were last seen to be these. */
  generation: number;
}

export class HostContexts {
  readonly #options: ContextsOptions;
  readonly #countMax: number;
  /** By host, longest unused first. */
  readonly #kept = new Map<string, Kept>();

  constructor(options: ContextsOptions) {
    this.#options = options;
    this.#countMax = options.countMax ?? HTTPS_CONTEXTS_MAX;
  }

  get count(): number {
    return this.#kept.size;
  }

  /** The context of `host` (of `hostOf`); undefined: it has no certificate that can be served. */
  find(host: string): SecureContext | undefined {
    const { reader, complain } = this.#options;
    const generation = reader.generation();
    const before = this.#kept.get(host);
    if (before !== undefined) {
      // Map keeps the order of insertion: the one used last stands at the end.
      this.#kept.delete(host);
      if (before.generation === generation) {
        this.#kept.set(host, before);
        return before.context;
      }
    }
    try {
      const kept = this.#look(host, generation, before);
      if (kept === undefined) return undefined;
      this.#kept.set(host, kept);
      if (this.#kept.size > this.#countMax) this.#kept.delete(this.#kept.keys().next().value!);
      return kept.context;
    } catch (error) {
      // A damaged document, or PEM that OpenSSL does not take: one host's fault.
      if (!(error instanceof Error)) throw error;
      complain(host, error instanceof StoreFailure ? formatProblem(error.problem) : messageOf(error));
      return undefined;
    }
  }

  #look(host: string, generation: number, before: Kept | undefined): Kept | undefined {
    const { reader, isSelfSigned } = this.#options;
    for (const { id: zoneId } of zonesOf(reader, host)) {
      const octets = hostCertificateOctets(reader, zoneId, host);
      if (octets === undefined) continue;
      if (before?.zoneId === zoneId && equalBytes(before.octets, octets)) return { ...before, generation };
      const certificate = parseHostCertificate(octets, host);
      // Made while the setting was on: where it is off, no certificate is better than one that trains people to click.
      if (certificate.origin === 'self-signed' && !isSelfSigned) return undefined;
      const context = this.#make(zoneId, certificate);
      return context === undefined ? undefined : { zoneId, octets, context, generation };
    }
    return undefined;
  }

  #make(zoneId: number, certificate: HostCertificate): SecureContext | undefined {
    const { reader, sealer, complain } = this.#options;
    const refuse = (problems: readonly Problem[]) => complain(certificate.host, problems.map(formatProblem).join('; '));
    const opened = sealer();
    if (!opened.ok) return refuse(opened.problems) as undefined;
    const key = openHostKey(reader, opened.value, zoneId, certificate);
    if (key === undefined) {
      complain(certificate.host, 'its certificate has no private key in the store');
      return undefined;
    }
    if (!key.ok) return refuse(key.problems) as undefined;
    const pem = pemOf(key.value);
    try {
      return createSecureContext({ ...CONTEXT_SETTINGS, cert: certificate.chain, key: pem });
    } finally {
      key.value.fill(0);
      pem.fill(0);
    }
  }
}

/** As octets, so that they can be wiped. */
function pemOf(der: Uint8Array): Buffer {
  const text = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  return Buffer.from(`-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`);
}
