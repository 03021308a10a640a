/**
 * What the answer of a recursive server says, of every type, and for how long.
 * Implements: RFC 1034 §4.3.2 and RFC 2308 §5 (what an answer with aliases means, and its TTL).
 * Not here: asking (outside-resolver.ts, dot-resolver.ts).
 */
import { readU16 } from '#base/bytes.ts';
import { ALIASES_MAX } from '#base/limits/outside.ts';
import { type Name, equalNames } from '#dns/name.ts';
import { readReply, rcodeName } from '#dns/reply.ts';
import { type SectionRecord, readSections } from '#dns/reply-sections.ts';
import { type ResolverAnswer } from '#dns/resolver.ts';
import { RCODE, TYPE, type RrType } from '#dns/types.ts';
import { soaMinimum } from '#zone/changeset.ts';

/** What a recursive server's answer to this question says. */
export function readAnswer(octets: Uint8Array, name: Name, type: RrType): ResolverAnswer {
  const reply = readReply(octets, readU16(octets, 0), name, type);
  const records = readSections(octets);
  if (reply === undefined || records === undefined) return { kind: 'servfail', reason: 'the answer is malformed' };
  if (reply.rcode !== RCODE.NOERROR && reply.rcode !== RCODE.NXDOMAIN)
    return { kind: 'servfail', reason: `the name server says ${rcodeName(reply.rcode)}` };
  const answers = records.filter(({ section }) => section === 'answer');
  const of = (owner: Name, wanted: RrType): SectionRecord[] =>
    answers.filter((each) => each.type === wanted && equalNames(each.owner, owner));
  const ttls: number[] = [];
  let owner = name;
  for (let aliases = 0; aliases <= ALIASES_MAX; aliases++) {
    const found = of(owner, type);
    ttls.push(...found.map(({ ttl }) => ttl));
    // Copies: a message is not kept for one record of it.
    const rdatas = found.map(({ rdata }) => new Uint8Array(rdata));
    if (rdatas.length > 0) return { kind: 'answer', rdatas, ttlSeconds: Math.min(...ttls) };
    const [alias] = of(owner, TYPE.CNAME);
    if (alias === undefined) {
      const kind = reply.rcode === RCODE.NXDOMAIN ? 'nxdomain' : 'nodata';
      const negative = negativeTtl(records);
      return negative === undefined ? { kind } : { kind, ttlSeconds: Math.min(negative, ...ttls) };
    }
    ttls.push(alias.ttl);
    owner = alias.rdata;
  }
  return { kind: 'servfail', reason: `the answer has more than ${ALIASES_MAX} aliases` };
}

/** RFC 2308 §5: the lesser of the SOA's TTL and MINIMUM. */
function negativeTtl(records: readonly SectionRecord[]): number | undefined {
  const soa = records.find(({ section, type }) => section === 'authority' && type === TYPE.SOA);
  return soa === undefined ? undefined : Math.min(soa.ttl, soaMinimum(soa.rdata));
}
