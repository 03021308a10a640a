/**
 * The same questions to several servers, and every difference between their answers that nobody has explained.
 *
 * A reply is compared in these fields: whether there is one, rcode, flags, OPT, answer, authority, glue (addresses in a referral for
 * servers at or below the cut, RFC 9471), additional (RRsets both give must be equal; one that only one gives must be named by the answer or
 * authority section) and extras (which of those optional RRsets are there). Order, case of letters, compression and id do not count.
 * What a peer is known to do its own way stands in peculiarities.ts with its RFC; everything else is a difference and fails the test.
 */
import { type Endpoint, exchangeTcp, exchangeUdp } from './exchange.ts';
import { PECULIARITIES, udpLimit } from './peculiarities.ts';
import { type QueryShape, type WireMessage, type WireRecord, buildQuery, messageLines, parseMessage } from './wire.ts';

export type Field = 'reply' | 'rcode' | 'flags' | 'edns' | 'answer' | 'authority' | 'glue' | 'additional' | 'extras';

/** A question, how it travels, and the zone it is about (for the report). */
export interface DifferentialQuery {
  readonly zone: { readonly name: string; readonly text: string };
  readonly shape: QueryShape;
  readonly transport: 'udp' | 'tcp';
}

/** What a peculiarity may look at. */
export interface Comparison {
  readonly query: DifferentialQuery;
  /** The question's name in lower case. */
  readonly questionName: string;
  /** The reply of the server that has the peculiarity. */
  readonly own: WireMessage;
  /** The reply of the server it is compared with. */
  readonly other: WireMessage;
  /** Apexes of all zones of the run, lower case. */
  readonly apexes: ReadonlySet<string>;
}

/** Something a peer does its own way. */
export interface Peculiarity {
  /** Who does it; `all` for what the RFC leaves open to everybody. */
  readonly server: string;
  readonly rule: string;
  readonly rfc: string;
  readonly why: string;
  /** Fields it explains, given that `applies`. */
  readonly fields: readonly Field[];
  applies(comparison: Comparison): boolean;
}

/** An unexplained difference, with everything needed to ask again. */
export interface Difference {
  readonly subject: string;
  readonly peer: string;
  readonly fields: readonly Field[];
  readonly query: DifferentialQuery;
  readonly report: string;
}

/** What a run found. */
export interface DifferentialResult {
  /** Replies compared, all pairs. */
  readonly compared: number;
  readonly differences: readonly Difference[];
  /** Broken promises of single replies, of every server that is asked to keep them. */
  readonly broken: readonly string[];
  /** How often each peculiarity explained something: `server: rule` → count. */
  readonly explained: ReadonlyMap<string, number>;
}

const keyOf = (record: WireRecord) => `${record.owner} ${record.class} ${record.ttl} ${record.type} ${record.rdata}`;
const setOf = (records: readonly WireRecord[]) => [...new Set(records.map((record) => keyOf(record)))].toSorted();
const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((each, at) => each === b[at]);
/** As `same`; Knot sends an address twice when two records name the host. */
const sameOnce = (a: readonly string[], b: readonly string[]) => same([...new Set(a)], [...new Set(b)]);
const isBelowOrAt = (name: string, ancestor: string) => ancestor === '.' || name === ancestor || name.endsWith(`.${ancestor}`);

/** RRsets of a section: `owner type` → sorted records. */
function rrsetsOf(records: readonly WireRecord[]): Map<string, string[]> {
  const sets = new Map<string, string[]>();
  for (const record of records) {
    // Signatures belong to the set they cover: RRSIG RDATA begins with the type covered.
    const key = `${record.owner} ${record.type}${record.type === 'RRSIG' ? ` ${record.rdata.slice(0, 4)}` : ''}`;
    sets.set(key, [...(sets.get(key) ?? []), keyOf(record)]);
  }
  for (const set of sets.values()) set.sort();
  return sets;
}

/** Addresses a referral must carry: of name servers at or below the cut (RFC 9471 §2.1). */
function glueOf(message: WireMessage): string[] {
  const cuts = message.authority.filter((record) => record.type === 'NS');
  const servers = new Set(cuts.flatMap((cut) => cut.names.filter((name) => isBelowOrAt(name, cut.owner))));
  const isReferral = cuts.length > 0 && !message.answer.some((record) => record.owner === cuts[0]!.owner && record.type === 'NS');
  return isReferral ? setOf(message.additional.filter((record) => servers.has(record.owner))) : [];
}

