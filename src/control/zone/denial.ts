/**
 * From NSEC to NSEC3 and back: what the switch of a zone changes, and what stands against it.
 * Implements: RFC 5155 §3 (which zones can have NSEC3), §10.4 and §10.5 (the switch), RFC 9276 §3.1 (no iterations, no
 * salt, no opt-out: there is nothing else to choose).
 * Not here: the records (dnssec/plan-nsec3.ts).
 *
 * Why one transaction is enough: each answer is made from one state of the store, so it proves by one kind alone, and
 * whatever a cache holds of the other kind stays true until its TTL is over, as every negative answer does. What both
 * kinds need does not change: keys, DS, other signatures. RFC 5155 §10.4 has steps because its signer publishes a zone
 * while it is being made.
 */
import { ZONEMD_NODES_MAX } from '#base/limits/dnssec.ts';
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { HASHED_APEX_BYTES_MAX } from '#dns/nsec3.ts';
import { TYPE } from '#dns/types.ts';
import { type CommandOf, type ServedZone } from '#control/commands/table.ts';
import { type Decision } from '#control/commands/decision.ts';
import { zonemdTooLarge } from '#dnssec/plan-zonemd.ts';
import { soaMinimum } from '#zone/changeset.ts';
import { rrsetOf } from '#zone/view.ts';

export function switchDenial({ record, view }: ServedZone, { denial }: CommandOf<'zone.denial'>): Result<Decision> {
  const { name, dnssec } = record;
  if (dnssec === 'off') {
    const why = `${name} is not signed: it proves nothing; nothing was changed`;
    return fail(problem('DNSSEC_OFF', atZone(name), why, { fix: `waxseal dnssec enable ${name}` }));
  }
  const tooLong = denial === 'nsec3' ? longApex(name, view.apex) : undefined;
  if (tooLong !== undefined) return fail(tooLong);
  const isSame = (record.denial ?? 'nsec') === denial;
  return ok({
    zone: name,
    parts: isSame ? [] : [{ record, view, changes: [], denial }],
    detail: `${denial.toUpperCase()} proves what is not there`,
    plan: isSame ? [] : [planLine(denial, view)],
    isChanged: false,
  });
}

/** RFC 8976 §3: a digest from the next serial on, or none. */
export function setZonemd({ record, view }: ServedZone, { zonemd }: CommandOf<'zone.zonemd'>): Result<Decision> {
  const { name, dnssec, nodeCount } = record;
  if (dnssec === 'off') {
    const why = `${name} is not signed, and a digest without a signature proves nothing; nothing was changed`;
    return fail(
      problem('DNSSEC_OFF', atZone(name), why, { rfc: 'RFC 8976 §6.2', fix: `waxseal dnssec enable ${name}` }),
    );
  }
  if (zonemd !== 'off' && nodeCount > ZONEMD_NODES_MAX) return fail(zonemdTooLarge(name, nodeCount));
  const isSame = (record.zonemd ?? 'off') === zonemd;
  return ok({
    zone: name,
    parts: isSame ? [] : [{ record, view, changes: [], zonemd }],
    detail: `ZONEMD ${zonemd}`,
    isChanged: false,
  });
}

/** What stands against the kind of denial that a new zone, or an import, is asked to have; undefined: nothing. */
export function denialProblem(
  command: CommandOf<'zone.create' | 'zone.import'>,
  record: ServedZone['record'] | undefined,
): Problem | undefined {
  const { zone, denial } = command;
  if (denial === undefined) return undefined;
  const name = formatName(zone);
  if (command.kind === 'zone.import' && command.presigned === true) {
    const why = `${name} is pre-signed: its file proves what is not there, by NSEC or NSEC3; nothing was changed`;
    return problem('ZONE_PRESIGNED', atZone(name), why, { fix: 'leave out --denial' });
  }
  const isSigned = record === undefined ? command.dnssec : record.dnssec === 'on';
  if (!isSigned) {
    const why = `${name} is not to be signed: it proves nothing; nothing was changed`;
    return problem('DNSSEC_OFF', atZone(name), why, { fix: 'leave out --denial, or have it signed' });
  }
  const now = record?.denial ?? 'nsec';
  if (record !== undefined && now !== denial) {
    const why = `${name} is there, with ${now.toUpperCase()}, and an import changes records alone; nothing was changed`;
    return problem('ZONE_EXISTS', atZone(name), why, {
      fix: `leave out --denial; to switch: waxseal dnssec set ${name} --denial ${denial}`,
    });
  }
  return denial === 'nsec3' ? longApex(name, zone) : undefined;
}

/** Why the zone cannot have NSEC3; undefined: it can. */
export function longApex(zone: string, apex: Name): Problem | undefined {
  if (apex.length <= HASHED_APEX_BYTES_MAX) return undefined;
  const why =
    `${zone} has ${apex.length} octets, and before them NSEC3 puts a label of 33: ` +
    `no name has more than 255, so NSEC3 is for zones of up to ${HASHED_APEX_BYTES_MAX}; nothing was changed`;
  return problem('NSEC3_APEX', atZone(zone), why, { rfc: 'RFC 5155 §3', fix: 'leave the zone with NSEC' });
}

function planLine(denial: CommandOf<'zone.denial'>['denial'], view: ServedZone['view']): string {
  const soa = rrsetOf(view.node(view.apexKey), TYPE.SOA);
  const seconds = soa === undefined ? 0 : Math.min(soa.ttl, soaMinimum(soa.rdatas[0]!));
  const [now, before] = denial === 'nsec3' ? ['NSEC3', 'NSEC'] : ['NSEC', 'NSEC3'];
  const held = `caches may hold proofs by ${before} for ${seconds} seconds more, which stay valid`;
  return `every answer proves by ${now} at once; ${held}`;
}
