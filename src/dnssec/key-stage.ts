/**
 * What a zone key does at each stage of its life: stand in the DNSKEY RRset, sign it, sign the rest of the zone, be
 * what CDS and CDNSKEY ask the parent for.
 * Implements: RFC 6781 §3.1 (CSK, or KSK and ZSK), §4.1 (what keys do during a rollover), RFC 7344 §4.1 (CDS and
 * CDNSKEY are signed by a key that the DS RRset names).
 * Not here: the keys themselves (key.ts).
 */
// `import type`, which leaves nothing behind: the answer process loads this module, and none that signs.
import type { SigningSettings } from './plan-signer.ts';
import type { KeyFlags, SigningKey } from './key.ts';

export const KEY_ROLES = ['csk', 'ksk', 'zsk'] as const;
/** Both jobs, or the DNSKEY RRset (KSK) and the rest of the zone (ZSK) apart. */
export type KeyRole = (typeof KEY_ROLES)[number];

export interface KeyUse {
  /** It stands in the DNSKEY RRset. */
  readonly isPublished: boolean;
  /** It signs DNSKEY, CDS and CDNSKEY. */
  readonly signsKeys: boolean;
  /** It signs every other RRset. */
  readonly signsZone: boolean;
  /** CDS and CDNSKEY ask the parent for it. */
  readonly isAnnounced: boolean;
}

const NONE: KeyUse = { isPublished: false, signsKeys: false, signsZone: false, isAnnounced: false };

/** What a CSK does; a KSK and a ZSK do their part of it. */
const USES = {
  /** Signs before validators can know it: an algorithm comes. */
  presigned: { ...NONE, signsZone: true },
  /** Known to validators before it is used. */
  published: { ...NONE, isPublished: true, signsKeys: true },
  /** The parent is asked for it. */
  submitted: { ...NONE, isPublished: true, signsKeys: true, isAnnounced: true },
  /** Signs all; the parent is not asked for it, yet or any more. */
  signing: { ...NONE, isPublished: true, signsKeys: true, signsZone: true },
  active: { isPublished: true, signsKeys: true, signsZone: true, isAnnounced: true },
  /** Kept for what caches have. */
  retired: { ...NONE, isPublished: true, signsKeys: true },
  /** Signs although it is gone from DNSKEY: an algorithm goes. */
  withdrawn: { ...NONE, signsZone: true },
} satisfies Readonly<Record<string, KeyUse>>;

export type KeyStage = keyof typeof USES;

export function isKeyRole(value: unknown): value is KeyRole {
  return KEY_ROLES.some((role) => role === value);
}

export function isKeyStage(value: unknown): value is KeyStage {
  return typeof value === 'string' && Object.hasOwn(USES, value);
}

/** What a key of this role does at this stage. */
export function keyUse(role: KeyRole, stage: KeyStage): KeyUse {
  const use = USES[stage];
  if (role === 'csk') return use;
  return role === 'ksk' ? { ...use, signsZone: false } : { ...use, signsKeys: false, isAnnounced: false };
}

/** RFC 4034 §2.1.1: the secure entry point bit marks keys that a DS record is about. */
export function roleFlags(role: KeyRole): KeyFlags {
  return role === 'zsk' ? 256 : 257;
}

/** A key with what it does. */
export interface StagedKey {
  readonly key: SigningKey;
  readonly role: KeyRole;
  readonly stage: KeyStage;
}

/** Which keys sign what, from the stages of all keys of a zone. */
export function signingBy(
  keys: readonly StagedKey[],
  isDeletingDs: boolean,
): Pick<SigningSettings, 'keys' | 'keySigners' | 'published' | 'announced'> {
  const used = (is: (use: KeyUse) => boolean): SigningKey[] =>
    keys.filter(({ role, stage }) => is(keyUse(role, stage))).map(({ key }) => key);
  return {
    keys: used(({ signsZone }) => signsZone),
    keySigners: used(({ signsKeys }) => signsKeys),
    published: used(({ isPublished }) => isPublished),
    announced: isDeletingDs ? 'delete' : used(({ isAnnounced }) => isAnnounced),
  };
}
