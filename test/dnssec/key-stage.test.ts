/** What keys do at each stage. */
import { describe, expect, test } from 'vitest';
import { engineKey } from '#dnssec/key.ts';
import { type KeyRole, type KeyStage, isKeyRole, isKeyStage, keyUse, roleFlags, signingBy } from '#dnssec/key-stage.ts';

const KEYS = [1, 2, 3].map((octet) => engineKey(new Uint8Array(32).fill(octet)));
const [A, B] = KEYS;

/** Of a use: P published, K signs keys, Z signs the zone, A announced. */
function letters(role: KeyRole, stage: KeyStage): string {
  const { isPublished, signsKeys, signsZone, isAnnounced } = keyUse(role, stage);
  return `${isPublished ? 'P' : ''}${signsKeys ? 'K' : ''}${signsZone ? 'Z' : ''}${isAnnounced ? 'A' : ''}`;
}

describe('RFC 6781 §3.1: a CSK does both jobs; a KSK signs the DNSKEY RRset, a ZSK the rest', () => {
  test.each<[KeyStage, string, string, string]>([
    ['presigned', 'Z', '', 'Z'],
    ['published', 'PK', 'PK', 'P'],
    ['submitted', 'PKA', 'PKA', 'P'],
    ['signing', 'PKZ', 'PK', 'PZ'],
    ['active', 'PKZA', 'PKA', 'PZ'],
    ['retired', 'PK', 'PK', 'P'],
    ['withdrawn', 'Z', '', 'Z'],
  ])('%s', (stage, csk, ksk, zsk) => {
    expect([letters('csk', stage), letters('ksk', stage), letters('zsk', stage)]).toEqual([csk, ksk, zsk]);
  });
});

test('RFC 4034 §2.1.1: only a ZSK lacks the secure entry point bit', () => {
  expect([roleFlags('csk'), roleFlags('ksk'), roleFlags('zsk')]).toEqual([257, 257, 256]);
});

test('what is read from a store is a role and a stage, or not', () => {
  expect([isKeyRole('ksk'), isKeyRole('key'), isKeyStage('active'), isKeyStage('toString'), isKeyStage(3)]).toEqual([
    true,
    false,
    true,
    false,
    false,
  ]);
});

test('RFC 8078 §4: while the DS is to go, no key is announced', () => {
  const staged = [
    { key: A!, role: 'csk', stage: 'active' },
    { key: B!, role: 'csk', stage: 'published' },
  ] as const;
  expect(signingBy(staged, false)).toEqual({ keys: [A], keySigners: [A, B], published: [A, B], announced: [A] });
  expect(signingBy(staged, true).announced).toBe('delete');
});
