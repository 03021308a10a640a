/**
 * What the zone here says, as far as the look outside is compared with it: keys, DKIM selectors, a few RRsets.
 * Not here: looking (look.ts).
 */
import {
  CHECK_COMPARED_MAX,
  CHECK_FOLLOW_CHANGES,
  CHECK_FOLLOW_MS,
  CHECK_FOREIGN_REFRESH_SECONDS,
  CHECK_SELECTORS_MAX,
} from '#base/limits/outside.ts';
import {
  type Name,
  equalNames,
  formatName,
  isAtOrBelow,
  labelOffsets,
  lowerName,
  ownerKey,
  parseName,
} from '#dns/name.ts';
import { canonicalRdata } from '#dns/registry.ts';
import { CLASS, RCODE, TYPE, type RrType } from '#dns/types.ts';
import { signaturePolicyOf } from '#dnssec/sign.ts';
import { parseDkim } from '#mail/dkim/record.ts';
import { txtText } from '#mail/text/txt.ts';
import { keyPolicyOf } from '#store/dnssec/policies.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord, isSignedHere } from '#store/schema.ts';
import { lookup, zoneSet } from '#zone/lookup.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type MeantFacts, type MeantSelector, type RrsetFacts } from './facts.ts';

const AT_APEX: readonly RrType[] = [TYPE.A, TYPE.AAAA, TYPE.MX, TYPE.TXT, TYPE.CAA];
const BELOW: readonly (readonly [string, RrType])[] = [
  ['_dmarc', TYPE.TXT],
  ['_mta-sts', TYPE.TXT],
  ['_smtp._tls', TYPE.TXT],
  ['default._bimi', TYPE.TXT],
  ['www', TYPE.A],
  ['www', TYPE.AAAA],
  ['mta-sts', TYPE.A],
];

/** `nowMs`: wall time. */
export function meantFacts(reader: StoreReader, record: ZoneRecord, nowMs: number): MeantFacts {
  const view = reader.view(record);
  const apex = view.node(view.apexKey);
  const published = (rrsetOf(apex, TYPE.DNSKEY)?.rdatas ?? []).map((rdata) => Buffer.from(rdata).toString('base64'));
  const keys = [
    ...new Set([...published, ...[...record.keys, ...(record.foreignKeys ?? [])].map(({ dnskey }) => dnskey)]),
  ];
  const isSigned = record.dnssec === 'on';
  const { refreshSeconds } = signaturePolicyOf(keyPolicyOf(reader, record));
  const selectors = selectorsOf(view);
  const { rrsets, isCut } = comparedOf(view, selectors);
  return {
    zone: view.apex,
    isSigned,
    serial: record.serial,
    otherSerials: leftLately(reader, record, nowMs),
    keys: keys.map((dnskey) => ({ dnskey })),
    refreshSeconds: isSignedHere(record) ? refreshSeconds : CHECK_FOREIGN_REFRESH_SECONDS,
    selectors,
    rrsets,
    isCut,
  };
}

/** Serials of versions that the zone had until just now: secondaries may be on their way. */
function leftLately(reader: StoreReader, { id, changedAtMs }: ZoneRecord, nowMs: number): readonly number[] {
  // Most zones did not change just now: their journal, which may be large, is not read.
  if (nowMs - changedAtMs >= CHECK_FOLLOW_MS) return [];
  const lately = reader.journal(id, CHECK_FOLLOW_CHANGES).filter(({ atMs }) => nowMs - atMs < CHECK_FOLLOW_MS);
  return lately.map(({ fromSerial }) => fromSerial);
}

/** Every selector that has a key, or leads to one; those that were revoked are history. */
function selectorsOf(view: ZoneView): readonly MeantSelector[] {
  const base = parseName('_domainkey', view.apex);
  if (!base.ok) return [];
  const key = ownerKey(base.value);
  const found: MeantSelector[] = [];
  for (const node of view.ascend(key)) {
    if (!isAtOrBelow(node.key, key) || found.length >= CHECK_SELECTORS_MAX) break;
    const selector = labelsAbove(node.owner, base.value);
    if (selector === undefined) continue;
    if (rrsetOf(node, TYPE.CNAME) !== undefined) found.push({ selector });
    const [text] = (rrsetOf(node, TYPE.TXT)?.rdatas ?? []).map(txtText);
    if (text !== undefined && isKey(text)) found.push({ selector, text });
  }
  return found;
}

function isKey(text: string): boolean {
  const record = parseDkim(text);
  return !record.ok || record.value.publicKey.length > 0;
}

/** `s1` of `s1._domainkey.example.com.`; undefined for the name itself and for a wildcard. */
function labelsAbove(owner: Name, base: Name): string | undefined {
  const at = labelOffsets(owner).find((offset) => equalNames(owner.subarray(offset), base));
  if (at === undefined || at === 0 || (owner[0] === 1 && owner[1] === 0x2a)) return undefined;
  const name = new Uint8Array([...owner.subarray(0, at), 0]);
  return formatName(lowerName(name)).slice(0, -1);
}

/** What strangers look for most, also where it is not: a record that others add is found there. */
function comparedOf(view: ZoneView, selectors: readonly MeantSelector[]): Pick<MeantFacts, 'rrsets' | 'isCut'> {
  const mx = rrsetOf(view.node(view.apexKey), TYPE.MX)?.rdatas ?? [];
  const hosts = mx.map((rdata) => rdata.subarray(2)).filter((host) => isAtOrBelow(ownerKey(host), view.apexKey));
  const named = (text: string, type: RrType, origin = view.apex): [Name, RrType][] => {
    const name = parseName(text, origin);
    return name.ok ? [[name.value, type]] : [];
  };
  const wanted: [Name, RrType][] = [
    ...AT_APEX.map((type): [Name, RrType] => [view.apex, type]),
    ...BELOW.flatMap(([text, type]) => named(text, type)),
    ...selectors.flatMap(({ selector }) => named(`${selector}._domainkey`, TYPE.TXT)),
    ...hosts.flatMap((host): [Name, RrType][] => [
      [host, TYPE.A],
      [host, TYPE.AAAA],
      ...named('_25._tcp', TYPE.TLSA, host),
    ]),
  ];
  const unique = [...new Map(wanted.map((each) => [`${ownerKey(each[0])} ${each[1]}`, each])).values()];
  const rrsets = unique.slice(0, CHECK_COMPARED_MAX).flatMap(([owner, type]) => meantRrset(view, owner, type) ?? []);
  return { rrsets, isCut: unique.length > CHECK_COMPARED_MAX };
}

/** As a client gets it, wildcards too; undefined below a delegation and at an alias, which are others' records. */
function meantRrset(view: ZoneView, owner: Name, type: RrType): RrsetFacts | undefined {
  const zones = zoneSet([{ view, signed: false, isExpired: false }]);
  const { rcode, answer, authority } = lookup(zones, { name: owner, type, class: CLASS.IN }, false);
  const isOurs = rcode === RCODE.NXDOMAIN || answer.length > 0 || authority.some((each) => each.type === TYPE.SOA);
  if (!isOurs || answer.some((each) => each.type !== type)) return undefined;
  const rdatas = answer.flatMap((each) => each.rdatas).map((rdata) => canonicalRdata(type, rdata));
  return { owner, type, rdatas };
}
