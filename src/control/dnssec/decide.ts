/**
 * What each command about keys changes: a rollover begins, the policy is another, an order, time that went by. All of
 * them end in a step (steps.ts).
 * Not here: planning, signing and committing (control/funnel), signing on or off at once (control/zone/decide.ts).
 */
import { unreachable } from '#base/assert.ts';
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { ROOT } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { toSeconds } from '#base/clock.ts';
import { type KeyPolicy } from '#dnssec/key-policy.ts';
import { rrsigFields, secondsBetween } from '#dnssec/sign.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { ROLLOVER_LIVES } from '#dnssec/rollover/step.ts';
import { type RolloverState } from '#dnssec/rollover/state.ts';
import { askedRollover, replacingRollover, sharedProblem, stopsUnsigning } from '#dnssec/rollover/wanted.ts';
import { type LifecycleEvent, order } from '#lifecycle/engine.ts';
import { changeLives } from '#lifecycle/lives.ts';
import { readPolicy } from '#store/dnssec/policies.ts';
import { rolloverWrite } from '#store/dnssec/rollovers.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Actor } from '#control/api/control.ts';
import { type DnssecCommand } from '#control/api/dnssec.ts';
import { type LifecycleOrder } from '#control/api/lifecycle.ts';
import { zoneNotServed } from '#control/commands/absent.ts';
import { type Decision } from '#control/commands/decision.ts';
import {
  type CommandOf,
  type CommandTable,
  type Handler,
  type ServedZone,
  type ZoneContext,
} from '#control/commands/table.ts';
import { takeLifecycleOrder } from '#control/lifecycle/orders.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { type ParentServers, dsTtlOf } from './parent.ts';
import { changedPolicy, noPolicy } from './policy-change.ts';
import { type DnssecStepRequest, type DnssecSteps } from './steps.ts';
import { emergencyConsequences } from './emergency.ts';

export interface DnssecDecisionOptions {
  readonly writer: StoreWriter;
  readonly steps: DnssecSteps;
  readonly time: CountedTime;
  readonly parents: ParentServers;
}

type DnssecKind = DnssecCommand['kind'];
type OrderKind = 'dnssec.hold' | 'dnssec.resume' | 'dnssec.override';

/** The commands about keys, each with what decides it. */
export function dnssecHandlers(options: DnssecDecisionOptions): CommandTable<DnssecKind> {
  const { steps } = options;
  const ordered = {
    decide: onSigned<CommandOf<OrderKind>>((command, zone, { actor }) => obey(command, zone, actor, options)),
  };
  return {
    'dnssec.roll': afterLook(options, (command, zone, _context, seen) => roll(command, zone, seen, steps)),
    'dnssec.policy': afterLook(options, (command, zone, context, seen) =>
      takePolicy(command, zone, context, seen, options),
    ),
    'dnssec.leave': afterLook(options, (_command, zone, _context, seen) => leave(zone, seen, steps)),
    'dnssec.cancel': { decide: onSigned((command, zone, { actor }) => callOff(command, zone, actor, options)) },
    // To stop what goes wrong, the last space of the disk is used too.
    'dnssec.hold': { ...ordered, isUpkeep: true },
    'dnssec.resume': ordered,
    'dnssec.override': ordered,
    'dnssec.tick': { isUpkeep: true, decide: (command, context) => tick(command, context, steps) },
  };
}

type Deciding<C> = (command: C, zone: ServedZone, context: ZoneContext) => Result<Decision>;

/** For zones that have keys. */
function onSigned<C extends DnssecCommand>(decide: Deciding<C>) {
  return (command: C, context: ZoneContext): Result<Decision> => {
    const { served } = context;
    if (served === undefined) return fail(zoneNotServed(command.zone));
    const { name, dnssec } = served.record;
    if (dnssec === 'on') return decide(command, served, context);
    const why = `${name} is not signed: it has no keys; nothing was changed`;
    return fail(problem('DNSSEC_OFF', atZone(name), why, { fix: `waxseal dnssec enable ${name}` }));
  };
}

/** What a look at the parent before the command's turn showed: the TTL of the DS is only known before the DS changes. */
type Seen = Pick<DnssecStepRequest, 'dsTtlSeconds'>;

function afterLook<C extends DnssecCommand>(
  { writer, parents, steps }: DnssecDecisionOptions,
  decide: (command: C, zone: ServedZone, context: ZoneContext, seen: Seen) => Result<Decision>,
): Pick<Handler<C>, 'look' | 'decide'> {
  const withSeen = (seen: Seen) => onSigned<C>((command, zone, context) => decide(command, zone, context, seen));
  return {
    look: async (command) => {
      const record = writer.zoneByName(command.zone);
      const isSigned = record?.dnssec === 'on';
      const looks = isSigned ? await parents.look(command.zone, steps.policyOf(record).parentServers) : [];
      const ttl = dsTtlOf(looks);
      const decided = withSeen(ttl === undefined ? {} : { dsTtlSeconds: ttl });
      return ok((context: ZoneContext) => decided(command, context));
    },
    decide: withSeen({}),
  };
}

