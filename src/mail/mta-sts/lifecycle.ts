/**
 * MTA-STS of a domain over time: the mode, the bodies, which id is announced, and which MX changes senders can bear.
 * Implements: RFC 8461 §3.1 (id), §5.1 (senders look for a newer id before they give up), §8.1, §8.3.
 * Not here: serving the body (the policy host), the record's owner and TTL (mail/compile.ts).
 */
import { atRrset } from '#base/place.ts';
import { ok, type Problem, problem } from '#base/problem.ts';
import { order, type WantedCheck } from '#lifecycle/engine.ts';
import { type Expectation, expectRecord } from '#lifecycle/expectation.ts';
import { addObject, findObject, forgetObjects, newLifecycle } from '#lifecycle/state.ts';
import { type LifecycleObject, type LifecycleState } from '#lifecycle/state.ts';
import { type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { formatName, type Name } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type ConditionVerdict } from '#lifecycle/waits.ts';
import { cacheMs, type Facts, verdict, type Vocabulary } from '#lifecycle/world.ts';
import { type HostStanding } from '#mail/hosting/host-record.ts';
import { formatStsPolicy, formatStsRecord, isMxCovered, policyId } from './record.ts';
import { stsHost, type StsPolicy, stsRecordOwner } from './record.ts';
import { STS_BODY_MACHINE, STS_HOST_MACHINE } from './machine.ts';
import { type StsSettings } from './settle.ts';

export interface StsBodyData {
  /** 1 is the first; a later body has a higher one, also when it says the same as one before. */
  readonly version: number;
  readonly id: string;
  readonly policy: StsPolicy;
}

type NoData = Readonly<Record<string, never>>;
export type StsBody = LifecycleObject<StsBodyData>;
export type StsModeLifecycle = LifecycleState<NoData>;

export type StsHosts = LifecycleState<NoData>;

export interface StsState {
  readonly mode: StsModeLifecycle;
  readonly bodies: LifecycleState<StsBodyData>;
  readonly lastVersion: number;
  /** Of all bodies but those of mode none, since MTA-STS was last off. */
  readonly longestMaxAgeSeconds: number;
  /** Mail hosts that the zone names or named lately; the group is the host without final dot. */
  readonly hosts: StsHosts;
  /** Absent where this server is, and was, no policy host of the domain. */
  readonly policyHost?: LifecycleState<HostStanding>;
}

/** The mode's id among objects. */
export const STS_OBJECT = 'mta-sts';

export function newStsState(nowMs: number): StsState {
  const mode = addObject(newLifecycle<NoData>(), { id: STS_OBJECT, group: STS_OBJECT, stage: 'off', data: {} }, nowMs);
  return { mode, bodies: newLifecycle(), lastVersion: 0, longestMaxAgeSeconds: 0, hosts: newLifecycle() };
}

export function stsMode(state: StsState): string {
  return state.mode.objects[0]?.stage ?? 'off';
}

/**
 * The body that the policy host serves; undefined: 404. RFC 8461 §8.3: the last one, of mode none, is served until no
 * cache can hold its id.
 */
export function servedBody({ bodies }: StsState): StsBody | undefined {
  const newest = bodies.objects.findLast(({ stage }) => stage === 'served' || stage === 'announced');
  return newest ?? bodies.objects.findLast(({ stage, data }) => stage === 'superseded' && data.policy.mode === 'none');
}

/** The body whose id stands in the record; undefined: no record. */
export function announcedBody(state: StsState): StsBody | undefined {
  return state.bodies.objects.find(({ stage }) => stage === 'announced');
}

/** `before` with the hosts that the zone names now; those that it does not name any more leave by themselves. */
export function addStsHosts(before: StsState, mxHosts: readonly Name[], nowMs: number): StsState {
  const known = new Set(before.hosts.objects.map(({ group }) => group));
  const added = [...new Set(mxHosts.map(hostText))].filter((host) => !known.has(host));
  const add = (hosts: StsHosts, host: string) =>
    addObject(hosts, { id: `mx-${host}`, group: host, stage: STS_HOST_MACHINE.first, data: {} }, nowMs);
  return added.length === 0 ? before : { ...before, hosts: added.reduce(add, before.hosts) };
}

/** What the waits of mail hosts depend on. */
export function stsHostVocabulary(mxHosts: readonly Name[], ttls: TtlMemory): Vocabulary<NoData> {
  const present = new Set(mxHosts.map(hostText));
  return {
    durations: { mxTtl: cacheMs(ttls, 'mx') },
    conditions: {
      missed: ({ group }) => verdict(!present.has(group), 'the zone names the host'),
      back: ({ group }) => verdict(present.has(group), 'the zone does not name the host'),
    },
  };
}

