/**
 * Asks this server as a client does, over UDP at one of its listeners, for a few names of one zone chosen by chance and
 * for one that is not there, and validates what comes from the DS records at the parent down.
 * Implements: RFC 4035 §5 (what a validator checks).
 * Not here: which zones, when, and what follows (served-sampler.ts); the verdict on one answer
 * (dnssec/answer-judge.ts).
 */
import { type IpPort, parseIpPort } from '#base/address.ts';
import { SERVED_ASKED_NAMES, SERVED_SAMPLE_TRIES } from '#base/limits/dnssec.ts';
import { NAME_BYTES_MAX } from '#base/limits/dns.ts';
import { formatName, type Name, nameOf, ownerKey } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { readSections } from '#dns/reply-sections.ts';
import { type RrType, TYPE } from '#dns/types.ts';
import { answeredRrsets, judgeAnswer } from '#dnssec/answer-judge.ts';
import { walkChains } from '#dnssec/chain-walk.ts';
import { NODE_FLAG, isSignedType, nodeFlags, occlusion } from '#zone/node-flags.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type DirectReply, askDirectly } from '#control/outside/direct-question.ts';
import { reachableIp } from '#control/outside/own-host-look.ts';

export type AskListener = (server: IpPort, name: Name, type: RrType) => Promise<DirectReply>;

export interface ServedLookOptions {
  /** `ADDR:PORT` where DNS is served. */
  readonly addresses: readonly string[];
  /** DS records at the parent that the zone is validated from; none: the way begins at its DNSKEY RRset. */
  readonly ds: readonly Uint8Array[];
  readonly nowSeconds: number;
  readonly random: (bytes: number) => Uint8Array;
  readonly ask?: AskListener;
}

/** `bad`: an answer does not validate, and why. `silent`: nothing was learnt. */
export type ServedVerdict =
  | { readonly kind: 'good' | 'silent' }
  | { readonly kind: 'bad'; readonly question: string; readonly why: string };

interface Question {
  readonly name: Name;
  readonly type: RrType;
}

/** Never rejects. */
export async function lookAtServed(
  view: ZoneView,
  { addresses, ds, nowSeconds, random, ask = askDirectly }: ServedLookOptions,
): Promise<ServedVerdict> {
  const { apex } = view;
  const below = (count: number): number => Buffer.from(random(4)).readUInt32BE() % count;
  const listener = addresses.length === 0 ? undefined : parseIpPort(addresses[below(addresses.length)]!);
  if (listener?.ok !== true) return { kind: 'silent' };
  const server = { ...listener.value, ip: reachableIp(listener.value.ip) };
  const keysAsked: Question = { name: apex, type: TYPE.DNSKEY };
  let dnskeys: readonly Uint8Array[] = [];
  for (const question of [keysAsked, ...existing(view, random), ...missing(view, random)]) {
    const answer = await ask(server, question.name, question.type);
    // A lost datagram proves nothing.
    if ('failure' in answer || answer.octets === undefined) return { kind: 'silent' };
    const bad = (why: string): ServedVerdict => ({ kind: 'bad', question: textOf(question), why });
    const records = readSections(answer.octets);
    if (records === undefined) return bad('the answer is malformed');
    const isKeys = question === keysAsked;
    if (isKeys) dnskeys = records.filter(({ type }) => type === TYPE.DNSKEY).map(({ rdata }) => rdata);
    const why = judgeAnswer({ apex, ...question, rcode: answer.reply.rcode, records, dnskeys, nowSeconds });
    if (why !== undefined) return bad(why);
    if (!isKeys) continue;
    const keySets = answeredRrsets(records).filter(({ rrset }) => rrset.type === TYPE.DNSKEY);
    const broken = walkChains({ apex, ds, keySets: keySets.map(({ rrset }) => rrset), rrsets: [], nowSeconds });
    if (broken !== undefined) return bad(broken.message);
  }
  return { kind: 'good' };
}

function textOf({ name, type }: Question): string {
  return `${formatName(name)} ${typeName(type)}`;
}

/** RRsets of the zone that are signed, chosen by chance. */
function existing(view: ZoneView, random: ServedLookOptions['random']): Question[] {
  const isBelow = occlusion(view);
  const found: Question[] = [];
  for (let tries = SERVED_SAMPLE_TRIES; tries > 0 && found.length < SERVED_ASKED_NAMES; tries--) {
    const letter = String.fromCharCode(0x2a + (random(1)[0]! % 0x51));
    for (const node of view.ascend(view.apexKey + letter)) {
      // Questions for selectors are counted, as a sign that a key is in use.
      if (/_domainkey/i.test(formatName(node.owner))) break;
      const flags = nodeFlags(node, view.apexKey, isBelow(node.key));
      const isCut = (flags & NODE_FLAG.CUT) !== 0;
      // RFC 4035 §3.1.4: at a delegation DS alone is answered from here; its NSEC gets a referral, as every other type.
      const isAnswered = (type: RrType): boolean => isSignedType(flags, type) && (!isCut || type === TYPE.DS);
      const types = node.rrsets.map(({ type }) => type).filter(isAnswered);
      if (types.length > 0) found.push({ name: node.owner, type: types[random(1)[0]! % types.length]! });
      break;
    }
  }
  return found;
}

/** A name that is not there, below the apex: what it gets is a proof, or comes out of a wildcard. */
function missing(view: ZoneView, random: ServedLookOptions['random']): Question[] {
  const label = Buffer.from(random(8)).toString('hex');
  const isPossible = view.apex.length + 1 + label.length <= NAME_BYTES_MAX;
  // What stands below a DNAME is made up for the question, and not signed.
  const isElsewhere = rrsetOf(view.node(view.apexKey), TYPE.DNAME) !== undefined;
  if (!isPossible || isElsewhere) return [];
  const apex = formatName(view.apex);
  const name = nameOf(`${label}.${apex === '.' ? '' : apex}`);
  return view.node(ownerKey(name)) === undefined ? [{ name, type: TYPE.TXT }] : [];
}
