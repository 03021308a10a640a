/**
 * BIND, ldns, Knot and NSD as judges of presentation and wire form: zone files with records of every type go through named-compilezone and
 * ldns-read-zone, and what BIND makes of them is octet for octet what we read. The seed stands in the tests' names.
 */
import { formatPlace } from '#base/place.ts';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { toHex } from '#base/bytes.ts';
import { lexEntries } from '#dns/lexer.ts';
import { ROOT } from '#dns/name.ts';
import { formatRdata, isMetaType, parseRdata, parseRdataText, typeCode, typeName, zoneFileForm } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { rdataTexts } from '../support/rdata-arbitraries.ts';

const RECORDS_PER_TYPE = 12;
const seed = Date.now() & 0x7fff_ffff;
const folder = mkdtempSync(join(tmpdir(), 'rdata-judge-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Sample {
  readonly owner: string;
  readonly mnemonic: string;
  readonly type: number;
  readonly text: string;
  readonly wire: Uint8Array;
}

/** Every record with an owner of its own, so that nothing is merged or sorted away. */
const everything: Sample[] = Object.entries(rdataTexts).flatMap(([mnemonic, texts]) =>
  fc.sample(texts, { numRuns: RECORDS_PER_TYPE, seed }).map((text, at) => {
    const type = typeCode(mnemonic)!;
    const parsed = parseRdataText(type, text, ROOT);
    if (!parsed.ok) throw new Error(`seed ${seed}: ${mnemonic} ${text}: ${JSON.stringify(parsed.problems)}`);
    return { owner: `r${at}-${mnemonic.toLowerCase()}.example.`, mnemonic, type, text, wire: parsed.value };
  }),
);

/** named-compilezone takes no MD and MF in a zone (RFC 1035 §3.3.4–5: obsolete), and an SOA only at the apex. */
// ALIAS is PowerDNS's own, and no zone here has it.
const samples = everything.filter(({ mnemonic }) => !['MD', 'MF', 'SOA', 'ALIAS'].includes(mnemonic));

function tool(name: string): string {
  const found = spawnSync('which', [name], { encoding: 'utf8' });
  if (found.status !== 0) throw new Error(`${name} is not installed: npm test installs it (Debian: bind9-utils, ldnsutils)`);
  return found.stdout.trim();
}

function zoneFile(name: string, records: readonly string[], soa = 'ns.example. host.example. 1 1 1 1 1'): string {
  const file = join(folder, name);
  const head = `$TTL 60\nexample. IN SOA ${soa}\nexample. IN NS ns.example.\nns.example. IN A 192.0.2.1\n`;
  writeFileSync(file, `${head}${records.join('\n')}\n`, 'latin1');
  return file;
}

/** What named-compilezone makes of a file, without the checks that look across records. */
function compile(file: string, format: 'text' | 'raw' = 'text'): Buffer {
  const output = join(folder, 'compiled');
  const unchecked = ['-i', 'none', '-k', 'ignore', '-n', 'ignore', '-m', 'ignore', '-M', 'ignore', '-S', 'ignore'];
  const run = spawnSync(tool('named-compilezone'), [...unchecked, '-F', format, '-o', output, 'example.', file], { encoding: 'latin1' });
  if (run.status !== 0) throw new Error(`seed ${seed}: named-compilezone: ${run.stdout}${run.stderr}`);
  return readFileSync(output);
}

/** `owner type: ours, theirs` for every sample that `text`, a file of another's making, does not hold as we have it. */
function differences(text: string, expected: readonly Sample[]): string[] {
  const { entries, problems } = lexEntries(text, 'compiled');
  const theirs = new Map(
    entries.map(({ tokens }) => {
      const parsed = parseRdata(typeCode(tokens[3]?.text ?? '') ?? -1, tokens.slice(4), ROOT, 'compiled');
      return [tokens[0]!.text.toLowerCase(), parsed.ok ? toHex(parsed.value) : JSON.stringify(parsed.problems)];
    }),
  );
  const different = expected.filter(({ owner, wire }) => theirs.get(owner) !== toHex(wire));
  return [
    ...problems.map((each) => formatPlace(each.at)),
    ...different.map(({ owner, text: ours, wire }) => `${owner} ${ours}: ours ${toHex(wire)}, theirs ${theirs.get(owner)}`),
  ];
}

const compiled = (name: string, line: (sample: Sample) => string) => compile(zoneFile(name, samples.map(line))).toString('latin1');
const written = ({ owner, type, wire }: Sample) => {
  const form = zoneFileForm(type, wire);
  return `${owner} 60 IN ${form.type} ${form.rdata}`;
};

describe(`named-compilezone reads every type as we do (seed ${seed})`, () => {
  test('the text that we read', () => {
    const text = compiled('read', ({ owner, mnemonic, text: rdata }) => `${owner} IN ${mnemonic} ${rdata}`);
    expect(differences(text, samples)).toEqual([]);
  });
  test('the text that we write', () => {
    const text = compiled('formatted', ({ owner, mnemonic, type, wire }) => `${owner} IN ${mnemonic} ${formatRdata(type, wire)}`);
    expect(differences(text, samples)).toEqual([]);
  });
  test('RFC 3597 §5: the octets that we make, by its checks of wire form', () => {
    const text = compiled('octets', ({ owner, type, wire }) => `${owner} IN TYPE${type} \\# ${wire.length} ${toHex(wire)}`);
    expect(differences(text, samples)).toEqual([]);
  });
  test('the form for zone files', () => {
    expect(differences(compiled('written', written), samples)).toEqual([]);
  });
  test('its raw form holds our octets after their length', () => {
    const raw = compile(
      zoneFile(
        'raw',
        samples.map(({ owner, mnemonic, text }) => `${owner} IN ${mnemonic} ${text}`),
      ),
      'raw',
    );
    const missing = samples.filter(({ wire }) => !raw.includes(Buffer.from([wire.length >> 8, wire.length & 255, ...wire])));
    expect(missing.map(({ owner, text }) => `${owner} ${text}`)).toEqual([]);
  });
  test('SOA, which stands at the apex only', () => {
    const soas = everything.filter(({ mnemonic }) => mnemonic === 'SOA').map((sample) => ({ ...sample, owner: 'example.' }));
    const wrong = soas.flatMap((sample) => {
      const lines = compile(zoneFile('soa', [], sample.text))
        .toString('latin1')
        .split('\n');
      return differences(lines.find((line) => line.includes('SOA')) ?? '', [sample]);
    });
    expect(wrong).toEqual([]);
    expect(soas).toHaveLength(RECORDS_PER_TYPE);
  });
});

/** A line that names every type there is, as a signed zone has it. */
const TYPE_LINES = Object.values(TYPE)
  .filter((type) => !isMetaType(type) && type !== TYPE.NSEC && type !== TYPE.RRSIG)
  .flatMap((type, at) => {
    const forms = [
      zoneFileForm(TYPE.NSEC, parsedText('NSEC', `n${at}x.example. A ${typeName(type)} RRSIG NSEC`)),
      zoneFileForm(TYPE.RRSIG, parsedText('RRSIG', `${typeName(type)} 13 2 60 20300101000000 20200101000000 1 example. AQID`)),
    ];
    return forms.map((form) => `t${at}.example. 60 IN ${form.type} ${form.rdata}`);
  });

function parsedText(mnemonic: string, text: string): Uint8Array {
  const parsed = parseRdataText(typeCode(mnemonic)!, text, ROOT);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
}

/** NSD 4.6 says "bad gateway name" to one of IPSECKEY with an octet 0 in a label, which RFC 1035 §5.1 allows. */
const isReadByNsd = ({ mnemonic, text }: Sample) => mnemonic !== 'IPSECKEY' || !text.includes('\\000');

describe(`Knot and NSD (seed ${seed})`, () => {
  // What they say of a zone that they can read, a missing key or a wrong chain, is not asked for.
  const knot = (lines: readonly string[]) =>
    spawnSync(tool('kzonecheck'), ['-o', 'example.', zoneFile('for-knot', lines)], { encoding: 'latin1' }).stderr;
  const nsd = (lines: readonly string[]) =>
    spawnSync(tool('nsd-checkzone'), ['example.', zoneFile('for-nsd', lines)], { encoding: 'latin1' }).stdout;

  test('take the form for zone files of every type', () => {
    expect(knot(samples.map(written))).not.toContain('failed to run semantic checks');
    expect(nsd(samples.filter(isReadByNsd).map(written))).toBe('zone example. is ok\n');
  });
  test('take every type in NSEC and RRSIG', () => {
    expect(TYPE_LINES.length).toBeGreaterThan(150);
    expect(knot(TYPE_LINES)).not.toContain('failed to run semantic checks');
    expect(nsd(TYPE_LINES)).toBe('zone example. is ok\n');
  });
  test('would not take them by name', () => {
    const line = 'a.example. 60 IN NSEC b.example. A HIP RRSIG NSEC';
    expect(knot([line])).toContain('failed to run semantic checks');
    expect(nsd([line])).toContain('has 1 errors');
  });
});

describe(`ldns-read-zone (seed ${seed})`, () => {
  test('takes the form for zone files of every type', () => {
    const run = spawnSync(tool('ldns-read-zone'), [zoneFile('for-ldns', samples.map(written))], { encoding: 'latin1', maxBuffer: 2 ** 26 });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
    expect(run.stdout.match(/^r[0-9]+-/gm)).toHaveLength(samples.length);
  });
  test('takes every type in NSEC and RRSIG', () => {
    const run = spawnSync(tool('ldns-read-zone'), [zoneFile('types-for-ldns', TYPE_LINES)], { encoding: 'latin1', maxBuffer: 2 ** 26 });
    expect(run.status).toBe(0);
    // A name that it does not know becomes this.
    expect(run.stdout).not.toContain('TYPE0');
  });
  test('reads MD and MF, which BIND takes in no zone, as we do', () => {
    // ldns 1.8 writes a quote or @ in a name without its backslash.
    const obsolete = everything.filter(({ mnemonic, text }) => ['MD', 'MF'].includes(mnemonic) && !/\\["@]/.test(text));
    const file = zoneFile(
      'obsolete',
      obsolete.map(({ owner, mnemonic, text }) => `${owner} 60 IN ${mnemonic} ${text}`),
    );
    expect(differences(execFileSync(tool('ldns-read-zone'), [file], { encoding: 'latin1' }), obsolete)).toEqual([]);
    expect(obsolete.length).toBeGreaterThan(0);
  });
});
