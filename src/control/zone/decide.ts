/**
 * What a command comes to: the RRsets that change, what happens to signing, and every problem at once. Pure; the serial writer
 * (control/control.ts) plans, signs and commits what is decided here.
 * Not here: RRset operations (rrset-operations.ts), importing a zone file (import.ts).
 */
import { unreachable } from '#base/assert.ts';
import { atZone, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, placeAt, problem } from '#base/problem.ts';
import { placeOfRrset } from '#dns/place.ts';
import { type Name, ROOT, formatName, ownerKey, parseName } from '#dns/name.ts';
import { parseRdataText } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { type RrsetChange } from '#dnssec/plan.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type Changeset, revertChanges } from '#zone/changeset.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { checkChanges } from './change-rules.ts';
import { type ZoneCommand } from '#control/api/control.ts';
import { decideOperations } from './rrset-operations.ts';
import { importChanges } from './import.ts';

/** A zone as it is before the command. */
export interface ZoneState {
  readonly record: ZoneRecord;
  readonly view: ZoneView;
}

export interface Decision {
  readonly kind: 'create' | 'change' | 'remove';
  readonly changes: readonly RrsetChange[];
  /** Whether the zone is signed afterwards. */
  readonly signed: boolean;
  /** One line for the audit log. */
  readonly detail: string;
  readonly warnings: readonly Problem[];
}

/** Decides `command` on the zone it names; `changesetOf` finds a journal entry by the serial it made. */
export function decide(
  command: ZoneCommand,
  state: ZoneState | undefined,
  emptyView: ZoneView,
  changesetOf: (serial: number) => Changeset | undefined,
): Result<Decision> {
  const name = formatName(command.zone);
  switch (command.kind) {
    case 'zone.create':
      if (state !== undefined)
        return fail(
          problem('ZONE_EXISTS', atZone(name), `the zone ${name} is served already`, {
            fix: 'to replace its records: waxseal zone import',
          }),
        );
      return createZone(command.zone, emptyView, command.dnssec, command.nameservers, command.contact);
    case 'zone.import': {
      const imported = importChanges(
        state?.view ?? emptyView,
        command,
        state === undefined ? command.dnssec : state.record.dnssec === 'on',
      );
      if (!imported.ok) return imported;
      const kind = state === undefined ? 'create' : 'change';
      const signed = state === undefined ? command.dnssec : state.record.dnssec === 'on';
      return ok({ kind, changes: imported.value, signed, detail: `zone file ${command.file}`, warnings: imported.warnings });
    }
    default:
  }
  if (state === undefined) return fail(zoneNotServed(command.zone));
  const { record, view } = state;
  const signed = record.dnssec === 'on';
  switch (command.kind) {
    case 'zone.remove':
      return ok({ kind: 'remove', changes: [], signed, detail: `zone with serial ${record.serial}`, warnings: [] });
    case 'rrsets.change': {
      const decided = decideOperations(view, command.operations, signed);
      if (!decided.ok) return decided;
      const detail = command.operations.map(({ op, name: owner, type }) => `${op} ${owner} ${type}`).join(', ');
      return checked(view, decided.value, signed, detail, decided.warnings);
    }
    case 'zone.revert': {
      const changeset = changesetOf(command.serial);
      if (changeset === undefined)
        return fail(
          problem('CHANGE_NOT_FOUND', atZone(name), `the journal of ${name} has no changeset that made serial ${command.serial}`, {
            fix: 'list them: GET /v1/zones/{zone}/changes',
          }),
        );
      const reverted = revertChanges(view, changeset);
      const kept = reverted.ok
        ? reverted.value.filter(({ owner, type }) => rrsetOf(view.node(ownerKey(owner)), type)?.manager === 'mail')
        : [];
      if (kept.length > 0)
        return fail(
          ...kept.map(({ owner, type }) =>
            problem('RRSET_MANAGED', placeOfRrset(owner, type), 'undoing this change would undo what the mail policy keeps', {
              fix: 'apply the policy that should hold',
            }),
          ),
        );
      return reverted.ok ? checked(view, reverted.value, signed, `revert of serial ${command.serial}`, reverted.warnings) : reverted;
    }
    case 'zone.dnssec':
      if (signed && !command.dnssec && command.force !== true)
        return fail(
          problem(
            'DNSSEC_DS_PRESENT',
            atZone(name),
            `signing of ${name} is not turned off: while the parent has a DS record for it, validating resolvers would take the unsigned zone for a forgery. Nothing was changed`,
            {
              fix: `remove the DS at your registrar, wait for its TTL, then: waxseal dnssec disable ${name} --force`,
              rfc: 'RFC 6781 §4.4.1',
            },
          ),
        );
      return ok({
        kind: 'change',
        changes: [],
        signed: command.dnssec,
        detail: command.dnssec ? 'signing on' : 'signing off',
        warnings: [],
      });
    default:
      return unreachable(command);
  }
}

export function zoneNotServed(zone: Name): Problem {
  const name = formatName(zone);
  return problem('ZONE_NOT_FOUND', atZone(name), `the zone ${name} is not served here`, { fix: 'list the zones: waxseal zone list' });
}

/** A decision whose changes keep the zone's rules, or what is wrong with it. */
function checked(
  view: ZoneView,
  changes: readonly RrsetChange[],
  signed: boolean,
  detail: string,
  before: readonly Problem[],
): Result<Decision> {
  const problems = [...before, ...checkChanges(view, changes, signed)];
  if (hasErrors(problems)) return fail(...problems);
  return ok({ kind: 'change', changes, signed, detail, warnings: problems });
}

/** SOA and NS of a new zone: times after RFC 1912 §2.2, a negative TTL of 15 minutes so that a new DKIM selector is soon seen. */
function createZone(
  apex: Name,
  emptyView: ZoneView,
  signed: boolean,
  nameservers: readonly string[] | undefined,
  contact: string | undefined,
): Result<Decision> {
  const zone = formatName(apex);
  const suffix = zone === '.' ? '' : zone;
  const servers = nameservers ?? [`ns1.${suffix}`];
  const problems: Problem[] = [];
  for (const [index, server] of servers.entries()) {
    const parsed = parseName(server, server.endsWith('.') ? ROOT : apex);
    if (!parsed.ok) problems.push(...placeAt(parsed.problems, inBody(`/nameservers/${index}`)));
  }
  if (servers.length === 0)
    problems.push(problem('NS_MISSING', inBody('/nameservers'), 'a zone needs at least one name server', { rfc: 'RFC 1034 §4.2.1' }));
  if (problems.length > 0) return fail(...problems);
  const soa = parseRdataText(TYPE.SOA, `${servers[0]!} ${contact ?? `hostmaster.${suffix}`} 1 7200 900 1209600 900`, apex);
  if (!soa.ok) return fail(...placeAt(soa.problems, inBody('/contact')));
  const ns = servers.map((server) => parseRdataText(TYPE.NS, server, apex)).flatMap((each) => (each.ok ? [each.value] : []));
  const changes: RrsetChange[] = [
    { owner: apex, type: TYPE.SOA, rrset: { ttl: 3600, rdatas: [soa.value], manager: 'manual' } },
    { owner: apex, type: TYPE.NS, rrset: { ttl: 3600, rdatas: ns, manager: 'manual' } },
  ];
  const found = checkChanges(emptyView, changes, signed);
  return hasErrors(found) ? fail(...found) : ok({ kind: 'create', changes, signed, detail: 'new zone', warnings: found });
}
