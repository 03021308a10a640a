/**
 * The chain of trust as a validator walks it: DS at every server of the parent, keys and signatures at every name
 * server, what is not there, and how long signatures are good for.
 * Implements: RFC 4035 §5 (validation), §2.4 (DS), RFC 8624 §3.3 (digests), RFC 6781 §4.4.2 (signatures that are not
 * renewed).
 * Not here: one answer (dnssec/answer-judge.ts), the chain itself (dnssec/chain-walk.ts), looking (look-served.ts).
 */
import { equalBytes } from '#base/bytes.ts';
import { toSeconds } from '#base/clock.ts';
import { CHECK_SIGNATURE_SHARE } from '#base/limits/outside.ts';
import { type Name, formatName } from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { type SectionRecord } from '#dns/reply-sections.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { answeredRrsets, judgeAnswer } from '#dnssec/answer-judge.ts';
import { walkChains } from '#dnssec/chain-walk.ts';
import { rrsigFields, secondsBetween } from '#dnssec/sign.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type ParentLook, isDsOf } from '#control/dnssec/parent.ts';
import { type DoctorFacts, type MeantFacts, type ServedFacts, type ServedReply } from './facts.ts';
import { bare, failed, isFinding, passed, untested, warned } from './results.ts';

/** Digest type of a DS. */
const SHA1 = 1;

type Facts = Pick<DoctorFacts, 'meant' | 'parentDs' | 'served' | 'resolved' | 'nowMs'>;

/** `others`: what was found of the delegation and the name servers; what follows from that is no second finding. */
export function judgeDnssec(facts: Facts, others: readonly CheckResult[]): CheckResult[] {
  const { meant, parentDs, served } = facts;
  const zone = formatName(meant.zone);
  const isDelegated = !others.some(({ check, verdict }) => check === 'delegated' && verdict === 'failed');
  const found = judgeDs(meant, isDelegated ? parentDs : []);
  const isDsWrong = found.some(({ check }) => check === 'ds-no-key');
  // A chain that begins at a wrong DS is broken everywhere: then the keys are where the way begins.
  const atParent = parentDs.find((each) => (each.ds?.length ?? 0) > 0)?.ds ?? [];
  // SHA-1 counts by tag and algorithm alone (control/dnssec/parent.ts): there the way begins at the keys too.
  const ds = isDsWrong ? [] : atParent.filter((rdata) => rdata[3] !== SHA1);
  const told = new Set(others.filter(isServerFault).map(({ subject }) => subject));
  const judged = served.filter(({ host, ip }) => !told.has(`${host} ${ip}`));
  if (meant.isSigned) found.push(...judged.flatMap((server) => judgeServer(server, ds, facts)));
  if (![...found, ...others].some(({ verdict }) => verdict === 'failed')) found.push(...judgeResolved(facts));
  // Servers that could not be judged have a finding already.
  const isUnjudged = judged.length === 0 && served.length > 0;
  if (found.some(isFinding) || isUnjudged) return found;
  const isSeen = zone === '.' || parentDs.some((each) => each.ds !== undefined);
  if (isSeen && served.length > 0) return [passed('chain-of-trust', zone, soundText(facts)), ...found];
  const text = isSeen ? 'no name server of the zone could be asked' : 'no server of the parent could be asked';
  return [untested('chain-of-trust', zone, text, 'see what stands above of the delegation'), ...found];
}

/** Faults of a server that leave no signatures, or others, to look at. */
function isServerFault({ check, verdict }: CheckResult): boolean {
  const faults = ['no-answer', 'not-authoritative', 'unsigned', 'keys-differ'];
  return verdict === 'failed' && faults.includes(check);
}