function hostText(host: Name): string {
  return formatName(host).slice(0, -1).toLowerCase();
}

/** The policy that results from the present mode; undefined while there is none. */
function bodyFor(state: StsState, settings: StsSettings): StsPolicy | undefined {
  const fromZone = settings.isMxFromZone ? state.hosts.objects.map(({ group }) => group) : [];
  const mxPatterns = [...new Set([...fromZone, ...settings.mxPatterns])].toSorted();
  const { shortMaxAgeSeconds, maxAgeSeconds } = settings;
  switch (stsMode(state)) {
    case 'testing':
      return { mode: 'testing', maxAgeSeconds: shortMaxAgeSeconds, mxPatterns };
    case 'enforceShort':
      return { mode: 'enforce', maxAgeSeconds: shortMaxAgeSeconds, mxPatterns };
    case 'enforceLong':
      return { mode: 'enforce', maxAgeSeconds, mxPatterns };
    case 'none':
      return { mode: 'none', maxAgeSeconds: shortMaxAgeSeconds, mxPatterns: [] };
    default:
      return undefined;
  }
}

/** Puts the body that the present mode needs in the place of the served one, if it says something else. */
export function serveStsBody(before: StsState, settings: StsSettings, nowMs: number): StsState {
  const wanted = bodyFor(before, settings);
  const served = servedBody(before);
  const isServed = (policy: StsPolicy) => served && formatStsPolicy(served.data.policy) === formatStsPolicy(policy);
  if (wanted !== undefined && isServed(wanted)) return before;
  // Without a mail host there is no body to make; the one before stays.
  if (wanted !== undefined && wanted.mode !== 'none' && wanted.mxPatterns.length === 0) return before;
  let { bodies } = before;
  const leave = (object: StsBody, stage: string) => {
    const cause = { reason: 'another body is served', by: 'mail policy', nowMs };
    const done = order(STS_BODY_MACHINE, bodies, object.id, stage, cause);
    if (done.ok) bodies = done.value.state;
  };
  for (const each of bodies.objects) {
    if (each.stage === 'served') leave(each, 'skipped');
    if (each.stage === 'announced' && wanted === undefined) leave(each, 'superseded');
  }
  if (wanted === undefined) return withoutBody({ ...before, bodies });
  const version = before.lastVersion + 1;
  const data = { version, id: freshId(formatStsPolicy(wanted), bodies.objects), policy: wanted };
  const body = { id: `mta-sts-body-${version}`, group: 'body', stage: STS_BODY_MACHINE.first, data };
  const longest = Math.max(before.longestMaxAgeSeconds, wanted.mode === 'none' ? 0 : wanted.maxAgeSeconds);
  return { ...before, bodies: addObject(bodies, body, nowMs), lastVersion: version, longestMaxAgeSeconds: longest };
}

/** In a mode without body: no sender holds one any more, and bodies that were never announced are forgotten. */
function withoutBody(state: StsState): StsState {
  const isOff = stsMode(state) === 'off';
  const bodies = forgetObjects(state.bodies, ({ stage }) => isOff && stage === 'skipped');
  return { ...state, bodies, longestMaxAgeSeconds: 0 };
}

/**
 * The id is the body's hash. A body that comes back while senders may hold something under its old id gets another one: who fetched
 * between two changes would otherwise hold the wrong body under the right id.
 */
function freshId(body: string, known: readonly StsBody[]): string {
  const hash = policyId(body);
  let id = hash;
  for (let count = 1; known.some((each) => each.data.id === id); count++) id = hash.slice(0, -4) + count.toString(36).padStart(4, '0');
  return id;
}

/** What the waits of the mode depend on. */
export function stsModeVocabulary(state: StsState, settings: StsSettings, ttls: TtlMemory): Vocabulary<NoData> {
  const isWanted = settings.mode === 'testing' || settings.mode === 'enforce';
  const hasHosts = settings.mxPatterns.length > 0 || (settings.isMxFromZone && state.hosts.objects.length > 0);
  const wish = `the policy wants ${settings.mode}`;
  return {
    durations: {
      stsTtl: cacheMs(ttls, 'mtaSts'),
      testingFor: () => settings.testingForMs,
      shortFor: () => settings.shortForMs,
      longestMaxAge: () => state.longestMaxAgeSeconds * 1000,
    },
    conditions: {
      wanted: () => verdict(isWanted && hasHosts, hasHosts ? wish : 'the zone names no host that takes mail'),
      unwanted: () => verdict(!isWanted, wish),
      'enforce-wanted': () => verdict(settings.mode === 'enforce', wish),
      'testing-wanted': () => verdict(settings.mode === 'testing', wish),
      unknown: () =>
        verdict(
          state.bodies.objects.every(({ stage }) => stage === 'served' || stage === 'skipped'),
          'bodies were announced',
        ),
      announced: ({ stage }) => announcedVerdict(state, stage, settings),
    },
  };
}

