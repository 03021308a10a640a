/**
 * What a zone is signed with, from its record and its open keys.
 * Implements: RFC 8901 §2.1.2 (keys of other providers stand beside its own).
 * Not here: keys (keys.ts), who signs what at which stage (dnssec/key-stage.ts).
 */
import { toSeconds } from '#base/clock.ts';
import { NSEC3_PARAMETERS } from '#dns/nsec3.ts';
import { KEY_POLICY } from '#dnssec/key-policy.ts';
import { signingBy } from '#dnssec/key-stage.ts';
import { type SigningSettings } from '#dnssec/plan.ts';
import { signaturePolicyOf } from '#dnssec/sign.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type OpenKey } from './keys.ts';
import { type PoolKey } from './pool.ts';
import { type SigningTime } from './signing-clock.ts';

/** `open`: the keys of `record`, in its order. */
export function settingsOf(open: readonly OpenKey[], record: ZoneRecord, time: SigningTime): SigningSettings {
  const { keys, isDeletingDs, keyPolicy, foreignKeys = [] } = record;
  const staged = keys.map(({ role, state }, at) => ({ key: open[at]!.key, role, stage: state }));
  const policy = keyPolicy ?? KEY_POLICY;
  const ofPolicy = { keyTtlSeconds: policy.keyTtlSeconds, policy: signaturePolicyOf(policy) };
  const own = signingBy(staged, isDeletingDs === true);
  // RFC 8901 §2.1.2: each provider's DNSKEY RRset has the keys of all, and only its own sign it.
  const foreign = foreignKeys.map(({ dnskey, isAnnounced }) => {
    return { dnskey: new Uint8Array(Buffer.from(dnskey, 'base64')), isAnnounced };
  });
  return {
    ...own,
    published: [...own.published, ...foreign],
    ...(own.announced === 'delete' || own.announced === undefined
      ? {}
      : { announced: [...own.announced, ...foreign.filter(({ isAnnounced }) => isAnnounced)] }),
    ...ofPolicy,
    nowSeconds: toSeconds(time.earliestMs),
    latestSeconds: toSeconds(time.latestMs),
  };
}

/** What the zone says of itself as a whole. */
export function claimsOf({ denial, zonemd }: ZoneRecord): Pick<SigningSettings, 'nsec3' | 'zonemd'> {
  const nsec3 = denial === 'nsec3' ? { nsec3: NSEC3_PARAMETERS } : {};
  return zonemd === undefined ? nsec3 : { ...nsec3, zonemd };
}

/** The same keys for signing threads. */
export function poolKeys(keys: readonly OpenKey[]): PoolKey[] {
  return keys.map(({ key: { flags, algorithm, dnskey }, secret }) => ({ secret, flags, algorithm, dnskey }));
}
