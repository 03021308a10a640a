/**
 * Steps of a zone's certificates: what the pure step (certificate/step.ts) decides, with the store, the clock and the
 * keys that it needs.
 * Not here: which command asks for a step (decide.ts), when steps are due (control/lifecycle/scheduler.ts), asking CAs
 * (asking.ts).
 */
import { atObject } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem } from '#base/problem.ts';
import { newFailures } from '#certificate/alarms.ts';
import { type CertificateContext, type CertificateFacts } from '#certificate/lives.ts';
import { newCertificatesState, type CertificatesState } from '#certificate/state.ts';
import { type CertificateStep, type CertificateStepInput } from '#certificate/step.ts';
import { type Installation, stepCertificates } from '#certificate/step.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { type Sealer } from '#store/seal.ts';
import { certificatesWrite, openOrderKey, orderKeyWrite, readCertificatesState } from '#store/tls/certificates.ts';
import { hostCertificateWrite, hostKeyWrite, readHostCertificate } from '#store/tls/host-certificate.ts';
import { wakeWrite } from '#store/mail/state.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DocumentWrite, type SecretWrite, type StoreWriter } from '#store/writer.ts';
import { type ZoneView } from '#zone/view.ts';
import { type ZonePart } from '#control/commands/decision.ts';
import { type ServedZone } from '#control/commands/table.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { type OutsideWitnesses, isLookable, lookPlaces } from '#control/outside/evidence.ts';
import { checkChanges } from '#control/zone/change-rules.ts';
import { KeyRecords } from './dane.ts';
import { type WantedHosts } from './wanted.ts';

export interface CertificateStepsOptions {
  readonly writer: StoreWriter;
  readonly time: CountedTime;
  readonly witnesses: OutsideWitnesses;
  readonly wanted: WantedHosts;
  readonly sealer: () => Result<Sealer>;
  /** URLs of the CAs' directories. */
  readonly directories: readonly string[];
  /** The setting `limits.records_per_rrset`. */
  readonly recordsPerRrsetMax: number;
}

type StepGiven = Pick<CertificateStepInput, 'results' | 'observations'>;

/** What a step wants to write. */
export interface CertificateChange {
  readonly parts: readonly ZonePart[];
  readonly documents: readonly DocumentWrite[];
  readonly secrets: readonly SecretWrite[];
  readonly events: readonly LifecycleEvent[];
  /** What the operator should look at. */
  readonly alerts: readonly Problem[];
  readonly warnings: readonly Problem[];
  readonly isChanged: boolean;
  readonly state: CertificatesState;
}

export class CertificateSteps {
  readonly #options: CertificateStepsOptions;
  readonly keyRecords: KeyRecords;

  constructor(options: CertificateStepsOptions) {
    this.#options = options;
    this.keyRecords = new KeyRecords({ reader: options.writer, time: options.time });
  }