function announcedVerdict(state: StsState, stage: string, { maxAgeSeconds }: StsSettings) {
  const announced = announcedBody(state);
  const mode = { testing: 'testing', enforceShort: 'enforce', enforceLong: 'enforce', none: 'none' }[stage];
  const isIt =
    announced !== undefined &&
    announced.data.policy.mode === mode &&
    (stage !== 'enforceLong' || announced.data.policy.maxAgeSeconds === maxAgeSeconds);
  return verdict(isIt, announced === undefined ? 'no id is announced' : `the id announced is of mode ${announced.data.policy.mode}`);
}

/** What the waits of policy bodies depend on. `host`: whether the policy host can give out what it serves. */
export function stsBodyVocabulary(ttls: TtlMemory, { places }: Facts, host: ConditionVerdict): Vocabulary<StsBodyData> {
  return {
    durations: { stsTtl: cacheMs(ttls, 'mtaSts'), ownMaxAge: ({ data }) => data.policy.maxAgeSeconds * 1000 },
    conditions: {
      'policy-host': () => host,
      probed: () => verdict(places['probes']!.length > 0, 'no probe outside looks'),
      'newer-announced': ({ data: { version } }, { objects }) =>
        verdict(
          objects.some((each) => each.data.version > version && each.stage !== 'served' && each.stage !== 'skipped'),
          'the newest body is not announced yet',
        ),
    },
  };
}

/** What a look at a body should show: itself from outside, or its id at no name server any more. */
export function stsBodyExpectation(state: StsState, check: WantedCheck, domain: Name): Expectation | undefined {
  const data = findObject(state.bodies, check.object)?.data;
  if (data === undefined) return undefined;
  const { id } = data;
  if (check.what === 'id-gone') return expectRecord('no-record', stsRecordOwner(domain), TYPE.TXT, formatStsRecord({ id }));
  const host = stsHost(domain);
  if (!host.ok) return undefined;
  const url = `https://${formatName(host.value).slice(0, -1)}/.well-known/mta-sts.txt`;
  return { kind: 'body', url, id: policyId(formatStsPolicy(data.policy)) };
}

/** What name servers should not show any more of a host that leaves. */
export function stsHostExpectation({ hosts }: StsState, object: string, domain: Name): Expectation | undefined {
  const host = findObject(hosts, object);
  return host && expectRecord('no-record', ok(domain), TYPE.MX, `${host.group}.`);
}

/** Bodies that senders may act on: what is served, and what was, until no cache can hold the id it was known under. */
function effectiveBodies({ bodies }: StsState): StsBody[] {
  return bodies.objects.filter(({ stage }) => stage !== 'outdated' && stage !== 'forgotten');
}

/**
 * What speaks against mail going to `mxHosts` from now on: a host that an enforced policy which senders may hold does not allow. When
 * the newest body allows it already, waiting is enough. In mode testing nothing bounces.
 */
export function checkMxChange(state: StsState, mxHosts: readonly Name[]): Problem[] {
  const effective = effectiveBodies(state).filter(({ data: { policy } }) => policy.mode === 'enforce');
  const newest = servedBody(state);
  return mxHosts.flatMap((host): Problem[] => {
    const against = effective.filter(({ data: { policy } }) => !isMxCovered(policy, host));
    if (against.length === 0) return [];
    const isComing = newest !== undefined && isMxCovered(newest.data.policy, host);
    const fix = isComing
      ? `wait until ${against.map(({ id }) => id).join(' and ')} is outdated; why and how long: waxseal mail status`
      : `add ${JSON.stringify(hostText(host))} to mtaSts.mx of the mail policy first, then change the MX when this check lets you`;
    return [
      problem(
        'MAIL_STS_MX',
        atRrset(hostText(host), 'MX'),
        `senders hold an MTA-STS policy in mode enforce without ${hostText(host)}, and would not deliver there`,
        {
          rfc: 'RFC 8461 §8.1',
          fix,
        },
      ),
    ];
  });
}
