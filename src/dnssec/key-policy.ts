/**
 * What keys a zone shall have, how long each is used, and the times that rollovers count with.
 * Implements: RFC 6781 §3.1 (one key or two), §3.3 (lifetimes), RFC 7583 §3.1 (Dprp, TTLkey; DprpP is the parent's).
 * Not here: how the zone's keys become those (rollover/step.ts), how long signatures live (sign.ts).
 */
import { KEY_TTL_SECONDS, ZSK_LIFETIME_SECONDS } from '#base/limits/dnssec.ts';
import { PARENT_PROPAGATION_SECONDS, PROPAGATION_SECONDS } from '#base/limits/dnssec.ts';
import { type AlgorithmNumber, ECDSA_P256, isAlgorithmNumber } from './algorithm-form.ts';
import { type KeyRole } from './key-stage.ts';

export interface KeyPolicy {
  readonly keys: 'csk' | 'ksk+zsk';
  readonly algorithm: AlgorithmNumber;
  /** How long a CSK or KSK is used; absent: until someone rolls it. */
  readonly kskLifetimeSeconds?: number;
  /** The same of a ZSK. */
  readonly zskLifetimeSeconds?: number;
  /** By then every name server of the zone serves a change, also those that cannot be asked one by one. */
  readonly propagationSeconds: number;
  /** TTL of DNSKEY, CDS and CDNSKEY. */
  readonly keyTtlSeconds: number;
  /** The same as `propagationSeconds`, of the parent's name servers. */
  readonly parentPropagationSeconds: number;
  /** TTL of the DS records, where the parent cannot be asked for it; absent: a day. */
  readonly parentDsTtlSeconds?: number;
  /** From signing to the latest expiration; absent, as the next three: as SIGNATURE_POLICY has it. */
  readonly signatureValiditySeconds?: number;
  /** A signature with less than this left is made anew. */
  readonly signatureRefreshSeconds?: number;
  /** Expirations are pulled earlier by up to this, so that not all are renewed at once. */
  readonly signatureJitterSeconds?: number;
  /** Inception lies this long before signing: validators' clocks may be slow. */
  readonly inceptionOffsetSeconds?: number;
  /** Where the parent's name servers are, as ADDR or ADDR:PORT; absent: they are looked up. */
  readonly parentServers?: readonly string[];
}

export const KEY_POLICY: KeyPolicy = {
  keys: 'csk',
  algorithm: ECDSA_P256,
  zskLifetimeSeconds: ZSK_LIFETIME_SECONDS,
  propagationSeconds: PROPAGATION_SECONDS,
  keyTtlSeconds: KEY_TTL_SECONDS,
  parentPropagationSeconds: PARENT_PROPAGATION_SECONDS,
};

const OPTIONAL_TIMES = [
  'parentDsTtlSeconds',
  'signatureValiditySeconds',
  'signatureRefreshSeconds',
  'signatureJitterSeconds',
  'inceptionOffsetSeconds',
] as const;

/** The name of the policy of zones that have no other. */
export const DEFAULT_POLICY_NAME = 'default';

/** True when `text` can be the name of a policy. */
export function isPolicyName(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text);
}

/** True when `value` is a whole policy, as it is stored. */
export function isKeyPolicy(value: unknown): value is KeyPolicy {
  if (typeof value !== 'object' || value === null) return false;
  const { keys, algorithm, parentServers, ...times } = value as Readonly<Record<string, unknown>>;
  const isTime = (name: keyof KeyPolicy, isOptional: boolean): boolean => {
    const seconds = times[name];
    return seconds === undefined ? isOptional : Number.isInteger(seconds) && Number(seconds) >= 0;
  };
  return (
    (keys === 'csk' || keys === 'ksk+zsk') &&
    isAlgorithmNumber(algorithm) &&
    isTime('kskLifetimeSeconds', true) &&
    isTime('zskLifetimeSeconds', true) &&
    isTime('propagationSeconds', false) &&
    isTime('keyTtlSeconds', false) &&
    isTime('parentPropagationSeconds', false) &&
    OPTIONAL_TIMES.every((name) => isTime(name, true)) &&
    (parentServers === undefined ||
      (Array.isArray(parentServers) && parentServers.every((each) => typeof each === 'string')))
  );
}

/** The roles that a zone of this policy has a key for. */
export function rolesOf({ keys }: Pick<KeyPolicy, 'keys'>): readonly KeyRole[] {
  return keys === 'csk' ? ['csk'] : ['ksk', 'zsk'];
}
