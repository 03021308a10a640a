/**
 * Records that others put there: a name server with the serial of the zone here has other records than it.
 * Implements: RFC 1034 §4.3.5 (a serial stands for one content of a zone).
 * Not here: name servers that are not ours (delegation.ts), DS records (dnssec.ts).
 */
import { soaSerial } from '#zone/changeset.ts';
import { isNewer } from '#dns/serial.ts';
import { equalNames, formatName } from '#dns/name.ts';
import { canonicalRdata, formatRdata, typeName } from '#dns/registry.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type DoctorFacts, type RrsetFacts, type ServedFacts, type ServedReply } from './facts.ts';
import { bare, failed, orPassed, passed, untested } from './results.ts';

export function judgeDrift({ meant, served }: Pick<DoctorFacts, 'meant' | 'served'>): CheckResult[] {
  const zone = formatName(meant.zone);
  const found: CheckResult[] = [];
  const compared = { servers: 0, rrsets: 0 };
  for (const server of served) {
    // What a server with another serial has is not known here; that it is behind is another finding (delegation.ts).
    if (serialOf(server, meant.zone) !== meant.serial) continue;
    const known = server.rrsets.flatMap((reply, at) => differenceOf(meant.rrsets[at]!, reply) ?? []);
    compared.servers += known.length > 0 ? 1 : 0;
    compared.rrsets += known.length;
    const subject = `${server.host} ${server.ip}`;
    found.push(
      ...known.filter((text) => text !== '').map((text) => failed('record-not-ours', subject, text, fixOf(zone))),
    );
  }
  // It changed during the look: what a server had is of one version or the other.
  const isChanging = meant.otherSerials.some((each) => isNewer(each, meant.serial));
  if (isChanging && found.length > 0) {
    const text = 'the zone changed during the check, so records were not compared';
    return [untested('record-not-ours', zone, text, `ask again: waxseal check ${bare(zone)}`)];
  }
  // Name servers that cannot be compared are named where they are judged.
  if (compared.servers === 0) {
    const text = 'no name server with the serial of the zone here could be compared';
    return [untested('record-not-ours', zone, text, `waxseal secondary list ${bare(zone)}`)];
  }
  const more = meant.isCut ? ', of the first of them' : '';
  const text = `${compared.rrsets} RRsets at ${compared.servers} name servers are those of the zone here${more}`;
  return orPassed(found, () => passed('record-not-ours', zone, text));
}

function fixOf(zone: string): string {
  return `find out who changed it there, and transfer the zone anew: waxseal secondary list ${bare(zone)}`;
}

function serialOf({ soa }: ServedFacts, zone: Uint8Array): number | undefined {
  if ('failure' in soa) return undefined;
  const found = soa.records.find(({ section, owner, type }) => {
    return section === 'answer' && type === TYPE.SOA && equalNames(owner, zone);
  });
  return found === undefined ? undefined : soaSerial(found.rdata);
}

/** What is other there; empty: nothing. Undefined: that is not known. */
function differenceOf({ owner, type, rdatas }: RrsetFacts, reply: ServedReply): string | undefined {
  if ('failure' in reply) return undefined;
  if (reply.rcode !== RCODE.NOERROR && reply.rcode !== RCODE.NXDOMAIN) return undefined;
  const seen = reply.records
    .filter((each) => each.section === 'answer' && each.type === type && equalNames(each.owner, owner))
    .map(({ rdata }) => canonicalRdata(type, rdata));
  const [here, there] = [rdatas.map(hexOf), seen.map(hexOf)];
  if (here.toSorted().join() === there.toSorted().join()) return '';
  const strange = seen.filter((rdata) => !here.includes(hexOf(rdata)));
  const gone = rdatas.filter((rdata) => !there.includes(hexOf(rdata)));
  const text = (list: readonly Uint8Array[]) => list.map((rdata) => formatRdata(type, rdata)).join(' | ');
  const parts = [
    ...(strange.length === 0 ? [] : [`has ${text(strange)}`]),
    ...(gone.length === 0 ? [] : [`lacks ${text(gone)}`]),
  ];
  return `${formatName(owner)} ${typeName(type)} with the same serial ${parts.join(' and ')}`;
}

function hexOf(rdata: Uint8Array): string {
  return Buffer.from(rdata).toString('hex');
}
