/**
 * Whether a certificate may be ordered for a host: do resolvers outside find this server for its zone, and does CAA let
 * the CA issue?
 * Asked before the CA is, so that no order is made that cannot succeed.
 * Implements: RFC 8659 §3 (the climb to the relevant set).
 * Not here: what a set allows (certificate/caa.ts).
 */
import { atRrset, atZone } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { caaObjection, type CaaRequest } from '#certificate/caa.ts';
import { type Name, formatName, ownerKey, parentName, parseName } from '#dns/name.ts';
import { type Resolver, isTransient } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';

export interface Objection {
  readonly problem: Problem;
  /** `again`: it could not be found out now. */
  readonly what: 'again' | 'rejected';
}

type Objected = Objection | undefined;

/** Why the zone counts as not delegated to this server. `outside` asks the configured resolvers. */
export async function delegationObjection(view: ZoneView, host: string, outside: Resolver): Promise<Objected> {
  const zone = formatName(view.apex);
  const bare = zone.replace(/(?<=.)\.$/, '');
  const rejected = (why: string): Objection => ({
    what: 'rejected',
    problem: problem('ACME_DELEGATION', atZone(zone), why, {
      fix: `delegate the zone to its name servers; or order all the same: waxseal cert renew ${bare} ${host} --force`,
    }),
  });
  const [servers, soa] = await Promise.all([outside.lookup(view.apex, TYPE.NS), outside.lookup(view.apex, TYPE.SOA)]);
  for (const answer of [servers, soa])
    if (isTransient(answer)) {
      const why = `whether resolvers find this server for ${bare} is not known: ${answer.reason ?? answer.kind}`;
      return { what: 'again', problem: problem('ACME_DELEGATION', atZone(zone), why) };
    }
  if (servers.kind !== 'answer' || soa.kind !== 'answer') return rejected('resolvers outside do not find the zone');
  const apex = view.node(view.apexKey);
  const ours = new Set((rrsetOf(apex, TYPE.NS)?.rdatas ?? []).map(ownerKey));
  const seen = servers.rdatas.map((rdata) => formatName(rdata)).join(', ');
  if (!servers.rdatas.some((rdata) => ours.has(ownerKey(rdata))))
    return rejected(`resolvers outside find other name servers for the zone than it names here: ${seen}`);
  const primary = (rdata: Uint8Array | undefined) => rdata && ownerKey(nameAtStart(rdata));
  return primary(soa.rdatas[0]) === primary(rrsetOf(apex, TYPE.SOA)?.rdatas[0])
    ? undefined
    : rejected('resolvers outside find another zone of that name: its SOA names another primary');
}

/** The first name in the data of a SOA: its primary. */
function nameAtStart(rdata: Uint8Array): Name {
  let end = 0;
  while (end < rdata.length && rdata[end] !== 0) end += 1 + rdata[end]!;
  return rdata.subarray(0, end + 1);
}

/** Why CAA does not let the CA issue. `resolver` knows our zones from the store. */
export async function caaObjectionFor(host: string, request: CaaRequest, resolver: Resolver): Promise<Objected> {
  const name = parseName(`${host}.`);
  // RFC 8659 §3: from the host up, without the root; the first name that has CAA decides.
  for (let at = name.ok ? name.value : undefined; at !== undefined && at.length > 1; at = parentName(at)) {
    const owner = formatName(at);
    const answer = await resolver.lookup(at, TYPE.CAA);
    if (isTransient(answer)) {
      const why = `the CAA records cannot be looked up, and no CA issues then: ${answer.reason ?? answer.kind}`;
      return { what: 'again', problem: problem('ACME_CAA', atRrset(owner, 'CAA'), why, { rfc: 'RFC 8659 §3' }) };
    }
    if (answer.kind !== 'answer') continue;
    const objection = caaObjection(answer.rdatas, request);
    if (objection === undefined) return undefined;
    const [identity = 'the CA'] = request.identities;
    const fix = `add to ${owner} CAA: 0 issue "${identity}"`;
    const found = problem('ACME_CAA', atRrset(owner, 'CAA'), objection, { fix, rfc: 'RFC 8659 §4.2' });
    return { what: 'rejected', problem: found };
  }
  return undefined;
}
