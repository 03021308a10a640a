/**
 * What each command about certificates changes. All of them end in a step (steps.ts).
 * Not here: asking CAs (asking.ts), planning, signing and committing (control/funnel).
 */
import { CERTIFICATE_HOSTS_PER_ZONE_MAX } from '#base/limits/acme.ts';
import { atZone, inUrl } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { beginCertificate } from '#certificate/lives.ts';
import { challengeObstacle } from '#certificate/records.ts';
import { type CertificateResult } from '#certificate/results.ts';
import { type CertificatesState, comingCertificate, currentCertificate } from '#certificate/state.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { changeObject } from '#lifecycle/state.ts';
import { wakeWrite } from '#store/mail/state.ts';
import { hostCertificateWrite } from '#store/tls/host-certificate.ts';
import { type SecretWrite } from '#store/writer.ts';
import { type CertificateCommand } from '#control/api/certificates.ts';
import { zoneNotServed } from '#control/commands/absent.ts';
import { type Decision } from '#control/commands/decision.ts';
import { alertEvent, certificateEvent } from '#control/commands/events.ts';
import { type CommandOf, type CommandTable, type ServedZone, type ZoneContext } from '#control/commands/table.ts';
import { type CertificateSteps } from './steps.ts';
import { isUsableHost } from './wanted.ts';

export interface DecisionOptions {
  readonly steps: CertificateSteps;
  /** False: no directory of a CA is configured. */
  readonly hasCa: boolean;
  /** Called after the commit of what an operator asks for, before `onCommitted`. */
  readonly onOrdered: (zone: string) => void;
  /** Called after each commit. */
  readonly onCommitted: (zone: string, events: readonly LifecycleEvent[]) => void;
}

/** What a command does to the state before its step. */
interface Intent {
  readonly state: CertificatesState;
  readonly detail: string;
  readonly warnings?: readonly Problem[];
}

/** The certificate commands, each with what decides it. */
export function certificateHandlers(options: DecisionOptions): CommandTable<CertificateCommand['kind']> {
  const { steps, hasCa } = options;
  const served =
    <C extends CertificateCommand>(decide: (command: C, zone: ServedZone) => Result<Decision>) =>
    (command: C, context: ZoneContext): Result<Decision> =>
      context.served === undefined ? fail(zoneNotServed(command.zone)) : decide(command, context.served);
  const byIntent = (intend: (ask: Ask, zone: ServedZone, state: CertificatesState) => Result<Intent>) =>
    served((command: AskCommand, zone) => {
      const intent = intend(command, zone, steps.stored(zone.record));
      if (!intent.ok) return intent;
      const { state, detail, warnings = [] } = intent.value;
      const without = hasCa || command.kind === 'certificate.unwant' ? [] : [noCa()];
      return decisionOf(zone, state, { detail, warnings: [...warnings, ...without], isOrdered: true }, options);
    });
  return {
    'certificate.want': { decide: byIntent((command, zone, state) => want(command, zone, state, options)) },
    'certificate.unwant': { decide: byIntent(unwant) },
    'certificate.renew': { decide: byIntent((command, zone, state) => renew(command, zone, state, options)) },
    'certificate.take': { isUpkeep: true, decide: served((command, zone) => take(command, zone, options)) },
    'certificate.install': { isUpkeep: true, decide: served((command, zone) => install(command, zone, options)) },
  };
}

type Install = CommandOf<'certificate.install'>;
type Take = CommandOf<'certificate.take'>;

interface Written {
  readonly detail: string;
  readonly warnings?: readonly Problem[];
  readonly results?: readonly CertificateResult[];
  readonly observations?: Take['observations'];
  readonly secrets?: readonly SecretWrite[];
  readonly isQuiet?: boolean;
  /** Asked for by an operator. */
  readonly isOrdered?: boolean;
}

function decisionOf(
  zone: ServedZone,
  state: CertificatesState,
  { detail, warnings = [], results = [], observations = [], secrets = [], isQuiet = false, isOrdered = false }: Written,
  { steps, onOrdered, onCommitted }: DecisionOptions,
): Result<Decision> {
  const { name } = zone.record;
  const step = steps.step(zone, state, { results, observations });
  if (!step.ok) return step;
  const { events, alerts, isChanged } = step.value;
  const told = events.filter(({ event }) => event !== 'waiting');
  return ok({
    zone: name,
    parts: step.value.parts,
    documents: step.value.documents,
    // The key of a new order before what the step does with keys: an order that was taken and lost in one step leaves
    // none.
    secrets: [...secrets, ...step.value.secrets],
    events: [...events.map((each) => certificateEvent(name, each)), ...alerts.map((each) => alertEvent(name, each))],
    warnings: [...warnings, ...step.value.warnings],
    detail: [detail, ...told.map(({ object, text }) => `${object}: ${text}`)].join('; '),
    isQuiet: isQuiet && told.length === 0,
    isChanged,
    isAlwaysWritten: isQuiet,
    afterCommit() {
      if (isOrdered) onOrdered(name);
      onCommitted(name, events);
    },
  });
}