/** Optional RRsets of the additional section; `strangers` are those nothing in the answer asks for. */
function optionalOf(message: WireMessage): { sets: Map<string, string[]>; strangers: string[] } {
  const sets = rrsetsOf(message.additional);
  const named = new Set([...message.answer, ...message.authority].flatMap((record) => [...record.names, record.owner]));
  for (const record of message.additional) for (const name of record.names) if (named.has(record.owner)) named.add(name);
  // BIND adds the TLSA of a mail exchanger: `_25._tcp.mail` belongs to `mail`.
  const isNamed = (owner: string) => named.has(owner) || named.has(owner.replace(/^(_[^.]+\.)+/, ''));
  return { sets, strangers: [...sets.keys()].filter((key) => !isNamed(key.slice(0, key.indexOf(' ')))) };
}

/** Fields in which the replies differ, before anything is explained. */
export function differingFields(a: WireMessage, b: WireMessage): Field[] {
  const fields: Field[] = [];
  if (a.rcode !== b.rcode) fields.push('rcode');
  if (!same([...a.flags], [...b.flags])) fields.push('flags');
  if ((a.edns === undefined) !== (b.edns === undefined) || a.edns?.version !== b.edns?.version || a.edns?.dnssecOk !== b.edns?.dnssecOk)
    fields.push('edns');
  if (!same(setOf(a.answer), setOf(b.answer))) fields.push('answer');
  if (!same(setOf(a.authority), setOf(b.authority))) fields.push('authority');
  if (!same(glueOf(a), glueOf(b))) fields.push('glue');
  const optionalA = optionalOf(a);
  const optionalB = optionalOf(b);
  const shared = [...optionalA.sets.keys()].filter((key) => optionalB.sets.has(key));
  if (
    shared.some((key) => !sameOnce(optionalA.sets.get(key)!, optionalB.sets.get(key)!)) ||
    optionalA.strangers.length > 0 ||
    optionalB.strangers.length > 0
  )
    fields.push('additional');
  if (shared.length !== optionalA.sets.size || shared.length !== optionalB.sets.size) fields.push('extras');
  return fields;
}

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
export function partialRrsets(truncated: WireMessage, whole: WireMessage): string[] {
  const complete = rrsetsOf([...whole.answer, ...whole.authority, ...whole.additional]);
  return [...rrsetsOf([...truncated.answer, ...truncated.authority, ...truncated.additional])]
    .filter(([key, records]) => !same(records, complete.get(key) ?? []))
    .map(([key]) => key);
}

function describe(query: DifferentialQuery): string {
  const { shape } = query;
  const edns = shape.edns === undefined ? 'no EDNS' : `EDNS ${shape.edns.size}${shape.edns.dnssecOk === true ? ' DO' : ''}`;
  return `${shape.name} ${shape.type} over ${query.transport.toUpperCase()}, ${edns}, flags 0x${(shape.flags ?? 0).toString(16)}, zone ${query.zone.name}`;
}

async function ask(server: Endpoint, queries: readonly DifferentialQuery[], sent: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
  const replies: (Buffer | undefined)[] = Array.from({ length: queries.length });
  for (const transport of ['udp', 'tcp'] as const) {
    const places = [...queries.keys()].filter((at) => queries[at]!.transport === transport);
    const exchange = transport === 'udp' ? exchangeUdp : exchangeTcp;
    const got = await exchange(
      server,
      places.map((at) => sent[at]!),
    );
    for (const [order, at] of places.entries()) replies[at] = got[order];
  }
  return replies;
}

function read(reply: Buffer | undefined): WireMessage | string {
  if (reply === undefined) return 'no reply';
  try {
    return parseMessage(reply);
  } catch (error) {
    return `unreadable reply: ${error instanceof Error ? error.message : String(error)}: ${reply.toString('hex')}`;
  }
}

/** Options of a run. */
export interface DifferentialOptions {
  /** All zones the servers have: peculiarities need to know where one zone ends. */
  readonly apexes: readonly string[];
  /** Which peer has the zone of a query; by default every one. */
  readonly knows?: (peer: Endpoint, query: DifferentialQuery) => boolean;
  /** Servers whose single replies are checked too; by default the subject. */
  readonly keepsPromises?: boolean;
}

