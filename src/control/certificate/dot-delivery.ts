/**
 * Sends the answer process the certificate of DNS over TLS with its private key: when it starts, and when the
 * certificate in the store is another one (ADR 0007).
 * Not here: how the host gets its certificate (wanted.ts, files.ts), serving with it (server/tls/).
 */
import { equalBytes } from '#base/bytes.ts';
import { type Calls } from '#base/ipc/calls.ts';
import { type IpcMessage } from '#base/ipc/messages.ts';
import { TLS_CERTIFICATE, type TlsCertificate, writeTlsCertificate } from '#base/ipc/tls-certificate.ts';
import { TLS_CERTIFICATE_LOOK_MS } from '#base/limits/server.ts';
import { type Log } from '#base/log.ts';
import { type Problem, type Result, formatProblem } from '#base/problem.ts';
import { StoreFailure } from '#store/failure.ts';
import { type Sealer } from '#store/seal.ts';
import { type StoreReader } from '#store/reader.ts';
import { hostCertificateOctets, openHostKey, parseHostCertificate } from '#store/tls/host-certificate.ts';
import { zoneOfHost } from '#store/tls/zone-of-host.ts';

export interface DotDeliveryOptions {
  readonly reader: StoreReader;
  /** Under the policy host's key, or why there is none now. */
  readonly sealer: () => Result<Sealer>;
  /** Lower case, no final dot. */
  readonly host: string;
  /** A certificate that this server signed itself is shown too. */
  readonly isSelfSigned: boolean;
  readonly calls: Pick<Calls, 'request'>;
  readonly log: Log;
}

/** A certificate as it is stored, and what it means; or why there is none to show. */
interface Found {
  /** None when there is none to show. */
  readonly octets: Uint8Array;
  readonly certificate?: TlsCertificate;
  readonly why?: string;
}

const NOTHING = new Uint8Array(0);

export class DotDelivery {
  readonly #options: DotDeliveryOptions;
  #isAnswerThere = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;
  /** Octets in the store that were delivered; undefined: nothing was, to this answer process. */
  #delivered: Uint8Array | undefined;
  /** Why it is not served, as last said; undefined: that it is. */
  #reported: string | undefined = '';

  constructor(options: DotDeliveryOptions) {
    this.#options = options;
  }

  receive(message: IpcMessage): void {
    if (!('role' in message) || message.role !== 'answer') return;
    if (message.kind === 'hello') {
      this.#isAnswerThere = true;
      this.#delivered = undefined;
      void this.look();
    } else if (message.kind === 'gone') this.#isAnswerThere = false;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), TLS_CERTIFICATE_LOOK_MS);
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  /** Sends what the store has now, when that was not sent. */
  async look(): Promise<void> {
    if (!this.#isAnswerThere || this.#isStopped) return;
    const found = this.#find();
    // The key is opened for a certificate that is to be sent, and not at each look.
    if (found === 'delivered') return;
    this.#report(found.why);
    const { octets } = found;
    if (this.#delivered !== undefined && equalBytes(this.#delivered, octets)) return;
    // Before it is sent: the next look must not send it a second time.
    this.#delivered = octets;
    const outcome = await this.#options.calls.request(TLS_CERTIFICATE, writeTlsCertificate(found.certificate));
    found.certificate?.key.fill(0);
    if (outcome.ok) return;
    this.#delivered = undefined;
    const { host, log } = this.#options;
    const text = `the answer process did not take the certificate of ${host}: ${outcome.why}; it is sent again`;
    log.warn('tls.undelivered', text);
  }

  #find(): Found | 'delivered' {
    const { host, isSelfSigned, reader } = this.#options;
    const none = (why: string): Found => ({ octets: NOTHING, why: `${host} (dns.tls_host) ${why}` });
    try {
      const zone = zoneOfHost(reader, host);
      if (zone === undefined) return none('is in no zone of this server');
      const octets = hostCertificateOctets(reader, zone.id, host);
      if (octets === undefined) return none('has no certificate yet; see: waxseal cert list');
      if (this.#delivered !== undefined && equalBytes(this.#delivered, octets)) return 'delivered';
      const certificate = parseHostCertificate(octets, host);
      if (certificate.origin === 'self-signed' && !isSelfSigned)
        return none('has a self-signed certificate only, and https.self_signed is off');
      const sealer = this.#options.sealer();
      if (!sealer.ok) return { octets: NOTHING, why: textOf(sealer.problems) };
      const key = openHostKey(reader, sealer.value, zone.id, certificate);
      if (key === undefined) return none('has a certificate without its private key in the store');
      if (!key.ok) return { octets: NOTHING, why: textOf(key.problems) };
      return { octets, certificate: { chain: certificate.chain, key: key.value } };
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      return { octets: NOTHING, why: formatProblem(error.problem) };
    }
  }

  /** Each reason once. */
  #report(why: string | undefined): void {
    if (why === this.#reported) return;
    const { log, host } = this.#options;
    if (why !== undefined) log.warn('tls.no-certificate', `DNS over TLS is not served: ${why}`);
    else log.info('tls.certificate', `DNS over TLS is served as ${host}`);
    this.#reported = why;
  }
}

function textOf(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join('; ');
}
