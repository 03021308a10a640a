/**
 * One step in the life of a domain's mail: takes in what was seen and made since, does what is due, and compiles the records. The result
 * is committed as a whole or not at all; called again with the same arguments it decides the same.
 * Not here: time (lifecycle/timeline.ts), keys and look-ups (the control room makes them).
 */
import { SECONDARY_LAG_MS_MAX } from '#base/limits/limits.ts';
import { advance, type LifecycleEvent, type WantedCheck } from '#lifecycle/engine.ts';
import { type Explanation, explain } from '#lifecycle/explain.ts';
import { forgetObjects, type Observation, observe } from '#lifecycle/state.ts';
import { rememberTtl, type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { formatName, type Name, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { serialOf, soaMinimum } from '#zone/changeset.ts';
import { rrsetOf, type ZoneView } from '#zone/view.ts';
import { explainBimi } from '#mail/bimi/hold.ts';
import { type Compiled, compileMail, type CompileInput } from './compile.ts';
import { DKIM_MACHINE } from '#mail/dkim/machine.ts';
import { addDkimKey, dkimWorld, forgettableSecrets, type NewDkimKey, wantedDkimKeys } from '#mail/dkim/lifecycle.ts';
import { dkimOwner } from '#mail/dkim/record.ts';
import { type Expectation, expectationOf } from './expectation.ts';
import { DMARC_MACHINE, dmarcWorld } from '#mail/dmarc/ramp.ts';
import { type MailState } from './state.ts';
import { type MailFacts } from '#lifecycle/world.ts';
import { advanceSts, stsBodyWorld, stsHostWorld, stsModeWorld } from '#mail/mta-sts/lifecycle.ts';
import { STS_BODY_MACHINE, STS_HOST_MACHINE, STS_MODE_MACHINE } from '#mail/mta-sts/machine.ts';
import { type MailPolicy } from './mail-policy.ts';
import { type DkimAlgorithm } from '#mail/policy/schema.ts';
import { NO_SPF_STATE, settleSpfParts, type SpfState } from '#mail/spf/parts.ts';
import { takeTlsaPolicy, TLSA_MACHINE, tlsaWorld } from '#mail/dane/lifecycle.ts';

/** Something seen, and of which object: a selector, `tlsa-mx1-2`, `mta-sts-body-3`, `dmarc`. */
export interface MailObservation extends Observation {
  readonly object: string;
}

/** The machines, for tests that break them. */
export const MAIL_MACHINES = {
  dkim: DKIM_MACHINE,
  dmarc: DMARC_MACHINE,
  tlsa: TLSA_MACHINE,
  sts: { mode: STS_MODE_MACHINE, body: STS_BODY_MACHINE, host: STS_HOST_MACHINE },
};
export type MailMachines = typeof MAIL_MACHINES;

export interface MailStepInput extends Omit<CompileInput, 'state'> {
  readonly state: MailState;
  readonly facts: MailFacts;
  /** Keys made for what the step before wanted. Those that nobody wants are left over. */
  readonly newKeys?: readonly NewDkimKey[];
  readonly observations?: readonly MailObservation[];
  readonly machines?: MailMachines;
}

/** Somebody should look; without `expect` it is nothing that can be looked up, but a word of a signer or a report. */
export interface MailCheck extends WantedCheck {
  readonly expect?: Expectation;
}

export interface MailStep extends Omit<Compiled, 'managed' | 'consents'> {
  readonly state: MailState;
  readonly events: readonly LifecycleEvent[];
  readonly checks: readonly MailCheck[];
  /** When to come back at the latest; undefined when only something from outside can change anything. */
  readonly nextDueMs?: number;
  /** Keys to be made now; the step is to be taken again with them. */
  readonly wantedKeys: readonly DkimAlgorithm[];
  /** Selectors of `newKeys`, in their order; shorter when some were not wanted. */
  readonly selectors: readonly string[];
  /** Ids of private keys to be destroyed in the same transaction. */
  readonly forgettableSecrets: readonly string[];
}

/** What name servers are asked for. */
const LOOKED_UP: ReadonlySet<string> = new Set(['record', 'id-gone', 'mx-gone']);
/** After this the zone has been committed, and it is known which serial must be seen. */
const SETTLE_MS = 1000;

/** Does everything that is due for `domain` at `facts.nowMs`. */
export function stepMail(input: MailStepInput): MailStep {
  const { domain, policy, view, facts, machines = MAIL_MACHINES } = input;
  const zone = formatName(domain);
  const ttls = rememberTtls(input.state.ttls, policy, view, facts);
  let state = takeObservations({ ...input.state, ttls }, input.observations ?? []);
  state = { ...state, tlsa: takeTlsaPolicy(state.tlsa, policy.dane.hosts, facts.nowMs) };
  const taken = takeKeys(state, input);
  state = taken.state;

  const dkim = advance(machines.dkim, state.dkim.lifecycle, dkimWorld(state.dkim, policy.dkim, ttls, facts, zone));
  const dmarc = advance(machines.dmarc, state.dmarc, dmarcWorld(policy.dmarc, facts, zone));
  const mtaSts = advanceSts(state.mtaSts, policy.mtaSts, mailHosts(view, domain), ttls, facts, zone, machines.sts);
  const tlsa = advance(machines.tlsa, state.tlsa.lifecycle, tlsaWorld(policy.dane.hosts, ttls, facts, zone));
  state = {
    ...state,
    dkim: { ...state.dkim, lifecycle: dkim.state },
    dmarc: dmarc.state,
    mtaSts: mtaSts.state,
    tlsa: { ...state.tlsa, lifecycle: forgetObjects(tlsa.state, ({ stage }) => stage === 'removed') },
  };
  const secrets = forgettableSecrets(state.dkim);
  state = { ...state, dkim: { ...state.dkim, lifecycle: forgetObjects(dkim.state, ({ stage }) => stage === 'removed') } };

  const spf = settleSpfParts(state.spf ?? NO_SPF_STATE, { domain, policy: policy.spf, view, ttls, nowMs: facts.nowMs });
  state = withSpf({ ...state, serials: noteSerials(input.state, state, view) }, spf.state);
  const { managed, consents, ...compiled } = compileMail({ ...input, state });
  const wanted = wantedDkimKeys(state.dkim, policy.dkim, facts);
  const advances = [dkim, dmarc, mtaSts, tlsa];
  const checks = advances.flatMap((each) => each.checks).map((each) => withExpectation(each, domain, state));
  const isUnsettled = checks.some(({ what, expect }) => LOOKED_UP.has(what) && expect === undefined);
  // Keys that are wanted and were not brought along are asked for again, also by whoever died with them in hand.
  const soonMs = isUnsettled || wanted.algorithms.length > 0 ? facts.nowMs + SETTLE_MS : undefined;
  const times = [...advances.map((each) => each.nextDueMs), spf.nextDueMs, wanted.nextMs, soonMs].filter((each) => each !== undefined);
  return {
    ...compiled,
    problems: [...spf.problems, ...compiled.problems],
    state: { ...state, managed, consents },
    events: [...advances.flatMap((each) => each.events), ...spf.events],
    checks,
    ...(times.length === 0 ? {} : { nextDueMs: Math.min(...times) }),
    wantedKeys: wanted.algorithms,
    selectors: taken.selectors,
    forgettableSecrets: secrets,
  };
}

/** How everything of the domain stands, for people. */
export function explainMail(state: MailState, policy: MailPolicy, facts: MailFacts, domain: Name): Explanation[] {
  const zone = formatName(domain);
  const { ttls } = state;
  return [
    ...explain(DKIM_MACHINE, state.dkim.lifecycle, dkimWorld(state.dkim, policy.dkim, ttls, facts, zone)),
    ...explain(DMARC_MACHINE, state.dmarc, dmarcWorld(policy.dmarc, facts, zone)),
    ...explain(STS_MODE_MACHINE, state.mtaSts.mode, stsModeWorld(state.mtaSts, policy.mtaSts, ttls, facts, zone)),
    ...explain(STS_BODY_MACHINE, state.mtaSts.bodies, stsBodyWorld(ttls, facts, zone)),
    ...explain(STS_HOST_MACHINE, state.mtaSts.hosts, stsHostWorld(presentHosts(state), ttls, facts, zone)),
    ...explain(TLSA_MACHINE, state.tlsa.lifecycle, tlsaWorld(policy.dane.hosts, ttls, facts, zone)),
    ...explainBimi(policy, state, facts, zone.replace(/(?<=.)\.$/, '')),
  ];
}

function presentHosts({ mtaSts: { hosts } }: MailState): ReadonlySet<string> {
  return new Set(hosts.objects.filter(({ stage }) => stage === 'present').map(({ group }) => group));
}

/** What caches may be told of the domain now. Negative answers last min(SOA TTL, MINIMUM) (RFC 2308 §5). */
function rememberTtls(before: TtlMemory, policy: MailPolicy, view: ZoneView, { nowMs, servers }: MailFacts): TtlMemory {
  // A secondary that is late gives out the old TTLs after they were changed here.
  const lagMs = servers.length > 1 ? SECONDARY_LAG_MS_MAX : 0;
  const apex = view.node(view.apexKey);
  const soa = rrsetOf(apex, TYPE.SOA);
  const negative = soa === undefined ? 0 : Math.min(soa.ttl, soaMinimum(soa.rdatas[0]!));
  const { dkim, mtaSts, tlsa, spf } = policy.ttlSeconds;
  const now = { negative, dkim, mtaSts, tlsa, spf, mx: rrsetOf(apex, TYPE.MX)?.ttl ?? negative };
  return Object.entries(now).reduce((memory, [kind, seconds]) => rememberTtl(memory, kind, seconds, nowMs, lagMs), before);
}

function withSpf({ spf: _before, ...state }: MailState, spf: SpfState): MailState {
  return spf.sources.length === 0 && spf.parts.length === 0 ? state : { ...state, spf };
}

/** The zone that a step finds lacks what the step does; the one that the next step finds has it, and so has every later one. */
function noteSerials(before: MailState, { tlsa, mtaSts }: MailState, view: ZoneView): MailState['serials'] {
  const objects = [...tlsa.lifecycle.objects, ...mtaSts.bodies.objects, ...mtaSts.hosts.objects];
  const noted = objects.map(({ id, stage }) => {
    const known = before.serials[id];
    return [id, known?.stage !== stage ? { stage } : { stage, serial: known.serial ?? serialOf(view) }] as const;
  });
  return Object.fromEntries(noted);
}

function takeObservations(before: MailState, observations: readonly MailObservation[]): MailState {
  let state = before;
  for (const { object, ...seen } of observations) {
    state = {
      ...state,
      dkim: { ...state.dkim, lifecycle: observe(state.dkim.lifecycle, object, seen) },
      dmarc: observe(state.dmarc, object, seen),
      mtaSts: {
        ...state.mtaSts,
        mode: observe(state.mtaSts.mode, object, seen),
        bodies: observe(state.mtaSts.bodies, object, seen),
        hosts: observe(state.mtaSts.hosts, object, seen),
      },
      tlsa: { ...state.tlsa, lifecycle: observe(state.tlsa.lifecycle, object, seen) },
    };
  }
  return state;
}

/** Puts new keys in where they are wanted; keys that signers made themselves always are. */
function takeKeys(before: MailState, { domain, policy, view, facts, newKeys = [] }: MailStepInput) {
  let state = before;
  const selectors: string[] = [];
  const isTaken = (selector: string) => {
    const owner = dkimOwner(selector, domain);
    const isNamed = [...policy.dkim.external, ...policy.dkim.delegations].some((each) => each.selector.toLowerCase() === selector);
    return isNamed || (owner.ok && view.node(ownerKey(owner.value)) !== undefined);
  };
  for (const key of newKeys) {
    if (key.signer === undefined && !wantedDkimKeys(state.dkim, policy.dkim, facts).algorithms.includes(key.algorithm)) continue;
    const added = addDkimKey(state.dkim, key, facts, isTaken);
    state = { ...state, dkim: added.state };
    selectors.push(added.selector);
  }
  return { state, selectors };
}

/** Hosts that take mail for the domain: those of its MX, or itself where it has an address and no MX (RFC 5321 §5.1); none with a null MX. */
export function mailHosts(view: ZoneView, domain: Name): Name[] {
  const node = view.node(ownerKey(domain));
  const mx = rrsetOf(node, TYPE.MX);
  if (mx !== undefined) return mx.rdatas.map((rdata) => rdata.subarray(2)).filter((host) => host.length > 1);
  return rrsetOf(node, TYPE.A) === undefined && rrsetOf(node, TYPE.AAAA) === undefined ? [] : [domain];
}

function withExpectation(check: WantedCheck, domain: Name, state: MailState): MailCheck {
  const expect = expectationOf(check, domain, state);
  return expect === undefined ? check : { ...check, expect };
}
