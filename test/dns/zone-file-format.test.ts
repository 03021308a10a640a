/** Writing zone files: what we write we read back the same, and BIND and ldns read it too. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT, nameOf, parseName } from '#dns/name.ts';
import { parseRdataText, typeCode } from '#dns/registry.ts';
import { type Rrset, sortRdatas } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { type FormattedNode, formatZoneFile } from '#dns/zone-file-format.ts';
import { loadZone } from '#zone/assemble.ts';
import { checkZone } from '#zone/check.ts';
import { memoryZone, zoneRrsets } from '#zone/zone.ts';
import { rdataTexts } from '../support/rdata-arbitraries.ts';
import { runTool } from '../support/tools.ts';

const APEX = nameOf('example.');

function rrsetOf(owner: string, mnemonic: string, ttl: number, texts: readonly string[]): Rrset {
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

const HEAD: readonly Rrset[] = [
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
const zones = fc
  .uniqueArray(rrsets, { maxLength: 25, selector: ({ owner, type }) => `${Buffer.from(owner).toString('latin1').toLowerCase()}/${type}` })
  .map((all) => memoryZone(APEX, [...HEAD, ...all]));

function exportOf(zone: { ascend(from: string): Iterable<FormattedNode>; apexKey: string }, signed = false): string {
  return [...formatZoneFile(zone.ascend(zone.apexKey), { signed })].join('');
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'waxseal-format-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const plain = (line: string) => line.toLowerCase().replaceAll(/\s+/g, ' ');
const sortedLines = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(';'))
    .map(plain)
    .toSorted();

describe('RFC 1035 §5.1: parse∘format = id', () => {
  test('a zone that is exported and imported is the same', () => {
    fc.assert(
      fc.property(zones, (zone) => {
        const loaded = loadZone(exportOf(zone), { file: 'export', origin: APEX, signed: true });
        if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
        expect([...zoneRrsets(memoryZone(APEX, loaded.value))]).toEqual([...zoneRrsets(zone)]);
      }),
      { numRuns: 150 },
    );
  });

  test('named-compilezone writes the same zone of it, and ldns-read-zone reads it', async () => {
    const samples = fc.sample(zones, 12);
    await Promise.all(
      samples.map(async (zone, at) => {
        const file = join(folder, `export-${at}`);
        const text = exportOf(zone);
        writeFileSync(file, text, 'latin1');
        const compiled = await runTool('named-compilezone', [
          '-q',
          '-i',
          'none',
          '-k',
          'ignore',
          '-s',
          'full',
          '-o',
          '-',
          'example.',
          file,
        ]);
        expect({ ...compiled, text }).toMatchObject({ code: 0 });
        const reread = loadZone(compiled.stdout, { file: 'compiled', origin: APEX, signed: true });
        if (!reread.ok) throw new Error(JSON.stringify(reread.problems));
        expect(sortedLines(exportOf(memoryZone(APEX, reread.value)))).toEqual(sortedLines(text));
      }),
    );
  });

  test('ldns-read-zone reads as many records as there are', async () => {
    // Of the types whose text ldns 1.8 knows: it has no notion of the others' mnemonics.
    const known = [
      'A',
      'AAAA',
      'MX',
      'TXT',
      'SRV',
      'CAA',
      'TLSA',
      'SSHFP',
      'PTR',
      'DS',
      'NAPTR',
      'HINFO',
      'RP',
      'AFSDB',
      'CERT',
      'OPENPGPKEY',
      'URI',
      'EUI48',
    ];
    const all = known.map((mnemonic) => rrsetOf('a', mnemonic, 60, fc.sample(rdataTexts[mnemonic]!, 3)));
    const text = exportOf(memoryZone(APEX, [...HEAD, ...all]));
    const file = join(folder, 'ldns');
    writeFileSync(file, text, 'latin1');
    const { code, stdout, stderr } = await runTool('ldns-read-zone', [file]);
    expect({ code, stderr, text }).toMatchObject({ code: 0 });
    expect(sortedLines(stdout)).toHaveLength(sortedLines(text).length);
  });
});

describe('what is written', () => {
  const signature = Uint8Array.from([
    ...[0, TYPE.A, 13, 2, 0, 0, 14, 16],
    ...Array.from({ length: 10 }, () => 1),
    ...APEX,
    ...Array.from({ length: 64 }, () => 7),
  ]);
  const signed = memoryZone(APEX, [
    rrsetOf('@', 'NS', 3600, ['ns.example.']),
    { ...rrsetOf('@', 'DNSKEY', 3600, [`257 3 13 ${'A'.repeat(86)}==`]), manager: 'dnssec' as const },
    rrsetOf('@', 'SOA', 3600, ['ns.example. host.example. 1 3600 600 86400 300']),
    { ...rrsetOf('ns', 'A', 60, ['192.0.2.1']), signatures: [signature] },
    { ...rrsetOf('ns', 'NSEC', 300, ['example. A RRSIG NSEC']), manager: 'dnssec' as const },
  ]);

  test('the SOA is first, one record on each line', () => {
    const lines = [...formatZoneFile(signed.ascend(signed.apexKey), { signed: false })];
    expect(lines).toEqual([
      'example.\t3600\tIN\tSOA\tns.example. host.example. 1 3600 600 86400 300\n',
      'example.\t3600\tIN\tNS\tns.example.\n',
      'ns.example.\t60\tIN\tA\t192.0.2.1\n',
    ]);
  });

  test('`signed` adds RRSIG, NSEC and DNSKEY; an import leaves them out again', () => {
    const text = exportOf(signed, true);
    expect(text.match(/\t(?:RRSIG|NSEC|DNSKEY)\t/g)).toHaveLength(3);
    const loaded = loadZone(text, { file: 'export', origin: APEX, signed: true });
    expect(loaded.ok && loaded.warnings.map(({ code }) => code)).toEqual(['DNSSEC_DROPPED']);
    expect(loaded.ok && checkZone(APEX, loaded.value)).toEqual([]);
  });
});