/** Asks everybody everything, one server after the other, and compares the subject with each peer. */
export async function runDifferential(
  subject: Endpoint,
  peers: readonly Endpoint[],
  queries: readonly DifferentialQuery[],
  { apexes, knows = () => true, keepsPromises = true }: DifferentialOptions,
): Promise<DifferentialResult> {
  const sent = queries.map((query, at) => buildQuery({ ...query.shape, id: at & 0xffff }));
  const apexSet = new Set(apexes.map((apex) => apex.toLowerCase()));
  const replies = new Map<Endpoint, (WireMessage | string)[]>();
  for (const server of [subject, ...peers])
    replies.set(
      server,
      (await ask(server, queries, sent)).map((reply) => read(reply)),
    );
  const own = replies.get(subject)!;
  const broken: string[] = [];
  if (keepsPromises) {
    for (const [at, reply] of own.entries())
      if (typeof reply !== 'string')
        for (const text of brokenPromises(queries[at]!, sent[at]!, reply))
          broken.push(`${subject.name}: ${text}: ${describe(queries[at]!)}`);
    broken.push(...(await checkTruncated(subject, queries, sent, own)));
  }
  const explained = new Map<string, number>();
  const differences: Difference[] = [];
  let compared = 0;
  for (const peer of peers) {
    for (const [at, query] of queries.entries()) {
      if (!knows(peer, query)) continue;
      compared++;
      const fields = unexplained(subject, own[at]!, peer, replies.get(peer)![at]!, query, apexSet, explained);
      if (fields.length > 0)
        differences.push({ subject: subject.name, peer: peer.name, fields, query, report: reportOf(query, fields, replies, at) });
    }
  }
  return { compared, differences, broken, explained };
}

async function checkTruncated(
  subject: Endpoint,
  queries: readonly DifferentialQuery[],
  sent: readonly Buffer[],
  replies: readonly (WireMessage | string)[],
): Promise<string[]> {
  // Truncated replies, and referrals so full that glue may have been dropped: what they hold must stand whole in the reply over TCP.
  const truncated = [...queries.keys()].filter((at) => {
    const reply = replies[at]!;
    if (typeof reply === 'string' || queries[at]!.transport === 'tcp') return false;
    return reply.flags.has('TC') || (glueOf(reply).length > 0 && reply.size > udpLimit(queries[at]!.shape) - 120);
  });
  const whole = await exchangeTcp(
    subject,
    truncated.map((at) => sent[at]!),
  );
  return truncated.flatMap((at, order) => {
    const reply = read(whole[order]);
    if (typeof reply === 'string') return [`${subject.name}: ${reply} over TCP after TC: ${describe(queries[at]!)}`];
    if (reply.flags.has('TC')) return [`${subject.name}: TC over TCP: ${describe(queries[at]!)}`];
    const short = replies[at]!;
    if (typeof short === 'string') return [];
    const dropped = !short.flags.has('TC') && !same(glueOf(short), glueOf(reply));
    return [
      ...(dropped ? [`${subject.name}: glue left out without TC (RFC 9471 §3.1): ${describe(queries[at]!)}`] : []),
      ...partialRrsets(short, reply).map((set) => `${subject.name}: part of RRset ${set} in a truncated reply: ${describe(queries[at]!)}`),
    ];
  });
}

function unexplained(
  subject: Endpoint,
  own: WireMessage | string,
  peer: Endpoint,
  other: WireMessage | string,
  query: DifferentialQuery,
  apexes: ReadonlySet<string>,
  explained: Map<string, number>,
): Field[] {
  if (typeof own === 'string' || typeof other === 'string') return own === other ? [] : ['reply'];
  let fields = differingFields(own, other);
  const questionName = query.shape.name.toLowerCase();
  for (const each of PECULIARITIES) {
    if (!fields.some((field) => each.fields.includes(field))) continue;
    const views = [
      ...(each.server === peer.name || each.server === 'all' ? [{ query, questionName, own: other, other: own, apexes }] : []),
      ...(each.server === subject.name ? [{ query, questionName, own, other, apexes }] : []),
    ];
    if (!views.some((view) => each.applies(view))) continue;
    fields = fields.filter((field) => !each.fields.includes(field));
    const key = `${each.server}: ${each.rule}`;
    explained.set(key, (explained.get(key) ?? 0) + 1);
  }
  return fields;
}

function reportOf(
  query: DifferentialQuery,
  fields: readonly Field[],
  replies: ReadonlyMap<Endpoint, (WireMessage | string)[]>,
  at: number,
): string {
  const answers = [...replies].map(([server, all]) => {
    const reply = all[at]!;
    return `${server.name}:\n${typeof reply === 'string' ? `  ${reply}` : messageLines(reply)}`;
  });
  return `${fields.join(', ')} differ: ${describe(query)}\n${answers.join('\n')}`;
}

/** The first few differences with the zone text to replay them, for an assertion's message. Each zone's text stands once. */
export function formatDifferences(result: DifferentialResult, limit = 5): string {
  const shown = result.differences.slice(0, limit);
  const zones = [...new Map(shown.map((each) => [each.query.zone.name, each.query.zone.text]))];
  return [
    ...result.broken.slice(0, limit),
    `${result.differences.length} unexplained differences in ${result.compared} comparisons`,
    ...shown.map((each) => each.report),
    ...zones.map(([name, text]) => `; zone ${name}\n${text.length > 6000 ? `${text.slice(0, 6000)}…` : text}`),
  ].join('\n\n');
}
