/** Zones that another signer has signed: put together from a file's records, checked whole, and when they end. */
import { describe, expect, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { parseZoneFile } from '#dns/zone-file.ts';
import { assemblePresigned, firstEnd, flaggedNodes, verifyPresigned } from '#dnssec/presigned.ts';
import { rrsigFields } from '#dnssec/sign.ts';
import { assembleRrsets } from '#zone/assemble.ts';
import { rrsetOf } from '#zone/view.ts';
import { PRESIGNED, signer } from '../support/presigned-file.ts';
import { good } from '../support/temporary-control.ts';
import { TEST_NOW_MS } from '../support/temporary-store.ts';

const NOW = TEST_NOW_MS / 1000;
let made: string | undefined;

/** Made once, in the first test that needs it. */
async function signedFile(): Promise<string> {
  made ??= (await signer()).file();
  return made;
}

function assemble(text: string) {
  const { records } = parseZoneFile(text, { file: 'z', origin: PRESIGNED });
  const { rrsets } = assembleRrsets(
    PRESIGNED,
    records.filter(({ type }) => type !== TYPE.RRSIG),
  );
  return assemblePresigned(
    PRESIGNED,
    rrsets,
    records.filter(({ type }) => type === TYPE.RRSIG),
  );
}

const without = (file: string, pattern: RegExp) =>
  file
    .split('\n')
    .filter((line) => !pattern.test(line))
    .join('\n');
const codes = async (text: string, nowSeconds = NOW) => {
  const zone = assemble(text);
  return zone.ok ? (await verifyPresigned(zone.value, nowSeconds)).map(({ code }) => code) : zone.problems.map(({ code }) => code);
};

test('RFC 4035 §2: a whole signed zone is good, its RRSIGs stand with what they sign, and its chain is the signer’s', async () => {
  const file = await signedFile();
  const zone = good(assemble(file));
  expect(await codes(file)).toEqual([]);
  const apex = zone.node(zone.apexKey)!;
  expect(rrsetOf(apex, TYPE.SOA)!.signatures).toHaveLength(1);
  expect([TYPE.NSEC, TYPE.DNSKEY, TYPE.CDS].map((type) => rrsetOf(apex, type)?.manager)).toEqual(['dnssec', 'dnssec', 'dnssec']);
  expect([...flaggedNodes(zone)].length).toBe(zone.size);
});

describe('RFC 4035 §5.3: what a validator would reject is rejected', () => {
  test.each<readonly [string, (file: string) => string, string]>([
    ['an RRset without signature', (file) => without(file, /RRSIG\tSOA|RRSIG SOA/), 'DNSSEC_UNSIGNED'],
    ['no DNSKEY', (file) => without(file, /\sDNSKEY\s/), 'DNSSEC_SIGNATURE'],
    ['a record that is changed', (file) => file.replace('192.0.2.2', '192.0.2.99'), 'DNSSEC_SIGNATURE'],
    ['a gap in the chain', (file) => without(file, /^w\.pre.*NSEC|^\*\.w\..*NSEC/), 'DNSSEC_CHAIN'],
    ['a record that the NSEC does not list', (file) => `${file}\na.b.c.pre.example. 300 IN TXT "new"\n`, 'DNSSEC_UNSIGNED'],
    [
      'a signature over nothing',
      (file) =>
        `${file}\n${file
          .split('\n')
          .find((line) => /^a\.b\.c.*RRSIG\s+A\s/.test(line))
          ?.replace(/^a\.b\.c/, 'zz')}\n`,
      'DNSSEC_SIGNATURE',
    ],
  ])('%s', async (_name, change, code) => {
    const file = await signedFile();
    const text = change(file);
    expect(text).not.toBe(file);
    expect(await codes(text)).toContain(code);
  });

  test('signatures that have ended, or do not hold yet', async () => {
    const file = await signedFile();
    expect(await codes(file, NOW + 30 * 86_400)).toContain('DNSSEC_TIME');
    expect(await codes(file, NOW - 86_400)).toContain('DNSSEC_TIME');
  });

  test('an algorithm that cannot be checked here', async () => {
    const file = await signedFile();
    expect(await codes(`${file}\npre.example. 3600 IN DNSKEY 256 3 10 ${'A'.repeat(172)}\n`)).toEqual(['DNSSEC_KEY']);
  });
});

test('the signature that ends first', async () => {
  const zone = good(assemble(await signedFile()));
  const all = [...zone.ascend(zone.apexKey)].flatMap(({ rrsets }) =>
    rrsets.flatMap(({ signatures }) => signatures.map((each) => rrsigFields(each).expiration)),
  );
  expect(firstEnd(zone, NOW)!.seconds).toBe(Math.min(...all));
});

/** Lines of one NSEC3 that is not the apex'. */
function hashedLines(file: string): RegExp {
  const [, label] = /^([0-9a-v]{32})\..*IN\s+NSEC3\s.*TXT RRSIG/m.exec(file)!;
  return new RegExp(`^${label}\\.`);
}

describe('RFC 5155 §7.1: a zone with NSEC3', () => {
  test('is good with its whole chain, and the chain is the signer’s', async () => {
    const file = (await signer('nsec3')).file();
    expect(await codes(file)).toEqual([]);
    const zone = good(assemble(file));
    const hashed = [...zone.hashed.ascend(zone.apexKey)];
    const managers = hashed.flatMap(({ rrsets }) => rrsets.map(({ manager }) => manager));
    expect([managers.length, new Set(managers)]).toEqual([8, new Set(['dnssec'])]);
  });

  test.each<readonly [string, (file: string) => string, string]>([
    ['a name without its NSEC3', (file) => without(file, hashedLines(file)), 'DNSSEC_CHAIN'],
    ['an NSEC3 of no name', (file) => without(file, /^a\.b\.c\.pre/), 'DNSSEC_CHAIN'],
    ['no NSEC3PARAM', (file) => without(file, /IN\s+(RRSIG\s+)?NSEC3PARAM/), 'DNSSEC_CHAIN'],
    ['§3.1.2.1: a flag', (file) => file.replaceAll(/NSEC3\t1 0 0 -/g, 'NSEC3\t1 1 0 -'), 'DNSSEC_SIGNATURE'],
    ['§7.3: two chains', (file) => `${file}\npre.example. 0 IN NSEC3PARAM 1 0 3 AB\n`, 'PRESIGNED_NSEC3'],
    ['RFC 9276 §3.2: 151 iterations', (file) => file.replace(/PARAM\t1 0 0 -/, 'PARAM\t1 0 151 -'), 'PRESIGNED_NSEC3'],
  ])('%s is not', async (_name, change, code) => {
    const file = (await signer('nsec3')).file();
    const text = change(file);
    expect(text).not.toBe(file);
    expect(await codes(text)).toContain(code);
  });
});
