/**
 * What NSD 4.6, Knot 3.2 and BIND 9.18 do in a way of their own, each with the RFC that leaves it open or that they miss, and why it is let pass.
 * `own` is the reply of the server the rule names, `other` that of the server it is compared with. A rule is as narrow as it can be said:
 * it explains a difference between two replies, it never says that the other reply is right. At least one peer must agree for that.
 */
import { type Comparison, type Peculiarity } from './differential.ts';
import { namesInZone } from './query-set.ts';
import { isBelowOrAt } from './reply-sections.ts';
import { type WireMessage } from './wire.ts';

/** Records of `part` all stand in `whole`, ignoring TTL. */
function isPartOf(part: WireMessage['answer'], whole: WireMessage['answer']): boolean {
  const known = new Set(whole.map((record) => `${record.owner} ${record.type} ${record.rdata}`));
  return part.every((record) => known.has(`${record.owner} ${record.type} ${record.rdata}`));
}

/** Where the alias chain of an answer section leads, and how many CNAMEs it takes. A loop ends where it closes. */
function chainEnd(message: WireMessage, from: string): { name: string; steps: number; loops: boolean } {
  const targets = new Map(message.answer.filter((record) => record.type === 'CNAME').map((record) => [record.owner, record.names[0]!]));
  const seen = new Set<string>();
  let name = from;
  while (targets.has(name)) {
    if (seen.has(name)) return { name, steps: seen.size, loops: true };
    seen.add(name);
    name = targets.get(name)!;
  }
  return { name, steps: seen.size, loops: false };
}

/** Apex of the deepest zone of the run at or above `name`. */
function zoneOf(name: string, apexes: ReadonlySet<string>): string | undefined {
  let best: string | undefined;
  for (const apex of apexes) if (isBelowOrAt(name, apex) && (best === undefined || apex.length > best.length)) best = apex;
  return best;
}

/** The chain of `own` leaves the zone of the question, for another zone of the run. */
function leavesZone({ own, questionName, apexes }: Comparison): boolean {
  const end = chainEnd(own, questionName);
  return end.steps > 0 && zoneOf(end.name, apexes) !== undefined && zoneOf(end.name, apexes) !== zoneOf(questionName, apexes);
}

const PROOFS: readonly string[] = ['NSEC', 'NSEC3', 'RRSIG'];

/** Authority sections are equal but for NSEC, NSEC3 and signatures. */
function isSameButProofs(own: WireMessage, other: WireMessage): boolean {
  const rest = (message: WireMessage) => message.authority.filter((record) => !PROOFS.includes(record.type));
  return isPartOf(rest(own), rest(other)) && isPartOf(rest(other), rest(own));
}

/** All that `own` lacks in authority are NSEC, NSEC3 and signatures. */
function lacksProofOnly(own: WireMessage, other: WireMessage): boolean {
  const known = new Set(own.authority.map((record) => `${record.owner} ${record.type} ${record.rdata}`));
  const missing = other.authority.filter((record) => !known.has(`${record.owner} ${record.type} ${record.rdata}`));
  return (
    isPartOf(own.authority, other.authority) &&
    missing.some((record) => record.type !== 'RRSIG') &&
    missing.every((record) => PROOFS.includes(record.type))
  );
}

const nothingMore = (message: WireMessage) => !message.authority.some((record) => record.type === 'SOA');

