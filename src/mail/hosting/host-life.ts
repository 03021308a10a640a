/**
 * The life of a host that this server serves by HTTPS for a domain: its record is published, known to every cache, its
 * certificate is there, and only then may others be sent to it; it is the last to go.
 * Not here: what stands at the name (host-record.ts), stages and waits (host-machine.ts), whether the host is needed
 * (mail/mta-sts/policy-host.ts, mail/bimi/host.ts).
 */
import { atRrset } from '#base/place.ts';
import { type Problem, ok, warning } from '#base/problem.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { formatName, type Name, parseName } from '#dns/name.ts';
import { typeCode } from '#dns/registry.ts';
import { type Expectation, expectRecord } from '#lifecycle/expectation.ts';
import { addObject, changeObject, findObject, type LifecycleState, newLifecycle } from '#lifecycle/state.ts';
import { type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { type ConditionVerdict } from '#lifecycle/waits.ts';
import { cacheMs, verdict, type Vocabulary } from '#lifecycle/world.ts';
import { type HostSight, type HostStanding, type HostTarget, judgeHostRecord } from './host-record.ts';

/** Of a host: whether clients outside can be served. */
export interface HostCertificateFacts {
  readonly isThere: boolean;
  readonly text: string;
}

/** What is known of this server's HTTPS hosts for one domain. */
export interface PolicyHostFacts extends HostTarget {
  /** Of its addresses: those that no client outside can reach. */
  readonly unreachable: readonly string[];
  /** The certificate of `mta-sts.<domain>`; absent: this server keeps none, and does not know. */
  readonly certificate?: HostCertificateFacts;
  /** That of `bimi.<domain>`; absent as above. */
  readonly bimiCertificate?: HostCertificateFacts;
}

/** With how its record stood at the last look. */
export type HostLifecycle = LifecycleState<HostStanding>;

/** Of a domain that never had the host here. */
export const NO_HOST: HostLifecycle = newLifecycle();

/** One kind of host. */
export interface HostKind {
  /** Its id among objects. */
  readonly object: string;
  /** Before the domain. */
  readonly label: string;
  /** The first stage of its machine. */
  readonly first: string;
  /** Of problems with its record. */
  readonly code: ProblemCode;
  readonly rfc: string;
  /** How the mail policy does without it. */
  readonly endedBy: string;
}

/** Stages in which the domain's record leads here. */
const PUBLISHED: readonly string[] = ['published', 'visible', 'ready', 'withdrawing'];

function find(life: HostLifecycle, { object }: HostKind) {
  return findObject(life, object);
}

/** `<label>.<domain>`, or NAME_LONG. */
export function hostName({ label }: HostKind, domain: Name) {
  return parseName(label, domain);
}

/** The record that the policy publishes at the host, each `TYPE data`; empty when it publishes none. */
export function hostRecords(life: HostLifecycle, kind: HostKind): readonly string[] {
  const host = find(life, kind);
  return host !== undefined && host.data.kind === 'ours' && PUBLISHED.includes(host.stage) ? host.data.records : [];
}

function leadsHere({ kind }: HostStanding): boolean {
  return kind === 'ours' || kind === 'here';
}

/** True while the host leads to this server for clients, who then need a certificate there. */
export function isHostHere(life: HostLifecycle, kind: HostKind): boolean {
  const host = find(life, kind);
  return host !== undefined && leadsHere(host.data) && PUBLISHED.includes(host.stage);
}

/** True when clients reach this server by the host, as far as is known. */
export function isHostReady(life: HostLifecycle, kind: HostKind): boolean {
  const stage = find(life, kind)?.stage;
  return isHostHere(life, kind) && (stage === 'ready' || stage === 'withdrawing');
}

/** True when only a certificate is waited for, which no observation reports. */
export function awaitsHostCertificate(life: HostLifecycle, kind: HostKind): boolean {
  return find(life, kind)?.stage === 'visible';
}

export interface HostContext {
  readonly domain: Name;
  readonly isNeeded: boolean;
  readonly facts: PolicyHostFacts | undefined;
  readonly sight: HostSight;
  readonly nowMs: number;
}

/** `before` with the host that the domain needs, and how its record stands now. Without facts it stays as it was. */
export function prepareHost(before: HostLifecycle, kind: HostKind, context: HostContext): HostLifecycle {
  const { domain, isNeeded, facts, sight, nowMs } = context;
  if (facts === undefined) return before;
  const host = find(before, kind);
  if (host === undefined && !isNeeded) return before;
  const data = judgeHostRecord(kind.label, domain, facts, sight);
  if (host === undefined)
    return addObject(before, { id: kind.object, group: kind.object, stage: kind.first, data }, nowMs);
  // What clients look for stays where it is while the record of a new configuration cannot be put in its place.
  const isStuck = data.kind === 'blocked' && host.data.kind === 'ours' && PUBLISHED.includes(host.stage);
  const now = isStuck ? { ...data, kind: host.data.kind, records: host.data.records } : data;
  if (JSON.stringify(host.data) === JSON.stringify(now)) return before;
  return changeObject(before, host.id, (each) => ({ ...each, data: now }));
}

/** What decides whether a host stays. */
export interface HostNeed {
  readonly isNeeded: boolean;
  /** What it serves is being withdrawn. */
  readonly isLeaving: boolean;
  /** The evidence for both, one clause. */
  readonly text: string;
}

/** What the waits of a host depend on. */
export function hostVocabulary(
  need: HostNeed,
  ttls: TtlMemory,
  certificate: HostCertificateFacts | undefined,
): Vocabulary<HostStanding> {
  const withFix = ({ text, fix }: HostStanding) => (fix === undefined ? text : `${text}; ${fix}`);
  const { isThere, text } = certificate ?? { isThere: true, text: 'this server keeps no certificates' };
  return {
    durations: { negativeTtl: cacheMs(ttls, 'negative') },
    conditions: {
      'leads-here': ({ data }) => verdict(leadsHere(data), withFix(data)),
      elsewhere: ({ data }) => verdict(data.kind === 'elsewhere', withFix(data)),
      unneeded: () => verdict(!need.isNeeded, need.text),
      leaving: () => verdict(need.isLeaving, need.text),
      back: () => verdict(!need.isLeaving, need.text),
      certificate: () => verdict(isThere, text),
    },
  };
}

/** What every name server should show of the host. */
export function hostExpectation(life: HostLifecycle, kind: HostKind, domain: Name): Expectation | undefined {
  const [mnemonic = '', ...rest] = find(life, kind)?.data.records[0]?.split(' ') ?? [];
  const owner = hostName(kind, domain);
  const type = typeCode(mnemonic);
  return owner.ok && type !== undefined ? expectRecord('record', ok(owner.value), type, rest.join(' ')) : undefined;
}

/** Whether others may be sent to the host. */
export function hostVerdict(life: HostLifecycle, kind: HostKind, byOthers: string): ConditionVerdict {
  const host = find(life, kind);
  if (host === undefined) return verdict(true, byOthers);
  if (host.stage === 'elsewhere') return verdict(true, host.data.text);
  const isReady = host.stage === 'ready' || host.stage === 'withdrawing';
  return verdict(isReady, `${kind.object} is ${host.stage}`);
}

/** What the operator should know of the host's record. */
export function hostProblems(
  life: HostLifecycle,
  kind: HostKind,
  domain: Name,
  facts: PolicyHostFacts | undefined,
): Problem[] {
  const host = find(life, kind);
  const owner = hostName(kind, domain);
  if (host === undefined || host.stage === 'gone' || !owner.ok) return [];
  const { text, records, fix } = host.data;
  const at = atRrset(`${kind.label}.${formatName(domain)}`, records[0]?.split(' ')[0] ?? 'A');
  const tell = (message: string, more?: string) =>
    warning(kind.code, at, message, { rfc: kind.rfc, ...(more === undefined ? {} : { fix: more }) });
  if (fix !== undefined) return [tell(text, fix)];
  const problems: Problem[] = [];
  if (text.startsWith('the wildcard '))
    problems.push(tell(text, 'other types that it gave to this name are gone; publish them there if you need them'));
  if (facts === undefined)
    problems.push(
      tell(
        'it leads to this server, though neither https.addresses nor https.host is set any more',
        `it stays until the policy ends; set one of them again, or end it: ${kind.endedBy}`,
      ),
    );
  else if (facts.unreachable.length > 0)
    problems.push(
      tell(
        `it gets the address ${facts.unreachable.join(', ')}, which no sender outside can reach`,
        'set https.addresses to public addresses',
      ),
    );
  return problems;
}
