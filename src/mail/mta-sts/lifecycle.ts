/**
 * MTA-STS of a domain over time: the mode, the bodies, which id is announced, and which MX changes senders can bear.
 * Implements: RFC 8461 §3.1 (id), §5.1 (senders look for a newer id before they give up), §8.1, §8.3.
 * Not here: serving the body (the policy host), the record's owner and TTL (mail/compile.ts).
 */
import { assert } from '#base/assert.ts';
import { atRrset } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { advance, type Advance, type LifecycleEvent, order } from '#lifecycle/engine.ts';
import { addObject, forgetObjects, type LifecycleObject, type LifecycleState, newLifecycle } from '#lifecycle/state.ts';
import { type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { type World } from '#lifecycle/waits.ts';
import { formatName, type Name } from '#dns/name.ts';
import { cacheMs, type MailFacts, mailWorld, verdict } from '#lifecycle/world.ts';
import { formatStsPolicy, isMxCovered, policyId, type StsPolicy } from './record.ts';
import { STS_BODY_MACHINE, STS_HOST_MACHINE, STS_MODE_MACHINE } from './machine.ts';
import { type StsSettings } from './settle.ts';

export interface StsBodyData {
  /** 1 is the first; a later body has a higher one, also when it says the same as one before. */
  readonly version: number;
  readonly id: string;
  readonly policy: StsPolicy;
}

export type StsBody = LifecycleObject<StsBodyData>;
export type StsModeLifecycle = LifecycleState<Readonly<Record<string, never>>>;

export type StsHosts = LifecycleState<Readonly<Record<string, never>>>;

export interface StsState {
  readonly mode: StsModeLifecycle;
  readonly bodies: LifecycleState<StsBodyData>;
  readonly lastVersion: number;
  /** Of all bodies but those of mode none, since MTA-STS was last off. */
  readonly longestMaxAgeSeconds: number;
  /** Mail hosts that the zone names or named lately; the group is the host without final dot. */
  readonly hosts: StsHosts;
}

/** The mode's id among objects. */
export const STS_OBJECT = 'mta-sts';

export function newStsState(nowMs: number): StsState {
  const mode = addObject(
    newLifecycle<Readonly<Record<string, never>>>(),
    { id: STS_OBJECT, group: STS_OBJECT, stage: 'off', data: {} },
    nowMs,
  );
  return { mode, bodies: newLifecycle(), lastVersion: 0, longestMaxAgeSeconds: 0, hosts: newLifecycle() };
}

/** The machines, for tests that break them. */
export interface StsMachines {
  readonly mode: typeof STS_MODE_MACHINE;
  readonly body: typeof STS_BODY_MACHINE;
  readonly host: typeof STS_HOST_MACHINE;
}
const MACHINES: StsMachines = { mode: STS_MODE_MACHINE, body: STS_BODY_MACHINE, host: STS_HOST_MACHINE };

export function stsMode(state: StsState): string {
  return state.mode.objects[0]?.stage ?? 'off';
}

/** The body that the policy host serves; undefined: 404. */
export function servedBody(state: StsState): StsBody | undefined {
  return state.bodies.objects.findLast(({ stage }) => stage === 'served' || stage === 'announced');
}

/** The body whose id stands in the record; undefined: no record. */
export function announcedBody(state: StsState): StsBody | undefined {
  return state.bodies.objects.find(({ stage }) => stage === 'announced');
}

export type StsAdvance = Omit<Advance<StsBodyData>, 'state'> & { readonly state: StsState };

/** Far more than there are modes. */
const STS_ROUNDS_MAX = 32;

/** Everything due for MTA-STS at this moment. `mxHosts` are those of the zone. */
export function advanceSts(
  before: StsState,
  settings: StsSettings,
  mxHosts: readonly Name[],
  ttls: TtlMemory,
  facts: MailFacts,
  zone: string,
  machines: StsMachines = MACHINES,
): StsAdvance {
  const present = new Set(mxHosts.map(hostText));
  const hosts = advance(machines.host, addHosts(before.hosts, present, facts.nowMs), stsHostWorld(present, ttls, facts, zone));
  let state: StsState = { ...before, hosts: forgetObjects(hosts.state, ({ stage }) => stage === 'gone') };
  const events: LifecycleEvent[] = [...hosts.events];
  // A body that is announced may be what the mode waits for, and a new mode makes a new body; each mode is entered once at most.
  for (let round = 0; ; round++) {
    assert(round < STS_ROUNDS_MAX, 'MTA-STS goes round without waits');
    const mode = advance(machines.mode, state.mode, stsModeWorld(state, settings, ttls, facts, zone));
    state = serve({ ...state, mode: mode.state }, bodyFor({ ...state, mode: mode.state }, settings), facts, machines);
    const bodies = advance(machines.body, state.bodies, stsBodyWorld(ttls, facts, zone));
    state = { ...state, bodies: bodies.state };
    events.push(...mode.events, ...bodies.events);
    if (mode.events.length + bodies.events.length > 0) continue;
    const current = stsMode(state);
    const isGone = ({ stage }: StsBody) => stage === 'forgotten' || (current === 'off' && stage === 'skipped');
    state = { ...state, bodies: forgetObjects(state.bodies, isGone) };
    if (current === 'removed' || current === 'off') state = { ...state, longestMaxAgeSeconds: 0 };
    return {
      state,
      events,
      checks: [...mode.checks, ...bodies.checks, ...hosts.checks],
      ...nextOf(mode.nextDueMs, bodies.nextDueMs, hosts.nextDueMs),
    };
  }
}

function nextOf(...times: readonly (number | undefined)[]): { readonly nextDueMs?: number } {
  const known = times.filter((each) => each !== undefined);
  return known.length === 0 ? {} : { nextDueMs: Math.min(...known) };
}

function addHosts(hosts: StsHosts, present: ReadonlySet<string>, nowMs: number): StsHosts {
  const known = new Set(hosts.objects.map(({ group }) => group));
  const added = [...present].filter((host) => !known.has(host));
  return added.reduce(
    (state, host) => addObject(state, { id: `mx-${host}`, group: host, stage: STS_HOST_MACHINE.first, data: {} }, nowMs),
    hosts,
  );
}

export function stsHostWorld(
  present: ReadonlySet<string>,
  ttls: TtlMemory,
  facts: MailFacts,
  zone: string,
): World<Readonly<Record<string, never>>> {
  return mailWorld(facts, zone, {
    durations: { mxTtl: cacheMs(ttls, 'mx') },
    places: { servers: () => facts.servers },
    conditions: {
      missed: ({ group }) => verdict(!present.has(group), 'the zone names the host'),
      back: ({ group }) => verdict(present.has(group), 'the zone does not name the host'),
    },
  });
}

function hostText(host: Name): string {
  return formatName(host).slice(0, -1).toLowerCase();
}

/** The policy that the present mode comes to; undefined while there is none. */
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

/** Puts `wanted` in the place of the served body, if it says something else. */
function serve(state: StsState, wanted: StsPolicy | undefined, { nowMs }: MailFacts, { body: machine }: StsMachines): StsState {
  const served = servedBody(state);
  if (wanted !== undefined && served !== undefined && formatStsPolicy(served.data.policy) === formatStsPolicy(wanted)) return state;
  // Without a mail host there is no body to make; the one before stays.
  if (wanted !== undefined && wanted.mode !== 'none' && wanted.mxPatterns.length === 0) return state;
  let { bodies } = state;
  const leave = (object: StsBody, stage: string) => {
    const done = order(machine, bodies, object.id, stage, { reason: 'another body is served', by: 'mail policy', nowMs });
    if (done.ok) bodies = done.value.state;
  };
  for (const each of bodies.objects) {
    if (each.stage === 'served') leave(each, 'skipped');
    if (each.stage === 'announced' && wanted === undefined) leave(each, 'superseded');
  }
  if (wanted === undefined) return { ...state, bodies };
  const version = state.lastVersion + 1;
  const id = freshId(formatStsPolicy(wanted), bodies.objects);
  bodies = addObject(
    bodies,
    { id: `mta-sts-body-${version}`, group: 'body', stage: machine.first, data: { version, id, policy: wanted } },
    nowMs,
  );
  const longest = wanted.mode === 'none' ? 0 : wanted.maxAgeSeconds;
  return { ...state, bodies, lastVersion: version, longestMaxAgeSeconds: Math.max(state.longestMaxAgeSeconds, longest) };
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

export function stsModeWorld(
  state: StsState,
  settings: StsSettings,
  ttls: TtlMemory,
  facts: MailFacts,
  zone: string,
): World<Readonly<Record<string, never>>> {
  const isWanted = settings.mode === 'testing' || settings.mode === 'enforce';
  const hasHosts = settings.mxPatterns.length > 0 || (settings.isMxFromZone && state.hosts.objects.length > 0);
  const wish = `the policy wants ${settings.mode}`;
  return mailWorld(facts, zone, {
    durations: {
      stsTtl: cacheMs(ttls, 'mtaSts'),
      testingFor: () => settings.testingForMs,
      shortFor: () => settings.shortForMs,
      longestMaxAge: () => state.longestMaxAgeSeconds * 1000,
    },
    places: { tlsReports: () => facts.tlsReports },
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
  });
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

export function stsBodyWorld(ttls: TtlMemory, facts: MailFacts, zone: string): World<StsBodyData> {
  return mailWorld(facts, zone, {
    durations: { stsTtl: cacheMs(ttls, 'mtaSts'), ownMaxAge: ({ data }) => data.policy.maxAgeSeconds * 1000 },
    places: { probes: () => facts.probes, servers: () => facts.servers },
    conditions: {
      probed: () => verdict(facts.probes.length > 0, 'nobody outside looks'),
      'newer-announced': ({ data: { version } }, { objects }) =>
        verdict(
          objects.some((each) => each.data.version > version && each.stage !== 'served' && each.stage !== 'skipped'),
          'the newest body is not announced yet',
        ),
    },
  });
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