  /** The state in the store, or the first one. */
  stored(record: ZoneRecord): CertificatesState {
    return readCertificatesState(this.#options.writer, record.id) ?? newCertificatesState();
  }

  /** What a step would do now; changes nothing. */
  preview(zone: ServedZone, state = this.stored(zone.record), given: StepGiven = {}): CertificateStep {
    return stepCertificates({ state, view: zone.view, context: this.context(zone, state), ...given });
  }

  context(zone: ServedZone, state: CertificatesState): CertificateContext {
    const { wanted } = this.#options;
    const { record, view } = zone;
    return {
      zone: record.name.replace(/(?<=.)\.$/, ''),
      wanted: wanted(zone, state),
      facts: this.facts(view),
      deployment: (host, pem) => this.keyRecords.verdict(record, host, pem),
      hasRecords: (host, pem) => this.keyRecords.abandonments(record, host, pem).length > 0,
      leadMs: (host) => this.keyRecords.leadMs(record, host),
    };
  }

  facts(view: ZoneView): CertificateFacts {
    const { time, witnesses, directories } = this.#options;
    const { nowMs, wallOffsetMs } = time.read();
    const { servers, ownHosts } = lookPlaces(witnesses, view);
    return { nowMs, wallOffsetMs, places: { servers, ownHosts }, directories };
  }

  /** One step, checked against the zone's rules, with the certificates that it installs. */
  step(zone: ServedZone, state: CertificatesState, given: StepGiven = {}): Result<CertificateChange> {
    const { writer, time, recordsPerRrsetMax, witnesses } = this.#options;
    const { record, view } = zone;
    const before = readCertificatesState(writer, record.id);
    const step = this.preview(zone, state, given);
    const broken = checkChanges(view, step.changes, { signed: record.dnssec === 'on', recordsPerRrsetMax });
    if (hasErrors(broken)) return fail(...broken);
    const installed = this.#install(zone, step);
    if (!installed.ok) return installed;
    const places = { ...lookPlaces(witnesses, view), probes: [] };
    const looks = step.checks.filter((each) => isLookable(each, places)).map(({ dueMs }) => dueMs);
    const times = [step.nextDueMs, ...looks].filter((each) => each !== undefined);
    const dueAtMs = times.length === 0 ? undefined : Math.min(...times);
    return ok({
      parts: step.changes.length === 0 ? [] : [{ record, view, changes: step.changes }],
      documents: [...installed.value.documents, certificatesWrite(record.id, step.state, dueAtMs), time.write()],
      secrets: installed.value.secrets,
      events: step.events,
      alerts: [...step.alarms, ...newFailures(before, step.state)],
      warnings: [],
      isChanged: before === undefined || JSON.stringify(before) !== JSON.stringify(step.state),
      state: step.state,
    });
  }

  /** Chain and key of what becomes a host's certificate, in one transaction with the state that says so. */
  #install({ record }: ServedZone, step: CertificateStep) {
    const { writer } = this.#options;
    const { installations, withdrawn, endedOrders } = step;
    const documents: DocumentWrite[] = [];
    const secrets: SecretWrite[] = [];
    const hasKeys = installations.length + withdrawn.length + endedOrders.length > 0;
    if (!hasKeys) return ok({ documents, secrets });
    const sealer = this.#options.sealer();
    if (!sealer.ok) return sealer;
    for (const each of installations) {
      const written = installation(writer, sealer.value, record.id, each);
      if (!written.ok) return written;
      documents.push(written.value.document);
      secrets.push(...written.value.secrets);
    }
    for (const host of withdrawn) {
      if (readHostCertificate(writer, record.id, host)?.origin !== 'acme') continue;
      documents.push(hostCertificateWrite(record.id, host, null));
      secrets.push(hostKeyWrite(sealer.value, record.id, host, null));
    }
    const lost = endedOrders.filter((host) => !installations.some((each) => each.host === host));
    secrets.push(...lost.map((host) => orderKeyWrite(sealer.value, record.id, host, null)));
    // The mail of the zone may wait for it.
    documents.push(wakeWrite(record.id, this.#options.time.nowMs()));
    return ok({ documents, secrets });
  }
}

/** The key of an order under way becomes that of its host. */
function installation(writer: StoreWriter, sealer: Sealer, zoneId: number, { host, issued, pem }: Installation) {
  const key = openOrderKey(writer, sealer, zoneId, host, issued.keyVersion);
  const lost = problem('SECRET_SEALED', atObject(host), 'the key of the certificate is not in the store');
  if (key === undefined || !key.ok) return key ?? fail(lost);
  const before = readHostCertificate(writer, zoneId, host)?.keyVersion ?? 0;
  const version = Math.max(issued.keyVersion, before + 1);
  const { notBeforeMs, notAfterMs } = issued;
  const value = { host, chain: pem, keyVersion: version, notBeforeMs, notAfterMs, origin: 'acme' } as const;
  const own = hostKeyWrite(sealer, zoneId, host, { der: key.value, version });
  const secrets = [own, orderKeyWrite(sealer, zoneId, host, null)];
  key.value.fill(0);
  return ok({ document: hostCertificateWrite(zoneId, host, value), secrets });
}
