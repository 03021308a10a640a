/**
 * Certificates for hosts that have no other, signed by their own keys: what `https.self_signed` gives, so that the
 * policy host can be tried before any CA knows it. A host with a certificate of another origin is left alone.
 * Not here: their form (certificate/x509.ts), where they are kept (store/tls/), serving them, which a policy host does
 * only with the same setting (policy-host/).
 */
import { type Clock } from '#base/clock.ts';
import { SELF_SIGNED_AT_ONCE, SELF_SIGNED_DAYS } from '#base/limits/https.ts';
import { SELF_SIGNED_LOOK_MS, SELF_SIGNED_RENEW_DAYS, SELF_SIGNED_ZONES_AT_ONCE } from '#base/limits/https.ts';
import { type Log } from '#base/log.ts';
import { type Problem, type Result, formatProblem, ok } from '#base/problem.ts';
import { DAY_MS } from '#base/units.ts';
import { isCertificateHost, makeCertificateKey, selfSignedCertificate, toPem } from '#certificate/x509.ts';
import { type OwnerKey, formatName, nameOf, parseName } from '#dns/name.ts';
import { servedFiles } from '#mail/bimi/files.ts';
import { BIMI_HOST_LABEL } from '#mail/bimi/hosted-file.ts';
import { servedBody } from '#mail/mta-sts/lifecycle.ts';
import { StoreFailure } from '#store/failure.ts';
import { readMailState } from '#store/mail/state.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type Sealer } from '#store/seal.ts';
import { hostCertificateWrite, hostKeyWrite, openHostKey, readHostCertificate } from '#store/tls/host-certificate.ts';
import { type DocumentWrite, type SecretWrite, type StoreWriter } from '#store/writer.ts';
import { zoneOfHost } from '#store/tls/zone-of-host.ts';
import { type Funnel } from '#control/funnel/funnel.ts';

export interface SelfSignerOptions {
  readonly writer: StoreWriter;
  readonly funnel: Pick<Funnel, 'change'>;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  /** Under the policy host's key, or why there is none now. */
  readonly sealer: () => Result<Sealer>;
  /** That of DNS over TLS; absent: it is not served. */
  readonly dotHost?: string | undefined;
}

interface Wanted {
  readonly zoneId: number;
  readonly host: string;
  /** Of the certificate that is replaced; 0: there is none. */
  readonly keyVersion: number;
}

/** Of the store, and of the calendar. */
interface Version {
  readonly generation: number;
  readonly day: number;
}

interface Signed extends Wanted {
  readonly document: DocumentWrite;
  readonly secret: SecretWrite;
}

const TURN = { actor: { kind: 'system', id: 'self-signed', from: '' }, action: 'certificate.self-sign' } as const;
/** A client whose clock is behind takes it too. */
const BACKDATED_MS = DAY_MS;

export class SelfSigner {
  readonly #options: SelfSignerOptions;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  /** When all hosts were seen to have a certificate. */
  #done: Version = { generation: -1, day: -1 };
  /** The look at all zones that is under way: when it began, and how many certificates it has made. */
  #pass: { readonly began: Version; made: number } | undefined;
  /** The apex that was looked at last; the next look continues behind it. Undefined: at the first. */
  #last: OwnerKey | undefined;
  #reported = '';

