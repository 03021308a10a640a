/** Random zones with records of every type that a zone file can bring. */
import * as fc from 'fast-check';
import { ROOT, nameOf, parseName } from '#dns/name.ts';
import { parseRdataText, typeCode } from '#dns/registry.ts';
import { type Rrset, sortRdatas } from '#dns/rrset.ts';
import { type FormattedNode, formatZoneFile } from '#dns/zone-file-format.ts';
import { memoryZone } from '#zone/zone.ts';
import { rdataTexts } from './rdata-arbitraries.ts';

export const APEX = nameOf('example.');

export function rrsetOf(owner: string, mnemonic: string, ttl: number, texts: readonly string[]): Rrset {
  const type = typeCode(mnemonic)!;
  const name = parseName(owner, APEX);
  const rdatas = texts.map((text) => {
    const rdata = parseRdataText(type, text, ROOT);
    if (!rdata.ok) throw new Error(`${mnemonic} ${text}: ${JSON.stringify(rdata.problems)}`);
    return rdata.value;
  });
  if (!name.ok) throw new Error(owner);
  return { owner: name.value, type, ttl, rdatas: sortRdatas(type, rdatas) };
}

export const HEAD: readonly Rrset[] = [
  rrsetOf('@', 'SOA', 3600, ['ns.example. host.example. 1 3600 600 86400 300']),
  rrsetOf('@', 'NS', 3600, ['ns.example.']),
  rrsetOf('ns', 'A', 3600, ['192.0.2.1']),
];

/** Types that a file cannot bring, or that make the rest of a random zone bad. */
const LEFT_OUT = [
  'SOA',
  'RESINFO',
  'NS',
  'MD',
  'MF',
  'RRSIG',
  'NSEC',
  'NSEC3',
  'NSEC3PARAM',
  'DNSKEY',
  'CDS',
  'CDNSKEY',
  'DNAME',
  'CNAME',
  'SIG',
  'NXT',
];
const MNEMONICS = Object.keys(rdataTexts).filter((mnemonic) => !LEFT_OUT.includes(mnemonic));
const owners = fc.constantFrom(
  'a',
  'B',
  'b.a',
  '*.a',
  'c.b.a',
  'x\\.y',
  'q\\"\\;\\$\\@',
  '\\000\\255 '.trim(),
  'A'.repeat(63),
  '300',
  'in',
  'TXT',
  '\\(p\\)',
);
/** One RRset: at most one record of a random type at a random owner, or several. */
const rrsets = fc
  .tuple(owners, fc.constantFrom(...MNEMONICS), fc.integer({ min: 0, max: 0x7fff_ffff }))
  .chain(([owner, mnemonic, ttl]) =>
    fc.array(rdataTexts[mnemonic]!, { minLength: 1, maxLength: 3 }).map((texts) => rrsetOf(owner, mnemonic, ttl, texts)),
  );
export const zones = fc
  .uniqueArray(rrsets, { maxLength: 25, selector: ({ owner, type }) => `${Buffer.from(owner).toString('latin1').toLowerCase()}/${type}` })
  .map((all) => memoryZone(APEX, [...HEAD, ...all]));

export function exportOf(zone: { ascend(from: string): Iterable<FormattedNode>; apexKey: string }, signed = false): string {
  return [...formatZoneFile(zone.ascend(zone.apexKey), { signed })].join('');
}
