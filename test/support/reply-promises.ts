/**
 * What every single reply must keep to, whatever the answer is, and what a reply over UDP must have in common with the same one over TCP.
 */
import { type DifferentialQuery } from './differential.ts';
import { glueOf, keyOf, rrsetsOf, same, udpLimit } from './reply-sections.ts';
import { type WireMessage } from './wire.ts';

/** What a single reply must keep to whatever the answer is; texts of what it breaks. */
export function brokenPromises(query: DifferentialQuery, sent: Buffer, reply: WireMessage): string[] {
  const broken: string[] = [];
  const limit = query.transport === 'udp' ? udpLimit(query.shape) : 65_535;
  if (!reply.flags.has('QR')) broken.push('QR is clear');
  if (reply.id !== sent.readUInt16BE(0)) broken.push('id is not the query’s');
  const question = sent.subarray(12, sent.length - (query.shape.edns === undefined ? 0 : 11 + (query.shape.edns.options?.length ?? 0)));
  if (reply.question !== question.toString('hex')) broken.push('question is not echoed octet for octet (case included)');
  if (reply.size > limit) broken.push(`${reply.size} octets, allowed ${limit} (RFC 6891 §6.2.3, RFC 9715)`);
  if (reply.trailing > 0) broken.push(`${reply.trailing} octets after the last record`);
  if (reply.edns !== undefined && query.shape.edns === undefined) broken.push('OPT without OPT in the query (RFC 6891 §6.1.1)');
  if (reply.edns === undefined && query.shape.edns !== undefined) broken.push('no OPT though the query had one (RFC 6891 §6.1.1)');
  for (const flag of ['RA', 'AD', 'Z'] as const) if (reply.flags.has(flag)) broken.push(`${flag} is set`);
  for (const [section, records] of Object.entries({ answer: reply.answer, authority: reply.authority, additional: reply.additional })) {
    if (new Set(records.map((record) => keyOf(record))).size !== records.length)
      broken.push(`a record stands twice in ${section} (RFC 2181 §5)`);
    for (const [set, lines] of rrsetsOf(records))
      if (!set.includes(' RRSIG') && new Set(lines.map((line) => line.split(' ')[2])).size > 1)
        broken.push(`TTLs differ in ${set} (RFC 2181 §5.2)`);
  }
  return broken;
}

/** A truncated reply may leave RRsets out, never a part of one (RFC 2181 §9): each set must stand whole in the reply over TCP. */
function partialRrsets(truncated: WireMessage, whole: WireMessage): string[] {
  const complete = rrsetsOf([...whole.answer, ...whole.authority, ...whole.additional]);
  return [...rrsetsOf([...truncated.answer, ...truncated.authority, ...truncated.additional])]
    .filter(([key, records]) => !same(records, complete.get(key) ?? []))
    .map(([key]) => key);
}

/** What the reply over UDP breaks, given the same server's reply to the same question over TCP. */
export function brokenTruncation(query: DifferentialQuery, short: WireMessage, whole: WireMessage): string[] {
  const broken = partialRrsets(short, whole).map((set) => `part of RRset ${set} (RFC 2181 §9)`);
  if (whole.flags.has('TC')) broken.push('TC over TCP');
  if (short.rcode !== whole.rcode) broken.push(`${short.rcode} over UDP, ${whole.rcode} over TCP`);
  if (short.flags.has('TC') && whole.size <= udpLimit(query.shape)) broken.push(`TC though all ${whole.size} octets fit`);
  if (!short.flags.has('TC') && !same(glueOf(short), glueOf(whole))) broken.push('glue left out without TC (RFC 9471 §3.1)');
  return broken;
}