function roll(command: CommandOf<'dnssec.roll'>, zone: ServedZone, seen: Seen, steps: DnssecSteps): Result<Decision> {
  const { role, emergency: how } = command;
  const { record } = zone;
  const wanted = how === 'now' ? replacingRollover : askedRollover;
  const asked = wanted(steps.ground(record), role);
  if (!asked.ok) return asked;
  const what = `roll the ${role.toUpperCase()}`;
  const detail = how === undefined ? what : `${what}, which is compromised: ${how}`;
  const decision = steps.step(zone, { detail, begin: asked.value, ...seen });
  if (how === undefined) return ok(decision);
  const out = record.keys.filter(({ id }) => asked.value.out.includes(id));
  const consequences = emergencyConsequences({
    zone: record.name,
    how,
    out: out.map(({ keyTag }) => keyTag),
    roles: out.map((each) => each.role),
    ...steps.cachedNow(zone, seen.dsTtlSeconds),
    replayUntilMs: signedUntilMs(zone.view, steps.wallMs()),
    forecast: decision.forecast,
  });
  return ok({ ...decision, consequences });
}

/** When the last signature of the DNSKEY RRset ends. */
function signedUntilMs(view: ZoneView, nowMs: number): number {
  const signatures = rrsetOf(view.node(view.apexKey), TYPE.DNSKEY)?.signatures ?? [];
  const left = signatures.map((rrsig) => secondsBetween(toSeconds(nowMs), rrsigFields(rrsig).expiration));
  return nowMs + Math.max(0, ...left) * 1000;
}

function leave(zone: ServedZone, seen: Seen, steps: DnssecSteps): Result<Decision> {
  const stopped = stopsUnsigning(steps.ground(zone.record));
  if (stopped !== undefined) return fail(stopped);
  const begin = { kind: 'unsigning', out: [], in: [], reason: 'CDS and CDNSKEY ask for no DS' } as const;
  return ok(steps.step(zone, { detail: 'leave DNSSEC', begin, ...seen }));
}

function tick(command: CommandOf<'dnssec.tick'>, { served }: ZoneContext, steps: DnssecSteps): Result<Decision> {
  const { kind: _kind, zone, parentKeys, ...seen } = command;
  if (served === undefined) return fail(zoneNotServed(zone));
  const { record } = served;
  // Signing was turned off at once: there is nothing to roll.
  if (record.dnssec === 'off') return ok({ documents: [rolloverWrite(record.id, null)], isChanged: true });
  const stored = steps.stored(record);
  const state = parentKeys === undefined ? stored : { ...stored, parentKeys };
  return ok(steps.step(served, { detail: 'due', isQuiet: true, state, ...seen }));
}

// --- policy ---

function takePolicy(
  { policy: change, policyName }: CommandOf<'dnssec.policy'>,
  zone: ServedZone,
  { mayChange }: ZoneContext,
  seen: Seen,
  { steps, writer }: DnssecDecisionOptions,
): Result<Decision> {
  if (policyName !== undefined) {
    const policy = readPolicy(writer, policyName);
    if (policy === undefined) return fail(noPolicy(policyName));
    const shared = sharedAlgorithm(zone, policy);
    if (shared !== undefined) return fail(shared);
    return ok(steps.step(zone, { detail: `key policy ${policyName}`, policy, policyName, ...seen }));
  }
  const policy = changedPolicy(steps.policyOf(zone.record), change ?? {}, mayChange(ROOT));
  if (!policy.ok) return policy;
  const shared = sharedAlgorithm(zone, policy.value);
  if (shared !== undefined) return fail(shared);
  return ok(steps.step(zone, { detail: 'key policy', policy: policy.value, warnings: policy.warnings, ...seen }));
}

/** RFC 8901 §4: a zone that others sign too keeps its algorithm. */
function sharedAlgorithm({ record }: ServedZone, { algorithm }: KeyPolicy): Problem | undefined {
  const { name, keys, foreignKeys = [] } = record;
  const isOther = keys.some((each) => each.algorithm !== algorithm);
  return isOther ? sharedProblem({ zone: name, isShared: foreignKeys.length > 0 }, 'algorithm') : undefined;
}

// --- orders ---

function byOf({ kind, id }: Actor): string {
  return kind === 'socket' ? 'administrator' : `${kind} ${id}`;
}

function obey(
  command: CommandOf<OrderKind>,
  zone: ServedZone,
  actor: Actor,
  { steps, time }: DnssecDecisionOptions,
): Result<Decision> {
  const { nowMs } = time.read();
  const taken = takeLifecycleOrder(ROLLOVER_LIVES, steps.stored(zone.record), orderOf(command), {
    by: byOf(actor),
    nowMs,
  });
  if (!taken.ok) return taken;
  return ok({ ...steps.step(zone, { detail: taken.value.detail, state: taken.value.state }), isChanged: true });
}

function orderOf(command: CommandOf<OrderKind>): LifecycleOrder {
  switch (command.kind) {
    case 'dnssec.hold':
      return { ...command, kind: 'lifecycle.hold' };
    case 'dnssec.resume':
      return { ...command, kind: 'lifecycle.resume' };
    case 'dnssec.override':
      return { ...command, kind: 'lifecycle.override' };
    default:
      return unreachable(command);
  }
}

function callOff(
  { object, reason }: CommandOf<'dnssec.cancel'>,
  zone: ServedZone,
  actor: Actor,
  { steps, time }: DnssecDecisionOptions,
): Result<Decision> {
  const { nowMs } = time.read();
  const earlier: LifecycleEvent[] = [];
  const state: Result<RolloverState> = changeLives(
    ROLLOVER_LIVES,
    steps.stored(zone.record),
    object,
    (lifecycle, machine) => {
      const ordered = order(machine, lifecycle, object, 'cancelled', { reason, by: byOf(actor), nowMs });
      if (!ordered.ok) return ordered;
      earlier.push(...ordered.value.events);
      return ok(ordered.value.state);
    },
  );
  return state.ok
    ? ok({ ...steps.step(zone, { detail: `call off ${object}`, state: state.value, earlier }), isChanged: true })
    : state;
}