export const PECULIARITIES: readonly Peculiarity[] = [
  // --- left open by the RFCs: any server may do either ---
  {
    server: 'all',
    rule: 'optional addresses',
    rfc: 'RFC 1034 §4.3.2 step 6, RFC 1035 §3.3.9',
    why: 'addresses for MX, SRV, NS in the own zone and the like “may be useful”: who adds them and who leaves them out are both right; those both add must be equal',
    fields: ['extras'],
    applies: () => true,
  },
  {
    server: 'all',
    rule: 'one RRset for ANY',
    rfc: 'RFC 8482 §4.1',
    why: 'a responder chooses which RRset of the node it returns, or all; both must have data of the name itself',
    fields: ['answer', 'extras'],
    applies: ({ query, own, other, questionName }) => {
      if (query.shape.type !== 'ANY' || own.rcode !== other.rcode) return false;
      // Below a DNAME both must have walked the same way, then chosen at the same node.
      const way = (message: WireMessage) =>
        message.answer.filter((record) => record.type === 'CNAME' || (record.type === 'DNAME' && record.owner !== questionName));
      const chosen = (message: WireMessage) => message.answer.filter((record) => !way(message).includes(record));
      if (!isPartOf(way(own), way(other)) || !isPartOf(way(other), way(own))) return false;
      const [mine, yours] = [chosen(own), chosen(other)];
      return mine.length > 0 && yours.length > 0 && [...mine, ...yours].every((record) => record.owner === mine[0]!.owner);
    },
  },
  // --- aliases ---
  ...(['knot', 'bind'] as const).map((server): Peculiarity => ({
    server,
    rule: 'alias chain stops at the zone’s edge',
    rfc: 'RFC 1034 §4.3.2 step 3a, RFC 6604 §3',
    why: 'the resolver asks again for a target in another zone; following it here is allowed and what NSD does',
    fields: ['rcode', 'answer', 'authority', 'glue', 'additional', 'extras'],
    applies: (comparison) =>
      leavesZone(comparison) &&
      isPartOf(comparison.own.answer, comparison.other.answer) &&
      nothingMore(comparison.own) &&
      comparison.own.rcode === 'NOERROR',
  })),
  {
    server: 'bind',
    rule: 'SERVFAIL for an alias loop or a chain of more than eleven',
    rfc: 'RFC 1034 §3.6.2',
    why: 'CNAME loops are errors in the data; BIND says SERVFAIL with the chain, NSD and Knot NOERROR with the chain',
    fields: ['rcode', 'answer', 'authority', 'glue', 'additional', 'extras'],
    applies: ({ own, other, questionName }) => {
      const end = chainEnd(own, questionName);
      const grows = other.answer.some((record) => record.type === 'DNAME' && isBelowOrAt(record.names[0]!, record.owner));
      return (
        own.rcode === 'SERVFAIL' &&
        (end.loops || grows || end.steps >= 11) &&
        (isPartOf(own.answer, other.answer) || isPartOf(other.answer, own.answer))
      );
    },
  },
  {
    server: 'knot',
    rule: 'chain of five at most',
    rfc: 'RFC 1034 §4.3.2 step 3a',
    why: 'Knot gives up after five aliases and lets the resolver go on',
    fields: ['rcode', 'answer', 'authority', 'glue', 'additional', 'extras'],
    applies: ({ own, other, questionName }) =>
      own.rcode === 'NOERROR' && chainEnd(own, questionName).steps >= 5 && isPartOf(own.answer, other.answer) && nothingMore(own),
  },
  {
    server: 'all',
    rule: 'NSEC and RRSIG asked at an alias of an unsigned zone',
    rfc: 'RFC 1034 §3.6.2, RFC 4035 §2.5',
    why: 'NSEC and RRSIG live beside a CNAME in signed zones; in an unsigned one NSD follows the alias, Knot and BIND say NODATA',
    fields: ['rcode', 'answer', 'authority', 'glue', 'additional', 'extras'],
    applies: ({ query, own, other }) =>
      ['NSEC', 'RRSIG'].includes(query.shape.type) &&
      ![...own.answer, ...other.answer].some((record) => record.type === query.shape.type) &&
      [own, other].some((message) => message.answer.some((record) => record.type === 'CNAME')),
  },
  {
    server: 'waxseal',
    rule: 'chain of sixteen at most',
    rfc: 'RFC 1034 §4.3.2 step 3a, §3.6.2',
    why: 'ALIAS_STEPS_MAX: a longer chain is a mistake or an attack; the resolver may go on from where the answer ends',
    fields: ['rcode', 'answer', 'authority', 'glue', 'additional', 'extras'],
    applies: ({ own, other, questionName }) =>
      own.rcode === 'NOERROR' && chainEnd(own, questionName).steps >= 16 && isPartOf(own.answer, other.answer) && nothingMore(own),
  },
  {
    server: 'bind',
    rule: 'ANY below a DNAME ends at the synthesized CNAME',
    rfc: 'RFC 8482 §4.1, RFC 6672 §3.2',
    why: 'the synthesized CNAME is data of the name; NSD and Knot go on to the target',
    fields: ['rcode', 'answer', 'authority', 'glue', 'additional', 'extras'],
    applies: ({ query, own, other }) =>
      query.shape.type === 'ANY' &&
      own.answer.some((record) => record.type === 'DNAME') &&
      isPartOf(own.answer, other.answer) &&
      nothingMore(own),
  },
  {
    server: 'knot',
    rule: 'NXDOMAIN for a DNAME that makes the name too long',
    rfc: 'RFC 6672 §2.2',
    why: 'the rcode is YXDOMAIN; Knot 3.2 says NXDOMAIN with SOA',
    fields: ['rcode', 'authority'],
    applies: ({ own, other }) =>
      own.rcode === 'NXDOMAIN' && other.rcode === 'YXDOMAIN' && own.answer.some((record) => record.type === 'DNAME'),
  },
  {
    server: 'all',
    rule: 'a DNAME that grows its own name is followed differently far',
    rfc: 'RFC 6672 §3.2',
    why: 'x.g → x.g.g → … ends by the server’s limit, by a loop check or by YXDOMAIN; each is a mistake in the data',
    fields: ['rcode', 'answer', 'authority', 'additional', 'extras'],
    applies: ({ own, other }) =>
      own.answer.some((record) => record.type === 'DNAME' && isBelowOrAt(record.names[0]!, record.owner)) &&
      (isPartOf(own.answer, other.answer) || isPartOf(other.answer, own.answer)),
  },
  // --- delegations ---
  {
    server: 'all',
    rule: 'glue out of a wildcard below the cut',
    rfc: 'RFC 4592 §4.2, RFC 1034 §4.2.1',
    why: 'glue is what the zone file says about that name; NSD and Knot also expand an occluded wildcard for it, BIND does not',
    fields: ['glue', 'extras'],
    applies: ({ query, own, other }) => {
      const owners = new Set(namesInZone(query.zone.name, query.zone.text).owners.map((owner) => owner.toLowerCase()));
      const written = (message: WireMessage) => message.additional.filter((record) => owners.has(record.owner));
      return isPartOf(written(own), written(other)) && isPartOf(written(other), written(own));
    },
  },
  {
    server: 'nsd',
    rule: 'DS of a served zone that its served ancestor does not delegate',
    rfc: 'RFC 4035 §3.1.4.1',
    why: 'the ancestor has no such name: NXDOMAIN (Knot, BIND); NSD says NODATA with the ancestor’s SOA',
    fields: ['rcode', 'authority'],
    applies: ({ query, own, other, questionName, apexes }) =>
      query.shape.type === 'DS' && apexes.has(questionName) && own.rcode === 'NOERROR' && other.rcode === 'NXDOMAIN',
  },
  // --- DNSSEC ---
  {
    server: 'all',
    rule: 'one signature or all for RRSIG',
    rfc: 'RFC 8482 §4.1, RFC 4035 §3.1',
    why: 'RRSIG is asked as ANY is: nobody needs all signatures of a name; NSD gives all, Knot and BIND one',
    fields: ['answer', 'extras'],
    applies: ({ query, own, other }) => {
      if (query.shape.type !== 'RRSIG' || own.rcode !== other.rcode) return false;
      const signatures = [...own.answer, ...other.answer].filter((record) => record.type === 'RRSIG');
      return [own, other].every((message) => message.answer.length > 0) && signatures.length > 0;
    },
  },
  {
    server: 'bind',
    rule: 'NSEC asked at a cut is answered, not referred',
    rfc: 'RFC 4035 §2.6, §3.1.4.1',
    why: 'the parent owns NSEC at the cut, so both make sense; only for DS does the RFC ask for an answer instead of a referral',
    fields: ['flags', 'answer', 'authority', 'glue', 'extras', 'additional'],
    applies: ({ query, own, other, questionName }) =>
      query.shape.type === 'NSEC' &&
      own.answer.some((record) => record.type === 'NSEC' && record.owner === questionName) &&
      other.authority.some((record) => record.type === 'NS' && record.owner === questionName),
  },
  {
    server: 'nsd',
    rule: 'NSEC records after a DNAME prove too little or another name',
    rfc: 'RFC 4035 §3.1.3, RFC 6672 §5.3.3',
    why: 'what has to be proved is about the DNAME’s target, as Knot and BIND do; NSD 4.6 leaves out or mistakes the covering NSEC',
    fields: ['authority'],
    applies: ({ own, other }) =>
      own.rcode === other.rcode && own.answer.some((record) => record.type === 'DNAME') && isSameButProofs(own, other),
  },
  ...(['knot', 'bind'] as const).map((server): Peculiarity => ({
    server,
    rule: 'NODATA from a wildcard that is an empty non-terminal, without the NSEC that shows it',
    rfc: 'RFC 4035 §3.1.3.4, RFC 4592 §2.2.2',
    why: 'the NSEC whose next name is below the asterisk proves that the wildcard exists and has no data; NSD gives it',
    fields: ['authority'],
    applies: ({ own, other }) =>
      own.rcode === 'NOERROR' &&
      lacksProofOnly(own, other) &&
      other.authority.some((record) => record.type === 'NSEC' && record.names[0]!.includes('*.')),
  })),
  {
    server: 'knot',
    rule: 'no proof when NSEC, or a name that begins with an asterisk, is answered from a wildcard',
    rfc: 'RFC 4035 §3.1.3.3',
    why: 'Knot 3.2 takes the question’s name for the wildcard itself; NSD and BIND prove that it does not exist',
    fields: ['authority'],
    applies: ({ query, own, other, questionName }) =>
      (questionName.startsWith('*') || own.answer.some((record) => record.owner.startsWith('*')) || query.shape.type === 'NSEC') &&
      lacksProofOnly(own, other),
  },
  {
    server: 'nsd',
    rule: 'NODATA at a wildcard asked for by its own name, with an NSEC3 of its encloser too',
    rfc: 'RFC 5155 §7.2.3',
    why: 'the NSEC3 that matches the name is the proof, as Knot and BIND give it; NSD proves the encloser of every such name too',
    fields: ['authority'],
    applies: ({ own, other, questionName }) => {
      const owners = (message: WireMessage) => message.authority.filter(({ type }) => type === 'NSEC3').map(({ owner }) => owner);
      const more = owners(own).filter((owner) => !owners(other).includes(owner));
      const isKnown = owners(other).every((owner) => owners(own).includes(owner));
      return questionName.startsWith('*.') && own.rcode === 'NOERROR' && more.length === 1 && isKnown;
    },
  },
  {
    server: 'nsd',
    rule: 'NSEC3 asked at an alias is no alias',
    rfc: 'RFC 1034 §3.6.2, RFC 5155 §7.2.8',
    why: 'an alias leads on for every type but those that stand beside it (RFC 4034 §2.5: RRSIG and NSEC); NSD counts NSEC3 to them',
    fields: ['rcode', 'answer', 'authority', 'glue'],
    applies: ({ query, own, other }) =>
      query.shape.type === 'NSEC3' &&
      own.answer.length === 0 &&
      own.rcode === 'NOERROR' &&
      other.answer.some((record) => record.type === 'CNAME'),
  },
  {
    server: 'bind',
    rule: 'ANY at an alias gives its signature without DO',
    rfc: 'RFC 4035 §3.1',
    why: 'signatures are for who asks for them; NSD and Knot leave it out',
    fields: ['answer'],
    applies: ({ query, own, other }) =>
      query.shape.type === 'ANY' &&
      query.shape.edns?.dnssecOk !== true &&
      isPartOf(other.answer, own.answer) &&
      own.answer.filter(({ type }) => type !== 'RRSIG').length === other.answer.length,
  },
  // --- header ---
  {
    server: 'bind',
    rule: 'CD is copied',
    rfc: 'RFC 4035 §3.1.6',
    why: 'an authoritative answer should have CD clear; BIND copies it as a resolver must (§3.2.2)',
    fields: ['flags'],
    applies: ({ query, own, other }) =>
      ((query.shape.flags ?? 0) & 0x0010) !== 0 &&
      own.flags.has('CD') &&
      !other.flags.has('CD') &&
      (['AA', 'TC', 'RD', 'RA', 'AD', 'Z'] as const).every((flag) => own.flags.has(flag) === other.flags.has(flag)),
  },
  {
    server: 'knot',
    rule: 'DNAME at a literal asterisk is expanded',
    rfc: 'RFC 4592 §4.4, §2.3',
    why: 'below the name *.w itself the DNAME is found by exact match, so its owner stays as it is (NSD); Knot writes the question’s name',
    fields: ['answer', 'authority'],
    applies: ({ own, questionName }) =>
      questionName.includes('*') && own.answer.some((record) => record.type === 'DNAME' && record.owner === questionName),
  },
  // --- what one peer alone makes of undefined data ---
  {
    server: 'knot',
    rule: 'referral from a wildcard NS',
    rfc: 'RFC 4592 §4.2',
    why: 'NS at a wildcard is undefined: Knot refers with the wildcard’s own name, NSD treats it as data, BIND refuses the zone',
    fields: ['flags', 'answer', 'authority', 'glue', 'extras', 'additional'],
    applies: ({ own }) => own.authority.some((record) => record.type === 'NS' && record.owner.startsWith('*.')),
  },
];