function take(command: Take, zone: ServedZone, options: DecisionOptions): Result<Decision> {
  const { results, observations, secrets } = command;
  const state = options.steps.stored(zone.record);
  // The object may have gone while the CA was asked: then its key is not kept.
  const isThere = ({ object }: CertificateResult) => state.lifecycle.objects.some(({ id }) => id === object);
  const ordered = results.some((each) => each.kind === 'ordered' && isThere(each));
  const given = { results, observations, secrets: ordered ? secrets : [] };
  return decisionOf(zone, state, { detail: 'due', isQuiet: true, ...given }, options);
}

/** A file's certificate; what a CA gave for the host gives way, also in the state: nothing wants it any more. */
function install(command: Install, { record, view }: ServedZone, options: DecisionOptions): Result<Decision> {
  const { certificate, secret } = command;
  const { host } = certificate;
  const { nowMs } = options.steps.facts(view);
  return ok({
    zone: record.name,
    // The mail of the zone may wait for it.
    documents: [hostCertificateWrite(record.id, host, certificate), wakeWrite(record.id, nowMs)],
    secrets: [secret],
    events: [{ kind: 'certificate', event: 'installed', zone: record.name, object: host, text: 'from a file' }],
    detail: `certificate of ${host} from a file`,
    isChanged: true,
    afterCommit: () => options.onCommitted(record.name, []),
  });
}

// --- what operators ask for ---

interface Ask {
  readonly host: string;
  readonly isForced?: boolean;
}

type AskCommand = CommandOf<'certificate.want' | 'certificate.unwant' | 'certificate.renew'>;

function want(ask: Ask, zone: ServedZone, state: CertificatesState, options: DecisionOptions): Result<Intent> {
  const { host, isForced } = ask;
  const unfit = checkHost(host, zone);
  if (unfit !== undefined) return fail(unfit);
  const { nowMs } = options.steps.facts(zone.view);
  const others = state.wishes.filter((each) => each.host !== host);
  const before = state.wishes.find((each) => each.host === host);
  if (others.length >= CERTIFICATE_HOSTS_PER_ZONE_MAX) return fail(tooMany(zone));
  const wish = { host, atMs: before?.atMs ?? nowMs, ...(isForced === true ? { isForced } : {}) };
  const obstacle = challengeObstacle(zone.view, host);
  const warnings = obstacle === undefined ? [] : [{ ...obstacle, severity: 'warning' as const }];
  return ok({ state: { ...state, wishes: [...others, wish] }, detail: `certificate of ${host}`, warnings });
}

function unwant({ host }: Ask, _zone: ServedZone, state: CertificatesState): Result<Intent> {
  if (!state.wishes.some((each) => each.host === host)) return fail(notOrdered(host));
  const wishes = state.wishes.filter((each) => each.host !== host);
  return ok({ state: { ...state, wishes }, detail: `no certificate of ${host}` });
}

/** The next one begins now, or what is on its way is tried at once. */
function renew(ask: Ask, zone: ServedZone, before: CertificatesState, options: DecisionOptions): Result<Intent> {
  const { host, isForced } = ask;
  const { steps } = options;
  const isWanted = steps.context(zone, before).wanted.some((each) => each.host === host);
  const wished = isWanted && isForced !== true ? undefined : want(ask, zone, before, options);
  if (wished !== undefined && !wished.ok) return wished;
  const state = wished?.value.state ?? before;
  const { nowMs } = steps.facts(zone.view);
  const coming = comingCertificate(state, host);
  const forced = isForced === true ? { isForced } : {};
  const detail = `new certificate of ${host}`;
  const warnings = wished?.value.warnings ?? [];
  if (coming === undefined) {
    const replaces = currentCertificate(state, host)?.data.issued?.ariId;
    const data = { host, ...forced, ...(replaces === undefined ? {} : { replaces }) };
    return ok({ state: beginCertificate(state, data, nowMs), detail, warnings });
  }
  const { retryAtMs: _retry, directories: _directories, tries: _tries, ...data } = coming.data;
  const lifecycle = changeObject(state.lifecycle, coming.id, (each) => ({ ...each, data: { ...data, ...forced } }));
  return ok({ state: { ...state, lifecycle }, detail, warnings });
}

function checkHost(host: string, { view }: ServedZone): Problem | undefined {
  if (!isUsableHost(host))
    return problem('CERTIFICATE_HOST', inUrl('host'), `${JSON.stringify(host)} cannot have a certificate here`, {
      fix: 'give one host name, without a wildcard',
    });
  const obstacle = challengeObstacle(view, host);
  return obstacle?.code === 'CERTIFICATE_HOST' ? obstacle : undefined;
}

function tooMany({ record: { name } }: ServedZone): Problem {
  const why = `${CERTIFICATE_HOSTS_PER_ZONE_MAX} hosts of ${name} have certificates by order, and more are not taken`;
  return problem('CERTIFICATE_MANY', atZone(name), why, { fix: 'take back one of them: waxseal cert remove' });
}

export function notOrdered(host: string): Problem {
  return problem('CERTIFICATE_NONE', inUrl('host'), `no certificate of ${host} was ordered`, {
    fix: 'see which hosts have certificates, and why: waxseal cert list',
  });
}

function noCa(): Problem {
  return warning('ACME_NONE', inUrl('host'), 'no directory of a CA is configured, so nothing can be ordered now', {
    fix: 'name one in acme.directories of the configuration, with acme.terms_agreed = true',
  });
}
