/**
 * TLS contexts by host: made from the host's certificate when a handshake asks for it, kept while the stored octets
 * stay the same, forgotten when others are asked for more. So a new certificate is served as soon as its generation is,
 * and ten thousand hosts cost memory only while clients ask for them.
 *
 * Each context has ticket keys of its own, random, which OpenSSL makes and tells no one: a ticket is opened by the
 * context that made it alone, so by no other host, no other certificate, no other process. A context is made anew after
 * HTTPS_TICKET_KEYS_MS; with the old one its keys are gone.
 * Not here: what is in a context beside the certificate (base/tls/settings.ts), the documents (store/tls/).
 */
import { type SecureContext, createSecureContext } from 'node:tls';
import { HTTPS_CONTEXTS_MAX, HTTPS_TICKET_KEYS_MS } from '#base/limits/https.ts';
import { equalBytes } from '#base/bytes.ts';
import { type Problem, type Result, formatProblem } from '#base/problem.ts';
import { type StoreReader } from '#store/reader.ts';
import { type Sealer } from '#store/seal.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';
import { type HostCertificate, hostCertificateOctets } from '#store/tls/host-certificate.ts';
import { openHostKey, parseHostCertificate } from '#store/tls/host-certificate.ts';
import { privateKeyPem, resumedSettings } from '#base/tls/settings.ts';
import { zonesOf } from '#policy-host/zone-of-host.ts';

const RESUMED = resumedSettings(HTTPS_TICKET_KEYS_MS);

export interface ContextsOptions {
  readonly reader: StoreReader;
  /** Under the policy host's key, or why there is none now. */
  readonly sealer: () => Result<Sealer>;
  /** Certificates of origin `self-signed` are served. */
  readonly isSelfSigned: boolean;
  /** Called when a host's certificate cannot be used, at each look. */
  readonly complain: (host: string, text: string) => void;
  readonly countMax?: number;
  /** Counts up, whatever happens to the wall clock. */
  readonly nowMs: () => number;
}

interface Kept {
  readonly zoneId: number;
  readonly octets: Uint8Array;
  readonly context: SecureContext;
  readonly madeMs: number;
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
    const { reader, complain, nowMs } = this.#options;
    const generation = reader.generation();
    const kept = this.#kept.get(host);
    const before = kept !== undefined && nowMs() - kept.madeMs < HTTPS_TICKET_KEYS_MS ? kept : undefined;
    // Map keeps the order of insertion: the one used last stands at the end.
    if (kept !== undefined) this.#kept.delete(host);
    if (before !== undefined) {
      if (before.generation === generation) {
        this.#kept.set(host, before);
        return before.context;
      }
    }
    try {
      const found = this.#look(host, generation, before);
      if (found === undefined) return undefined;
      this.#kept.set(host, found);
      if (this.#kept.size > this.#countMax) this.#kept.delete(this.#kept.keys().next().value!);
      return found.context;
    } catch (error) {
      // A damaged document, or PEM that OpenSSL does not take: one host's fault.
      if (!(error instanceof Error)) throw error;
      complain(host, error instanceof StoreFailure ? formatProblem(error.problem) : messageOf(error));
      return undefined;
    }
  }

  #look(host: string, generation: number, before: Kept | undefined): Kept | undefined {
    const { reader, isSelfSigned, nowMs } = this.#options;
    for (const { id: zoneId } of zonesOf(reader, host)) {
      const octets = hostCertificateOctets(reader, zoneId, host);
      if (octets === undefined) continue;
      if (before?.zoneId === zoneId && equalBytes(before.octets, octets)) return { ...before, generation };
      const certificate = parseHostCertificate(octets, host);
      // Made while the setting was on: where it is off, no certificate is better than one that trains people to click.
      if (certificate.origin === 'self-signed' && !isSelfSigned) return undefined;
      const context = this.#make(zoneId, certificate);
      return context === undefined ? undefined : { zoneId, octets, context, madeMs: nowMs(), generation };
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
    const pem = privateKeyPem(key.value);
    try {
      return createSecureContext({ ...RESUMED, cert: certificate.chain, key: pem });
    } finally {
      key.value.fill(0);
      pem.fill(0);
    }
  }
}
