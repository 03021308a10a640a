/** Hashed owner names, against the example zone of RFC 5155. */
import { describe, expect, test } from 'vitest';
import { formatName, nameOf } from '#dns/name.ts';
import {
  HASHED_APEX_BYTES_MAX,
  type Nsec3Parameters,
  hashName,
  hashOfOwner,
  hashedOwner,
  nsec3Fields,
  nsec3Parameters,
  nsec3Rdata,
  nsec3paramRdata,
} from '#dns/nsec3.ts';
import { formatRdata, parseRdataText } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';

/** RFC 5155 Appendix A: 12 iterations, salt aabbccdd. */
const EXAMPLE: Nsec3Parameters = { iterations: 12, salt: Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd) };

describe('RFC 5155 Appendix A', () => {
  test.each([
    ['example.', '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom'],
    ['a.example.', '35mthgpgcu1qg68fab165klnsnk3dpvl'],
    ['ai.example.', 'gjeqe526plbf1g8mklp59enfd789njgi'],
    ['ns1.example.', '2t7b4g4vsa5smi47k61mv5bv1a22bojr'],
    ['NS2.example.', 'q04jkcevqvmu85r014c7dkba38o0ji5r'],
    ['w.example.', 'k8udemvp1j2f7eg6jebps17vp3n8i58h'],
    ['*.w.example.', 'r53bq7cc2uvmubfu5ocmm6pers9tk9en'],
    ['x.w.example.', 'b4um86eghhds6nea196smvmlo4ors995'],
    ['y.w.example.', 'ji6neoaepv8b5o6k4ev33abha8ht9fgc'],
    ['x.y.w.example.', '2vptu5timamqttgl4luu9kg21e0aor3s'],
    ['xx.example.', 't644ebqk9bibcna874givr6joj62mlhv'],
  ])('the hashed owner name of %s', (name, label) => {
    const hash = hashName(EXAMPLE, nameOf(name));
    const owner = hashedOwner(hash, nameOf('example.'));
    expect(formatName(owner)).toBe(`${label}.example.`);
    expect(hashOfOwner(owner)).toEqual(hash);
    expect(hashOfOwner(nameOf(`${label.toUpperCase()}.example.`))).toEqual(hash);
  });
});

test('what is no hash', () => {
  for (const label of ['a', 'w'.repeat(32), `${'0'.repeat(31)}-`, '0'.repeat(33)])
    expect(hashOfOwner(nameOf(`${label}.example.`))).toBeUndefined();
});

test('RFC 5155 §3: one label before the apex, and no name is longer than 255 octets', () => {
  const label = (size: number) => `${'l'.repeat(size)}.`;
  const longest = nameOf(label(63) + label(63) + label(63) + label(28));
  expect(longest).toHaveLength(HASHED_APEX_BYTES_MAX);
  expect(hashedOwner(new Uint8Array(20), longest)).toHaveLength(255);
  expect(() => hashedOwner(new Uint8Array(20), nameOf(label(63) + label(63) + label(63) + label(29)))).toThrow('too long');
});

test('RFC 5155 §3.2 and §4.2: RDATA and back', () => {
  const next = hashName(EXAMPLE, nameOf('example.'));
  const rdata = nsec3Rdata(EXAMPLE, 1, next, Uint8Array.of(0, 1, 0x40));
  expect(formatRdata(TYPE.NSEC3, rdata)).toMatch(/^1 1 12 AABBCCDD 0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM A$/i);
  expect(nsec3Fields(rdata)).toEqual({ ...EXAMPLE, flags: 1, nextHash: next, bitmap: Uint8Array.of(0, 1, 0x40) });
  const nsec3param = parseRdataText(TYPE.NSEC3PARAM, '1 0 12 aabbccdd', nameOf('.'));
  expect(nsec3param).toMatchObject({ ok: true, value: nsec3paramRdata(EXAMPLE) });
  expect(nsec3Parameters(nsec3paramRdata(EXAMPLE))).toEqual(EXAMPLE);
});
