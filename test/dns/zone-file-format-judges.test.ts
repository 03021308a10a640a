/** BIND and ldns read the zone files that we write. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadZone } from '#zone/assemble.ts';
import { memoryZone } from '#zone/zone.ts';
import { rdataTexts } from '../support/rdata-arbitraries.ts';
import { runTool } from '../support/tools.ts';
import { APEX, HEAD, exportOf, rrsetOf, zones } from '../support/zone-arbitraries.ts';

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

test('named-compilezone writes the same zone of it, and ldns-read-zone reads it', async () => {
  const samples = fc.sample(zones, 12);
  await Promise.all(
    samples.map(async (zone, at) => {
      const file = join(folder, `export-${at}`);
      const text = exportOf(zone);
      writeFileSync(file, text, 'latin1');
      const compiled = await runTool('named-compilezone', ['-q', '-i', 'none', '-k', 'ignore', '-s', 'full', '-o', '-', 'example.', file]);
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