function judgeDs({ zone, isSigned, keys }: MeantFacts, parentDs: readonly ParentLook[]): CheckResult[] {
  const name = formatName(zone);
  const [found, atRegistrar]: [CheckResult[], string] = [[], `waxseal dnssec ds ${bare(name)}`];
  for (const { place, ds, text } of parentDs)
    if (ds === undefined) found.push(untested('ds-unknown', place, `asked for the DS: ${text}`, 'ask again later'));
  const said = parentDs.flatMap(({ place, ds }) => (ds === undefined ? [] : [{ place, ds }]));
  const [first] = said;
  if (first === undefined || name === '.') return found;
  const other = said.find(({ ds }) => keyOf(ds) !== keyOf(first.ds));
  if (other !== undefined) {
    const text = `${first.place} has ${listed(first.ds)}, and ${other.place} ${listed(other.ds)}`;
    found.push(failed('ds-differs', name, text, 'wait for the registry, then ask it'));
  }
  const all = said.flatMap(({ ds }) => ds);
  if (all.length === 0) {
    const text = 'no server of the parent has a DS, so validators take the zone for unsigned';
    const sign = `waxseal dnssec enable ${bare(name)}`;
    if (isSigned) found.push(warned('ds-missing', name, text, `enter it at the registrar: ${atRegistrar}`));
    else found.push(warned('not-signed', name, 'the zone is not signed', sign));
    return found;
  }
  const isOurs = (rdata: Uint8Array): boolean => keys.some((key) => isDsOf(rdata, zone, key));
  const strays = uniqueOf(all).filter((rdata) => !isOurs(rdata));
  if (!all.some(isOurs)) {
    const has = isSigned ? 'no key of the zone here has it' : 'the zone here is not signed';
    const text = `the parent has ${listed(strays)}, and ${has}: validators take every answer for forged`;
    found.push(failed('ds-no-key', name, text, `change it at the registrar now: ${atRegistrar}`));
  } else if (strays.length > 0) {
    const text = `beside a DS of ours the parent has ${listed(strays)}, of no key of the zone here`;
    found.push(warned('ds-stray', name, text, `remove it at the registrar: ${atRegistrar}`));
  }
  const isSha1Alone = all.some(isOurs) && all.filter(isOurs).every((rdata) => rdata[3] === SHA1);
  if (isSha1Alone) {
    const text = `the parent has only ${listed(uniqueOf(all))}: SHA-1, which validators stop to take`;
    found.push(warned('ds-digest', name, text, `enter a SHA-256 digest at the registrar: ${atRegistrar}`));
  }
  return found;
}

/** One name server: what it serves is secure, what it denies is proved, and neither ends soon. */
function judgeServer(server: ServedFacts, ds: readonly Uint8Array[], { meant, nowMs }: Facts): CheckResult[] {
  const { host, ip, keys, soa, missing } = server;
  const [subject, apex, nowSeconds] = [`${host} ${ip}`, meant.zone, toSeconds(nowMs)];
  const silent = [keys, soa, missing.reply].find((each) => 'failure' in each);
  // A server that does not answer at all has a finding of its own (delegation.ts).
  if (silent !== undefined && 'failure' in silent)
    return [untested('chain-of-trust', subject, `asked for keys and signatures: ${silent.failure}`, 'ask again later')];
  const [keyRecords, soaRecords] = [recordsOf(keys), recordsOf(soa)];
  const leftSeconds = leastLeft([...keyRecords, ...soaRecords, ...recordsOf(missing.reply)], nowSeconds);
  const renew = `see why it does not follow: waxseal secondary list ${bare(formatName(apex))}`;
  if (leftSeconds !== undefined && leftSeconds.seconds < 0) {
    const text = `the signature of ${leftSeconds.what} ended ${formatLeft(-leftSeconds.seconds)} ago`;
    return [failed('signature-expired', subject, text, renew)];
  }
  const dnskeys = keyRecords.filter(({ type }) => type === TYPE.DNSKEY).map(({ rdata }) => rdata);
  const judge = (name: Name, type: RrType, reply: ServedReply): string | undefined => {
    const rcode = 'failure' in reply ? 0 : reply.rcode;
    return judgeAnswer({ apex, name, type, rcode, records: recordsOf(reply), dnskeys, nowSeconds });
  };
  const keySets = answeredRrsets(keyRecords).filter(({ rrset }) => rrset.type === TYPE.DNSKEY);
  const chain = walkChains({ apex, ds, keySets: keySets.map(({ rrset }) => rrset), rrsets: [], nowSeconds });
  const why = judge(apex, TYPE.DNSKEY, keys) ?? judge(apex, TYPE.SOA, soa) ?? chain?.message;
  const look = `compare with what is served here: waxseal query ${bare(formatName(apex))} SOA --trace`;
  if (why !== undefined) return [failed('chain-of-trust', subject, why, look)];
  const denial = judge(missing.name, TYPE.TXT, missing.reply);
  if (denial !== undefined) return [failed('denial', subject, denial, look)];
  const leastSeconds = meant.refreshSeconds * CHECK_SIGNATURE_SHARE;
  if (leftSeconds === undefined || leftSeconds.seconds >= leastSeconds) return [];
  const text = `the signature of ${leftSeconds.what} ends in ${formatLeft(leftSeconds.seconds)}, and was to be renewed`;
  return [warned('signature-ending', subject, text, renew)];
}