  constructor(options: SelfSignerOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  start(): void {
    const look = (): void => {
      this.#running = this.#look().finally(() => {
        if (!this.#isStopped) this.#timer = setTimeout(look, SELF_SIGNED_LOOK_MS);
      });
    };
    look();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #look(): Promise<void> {
    const { writer, clock } = this.#options;
    const now = { generation: writer.generation(), day: Math.floor(clock.nowMs() / DAY_MS) };
    if (now.generation === this.#done.generation && now.day === this.#done.day) return;
    this.#pass ??= { began: now, made: 0 };
    const done = await this.signSome();
    if (!done.ok) return this.#report(done.problems);
    this.#pass.made += done.value;
    if (this.#last !== undefined) return;
    if (this.#pass.made === 0) this.#done = this.#pass.began;
    this.#pass = undefined;
  }

  /** Certificates for at most SELF_SIGNED_AT_ONCE hosts of the next zones that need one; how many were made. */
  async signSome(): Promise<Result<number>> {
    const { funnel, writer } = this.#options;
    const sealer = this.#options.sealer();
    if (!sealer.ok) return sealer;
    const wanted = this.#wanted(sealer.value);
    if (wanted.length === 0) return ok(0);
    const made = await Promise.all(wanted.map((each) => this.#make(sealer.value, each)));
    const done = await funnel.change(TURN, () => {
      // A zone may have gone, and a host may have got a certificate of its own, while keys were made.
      const still = made.filter(({ zoneId, host }) => {
        const record = writer.zoneById(zoneId);
        return record !== undefined && this.#wantedOf(sealer.value, record).some((each) => each.host === host);
      });
      const hosts = still.map(({ host }) => host);
      this.#log.info('certificate.self-signed', `self-signed certificates for ${hosts.join(', ')}`, { hosts });
      return ok({
        documents: still.map(({ document }) => document),
        secrets: still.map(({ secret }) => secret),
        detail: hosts.join(' '),
        isChanged: still.length > 0,
      });
    });
    return done.ok ? ok(made.length) : done;
  }

  /** Of the next SELF_SIGNED_ZONES_AT_ONCE zones. */
  #wanted(sealer: Sealer): Wanted[] {
    const wanted: Wanted[] = [];
    const zones = this.#options.writer.zonesAfter(this.#last, SELF_SIGNED_ZONES_AT_ONCE);
    for (const { apexKey, record } of zones) {
      wanted.push(...this.#wantedOf(sealer, record));
      this.#last = apexKey;
      if (wanted.length >= SELF_SIGNED_AT_ONCE) return wanted;
    }
    if (zones.length < SELF_SIGNED_ZONES_AT_ONCE) this.#last = undefined;
    return wanted;
  }

  /** The zone's hosts that have something to serve and no certificate that will do. */
  #wantedOf(sealer: Sealer, record: ZoneRecord): readonly Wanted[] {
    try {
      return this.#hostsOf(record).flatMap((host) => this.#needOf(sealer, record, host) ?? []);
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      // One zone's damaged document is no reason to leave out the others.
      this.#report([error.problem]);
      return [];
    }
  }

  #hostsOf(record: ZoneRecord): readonly string[] {
    const { writer, dotHost } = this.#options;
    const hosts = servingHosts(writer, record);
    return dotHost !== undefined && zoneOfHost(writer, dotHost)?.id === record.id ? [...hosts, dotHost] : hosts;
  }

  #needOf(sealer: Sealer, record: ZoneRecord, host: string): Wanted | undefined {
    const { writer, clock } = this.#options;
    if (!isCertificateHost(host)) return undefined;
    const before = readHostCertificate(writer, record.id, host);
    if (before === undefined) return { zoneId: record.id, host, keyVersion: 0 };
    if (before.origin !== 'self-signed') return undefined;
    const isLate = before.notAfterMs - clock.nowMs() < SELF_SIGNED_RENEW_DAYS * DAY_MS;
    // Sealed under a key that is gone: a new one is as good.
    const opens = openHostKey(writer, sealer, record.id, before)?.ok === true;
    return isLate || !opens ? { zoneId: record.id, host, keyVersion: before.keyVersion } : undefined;
  }

  async #make(sealer: Sealer, { zoneId, host, keyVersion: before }: Wanted): Promise<Signed> {
    const { clock, random } = this.#options;
    const nowMs = clock.nowMs();
    const [notBeforeMs, notAfterMs] = [nowMs - BACKDATED_MS, nowMs + SELF_SIGNED_DAYS * DAY_MS];
    const privateKey = await makeCertificateKey('ecdsa-p256');
    const der = selfSignedCertificate({ hosts: [host], privateKey, notBeforeMs, notAfterMs, random });
    const chain = toPem('CERTIFICATE', der);
    const keyVersion = before + 1;
    const certificate = { host, chain, keyVersion, notBeforeMs, notAfterMs, origin: 'self-signed' } as const;
    const key = new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' }));
    return {
      zoneId,
      host,
      keyVersion,
      document: hostCertificateWrite(zoneId, host, certificate),
      secret: hostKeyWrite(sealer, zoneId, host, { der: key, version: keyVersion }),
    };
  }

  /** Each failure once, not four times a second. */
  #report(problems: readonly Problem[]): void {
    const text = problems.map(formatProblem).join('; ');
    if (text === this.#reported) return;
    this.#reported = text;
    this.#log.warn('certificate.self-sign-failed', `no self-signed certificates, trying again: ${text}`);
  }
}

/** Hosts of the zone that serve something now. */
function servingHosts(reader: StoreReader, { id, name }: ZoneRecord): readonly string[] {
  const mail = readMailState(reader, id);
  if (mail === undefined) return [];
  const labels = [
    ...(servedBody(mail.mtaSts) === undefined ? [] : ['mta-sts']),
    ...(mail.bimi === undefined || servedFiles(mail.bimi).length === 0 ? [] : [BIMI_HOST_LABEL]),
  ];
  const names = labels.map((label) => parseName(label, nameOf(name)));
  return names.flatMap((each) => (each.ok ? [formatName(each.value).slice(0, -1).toLowerCase()] : []));
}
