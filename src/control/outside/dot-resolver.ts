/**
 * The world's DNS through recursive servers that are asked over TLS, and never otherwise: the first that gives an
 * answer, with the TTLs that it gives. Of every type.
 * Implements: RFC 1034 §4.3.2 and RFC 2308 §5 (what an answer with aliases means, and for how long), RFC 8310 §5.
 * Not here: connections (dot-connection.ts), servers that are asked in the clear (outside-resolver.ts).
 */
import { type DotServer } from '#config/dot-server.ts';
import { readU16 } from '#base/bytes.ts';
import { ALIASES_MAX } from '#base/limits/outside.ts';
import { type Name, equalNames, lowerName } from '#dns/name.ts';
import { readReply, rcodeName } from '#dns/reply.ts';
import { type SectionRecord, readSections } from '#dns/reply-sections.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { RCODE, TYPE, type RrType } from '#dns/types.ts';
import { soaMinimum } from '#zone/changeset.ts';
import { DotConnection } from './dot-connection.ts';

export interface DotResolver extends Resolver {
  /** Ends its connections. */
  stop(): void;
}

/** `extraRoots`: PEM of roots that are trusted beside the usual ones. */
export function dotResolver(servers: readonly DotServer[], extraRoots?: string): DotResolver {
  const connections = servers.map((server) => new DotConnection(server, extraRoots));
  return {
    async lookup(name, type) {
      const wanted = lowerName(name);
      let last: ResolverAnswer = { kind: 'timeout', reason: 'there is no server to ask' };
      for (const connection of connections) {
        let reply = await connection.ask(wanted, type);
        // RFC 7766 §6.2.4: it may have been closed while the question was on its way.
        if ('failure' in reply && reply.isClosed === true) reply = await connection.ask(wanted, type);
        if ('octets' in reply) {
          last = readAnswer(reply.octets, wanted, type);
          if (last.kind !== 'servfail') return last;
        } else last = { kind: 'timeout', reason: `${connection.text} ${reply.failure}` };
      }
      return last;
    },
    stop: () => connections.forEach((each) => each.close()),
  };
}

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
    if (found.length > 0)
      return { kind: 'answer', rdatas: found.map(({ rdata }) => rdata), ttlSeconds: Math.min(...ttls) };
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