function judgeResolved({ meant, resolved }: Facts): CheckResult[] {
  const zone = formatName(meant.zone);
  const fix = `ask it yourself: dig ${bare(zone)} SOA`;
  if (resolved.kind === 'answer') return [];
  if (resolved.kind === 'timeout')
    return [untested('resolves', zone, `the resolver: ${resolved.reason ?? 'does not answer'}`, `see mail.resolvers`)];
  const said = resolved.kind === 'servfail' ? (resolved.reason ?? 'SERVFAIL') : resolved.kind.toUpperCase();
  return [failed('resolves', zone, `asked for its SOA, the resolver says: ${said}`, fix)];
}

function soundText({ meant, served, parentDs, nowMs }: Facts): string {
  const records = served.flatMap(({ keys, soa }) => [...recordsOf(keys), ...recordsOf(soa)]);
  const left = leastLeft(records, toSeconds(nowMs));
  const until = left === undefined ? '' : `; the first signature ends in ${formatLeft(left.seconds)}`;
  const ds = uniqueOf(parentDs.flatMap((each) => each.ds ?? []));
  if (!meant.isSigned) return 'the zone is not signed, and no DS says otherwise';
  return `${listed(ds)} at ${parentDs.length} servers of the parent leads to ${served.length} name servers${until}`;
}

function recordsOf(reply: ServedReply): readonly SectionRecord[] {
  return 'failure' in reply ? [] : reply.records;
}

/** The signature that ends first. */
function leastLeft(
  records: readonly SectionRecord[],
  nowSeconds: number,
): { seconds: number; what: string } | undefined {
  let least: { seconds: number; what: string } | undefined;
  for (const { owner, type, rdata } of records) {
    if (type !== TYPE.RRSIG) continue;
    const { typeCovered, expiration } = rrsigFields(rdata);
    const seconds = secondsBetween(nowSeconds >>> 0, expiration);
    if (least === undefined || seconds < least.seconds)
      least = { seconds, what: `${formatName(owner)} ${typeName(typeCovered)}` };
  }
  return least;
}

function formatLeft(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  return hours >= 48 ? `${Math.floor(hours / 24)} days` : `${hours} hours`;
}

function keyOf(ds: readonly Uint8Array[]): string {
  return ds
    .map((rdata) => Buffer.from(rdata).toString('hex'))
    .toSorted()
    .join(' ');
}

function uniqueOf(ds: readonly Uint8Array[]): Uint8Array[] {
  return ds.filter((rdata, at) => ds.findIndex((other) => equalBytes(other, rdata)) === at);
}

function listed(ds: readonly Uint8Array[]): string {
  return ds.length === 0 ? 'no DS' : ds.map((rdata) => `DS ${formatRdata(TYPE.DS, rdata)}`).join(', ');
}
