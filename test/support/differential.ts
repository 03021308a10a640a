/**
 * The same questions to several servers, and every difference between their answers that nobody has explained.
 *
 * A reply is compared in these fields: whether there is one, rcode, flags, OPT, answer, authority, glue (addresses in a referral for
 * servers at or below the cut, RFC 9471), additional (RRsets both give must be equal; one that only one gives must be named by the answer or
 * authority section) and extras (which of those optional RRsets are there). Order, case of letters, compression and id do not count.
 * What a peer is known to do its own way stands in peculiarities.ts with its RFC; everything else is a difference and fails the test.
 */
import { type Endpoint, exchangeTcp, exchangeUdp } from './exchange.ts';
import { PECULIARITIES } from './peculiarities.ts';
import { brokenPromises, brokenTruncation } from './reply-promises.ts';
import { glueOf, mayBeShort, optionalOf, same, sameOnce, setOf } from './reply-sections.ts';
import { type QueryShape, type WireMessage, buildQuery, messageLines, parseMessage } from './wire.ts';

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

function describe(query: DifferentialQuery): string {
  const { shape } = query;
  const edns = shape.edns === undefined ? 'no EDNS' : `EDNS ${shape.edns.size}${shape.edns.dnssecOk === true ? ' DO' : ''}`;
  return `${shape.name} ${shape.type} over ${query.transport.toUpperCase()}, ${edns}, flags 0x${(shape.flags ?? 0).toString(16)}, zone ${query.zone.name}`;
}

async function ask(server: Endpoint, queries: readonly DifferentialQuery[], sent: readonly Buffer[]): Promise<(WireMessage | string)[]> {
  const replies: (WireMessage | string)[] = Array.from({ length: queries.length }, () => 'no reply');
  for (const transport of ['udp', 'tcp'] as const) {
    const places = [...queries.keys()].filter((at) => queries[at]!.transport === transport);
    const exchange = transport === 'udp' ? exchangeUdp : exchangeTcp;
    const got = await exchange(
      server,
      places.map((at) => sent[at]!),
    );
    for (const [order, at] of places.entries()) replies[at] = read(got[order]);
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

/**
 * Asks everybody everything, one server after the other, and compares the subject with each peer. Where any reply over UDP is truncated, or a
 * referral so full that glue may be missing, all are asked again over TCP and those replies are compared: what fits is each server's own affair.
 */
export async function runDifferential(
  subject: Endpoint,
  peers: readonly Endpoint[],
  queries: readonly DifferentialQuery[],
  { apexes, knows = () => true, keepsPromises = true }: DifferentialOptions,
): Promise<DifferentialResult> {
  const sent = queries.map((query, at) => buildQuery({ ...query.shape, id: at & 0xffff }));
  const servers = [...new Set([subject, ...peers])];
  const replies = new Map<Endpoint, (WireMessage | string)[]>();
  for (const server of servers) replies.set(server, await ask(server, queries, sent));
  const own = replies.get(subject)!;
  const broken: string[] = [];
  const note = (at: number, texts: readonly string[]) => {
    if (keepsPromises) broken.push(...texts.map((text) => `${subject.name}: ${text}: ${describe(queries[at]!)}`));
  };
  for (const [at, reply] of own.entries()) if (typeof reply !== 'string') note(at, brokenPromises(queries[at]!, sent[at]!, reply));

  const short = [...queries.keys()].filter(
    (at) =>
      queries[at]!.transport === 'udp' &&
      servers.some((server) => {
        const reply = replies.get(server)![at]!;
        return typeof reply !== 'string' && mayBeShort(reply, queries[at]!.shape);
      }),
  );
  const again = short.map((at): DifferentialQuery => ({ ...queries[at]!, transport: 'tcp' }));
  for (const server of servers) {
    const whole = await ask(
      server,
      again,
      short.map((at) => sent[at]!),
    );
    const all = replies.get(server)!;
    for (const [order, at] of short.entries()) {
      const [before, after] = [all[at]!, whole[order]!];
      if (server === subject) note(at, truncationOf(queries[at]!, before, after));
      // Somebody who did not answer over UDP is not helped by TCP.
      if (typeof before !== 'string') all[at] = after;
    }
  }

  const apexSet = new Set(apexes.map((apex) => apex.toLowerCase()));
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

function truncationOf(query: DifferentialQuery, short: WireMessage | string, whole: WireMessage | string): string[] {
  if (typeof whole === 'string') return [`${whole} over TCP after a reply over UDP`];
  return typeof short === 'string' ? [] : brokenTruncation(query, short, whole);
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
