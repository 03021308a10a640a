/**
 * Which policy of a DMARC record holds today at every receiver, for those who take the record over: a domain that only tests, or asks for
 * a part of its mail, does not have what `p` says.
 * Implements: RFC 9989 §4.7 ("t"), §A.6; RFC 7489 §6.3, §6.6.4 ("pct": the rest of the mail gets the next weaker policy).
 * Not here: the policy that a receiver applies to one message (advice.ts).
 */
import { dmarcTags, type DmarcPolicy, type DmarcRecord, DMARC_POLICIES, parseDmarc } from './record.ts';

export interface DmarcInForce {
  readonly record: DmarcRecord;
  readonly policy: DmarcPolicy;
  /** Why that is not the record's `p`; absent when it is. */
  readonly why?: string;
}

/** The weakest policy that a receiver may apply; undefined when the text is not a good record. */
export function dmarcInForce(text: string): DmarcInForce | undefined {
  const parsed = parseDmarc(text);
  if (!parsed.ok) return undefined;
  const record = parsed.value;
  const { policy: stated = 'none', subdomainPolicy, nonexistentPolicy, isTesting } = record;
  // A policy of none has nothing that a test or a part could take away.
  const isNone = [stated, subdomainPolicy, nonexistentPolicy].every((each) => each === undefined || each === 'none');
  if (isNone) return { record, policy: 'none' };
  const percent = samplePercent(text);
  const reasons = [
    ...(isTesting ? ['asks receivers only to test (t=y): those of RFC 9989 apply one step less, older ones do not know it'] : []),
    ...(percent < 100 ? [`is for ${percent} % of the mail (pct=${percent}) at receivers of RFC 7489, the rest gets one step less`] : []),
  ];
  if (reasons.length === 0) return { record, policy: stated };
  const weaker = DMARC_POLICIES[Math.max(0, DMARC_POLICIES.indexOf(stated) - 1)]!;
  return { record, policy: weaker, why: reasons.join('; ') };
}

/** What RFC 7489 receivers read in "pct"; what is not a number from 0 to 100 is as if it were not there. */
function samplePercent(text: string): number {
  const value = dmarcTags(text).get('pct') ?? '100';
  return /^\d{1,3}$/.test(value) && Number(value) <= 100 ? Number(value) : 100;
}

/** What the record means to receivers, equal for equal meanings; undefined when they read none. */
export function dmarcMeaning(text: string): string | undefined {
  const found = dmarcInForce(text);
  if (found === undefined) return undefined;
  const { record, why = '' } = found;
  const { policy, subdomainPolicy, nonexistentPolicy, isPublicSuffix, failureUris, failureOptions, ...rest } = record;
  // RFC 9989 §4.10.1: without a policy and without an address for reports the record asks for nothing.
  const own = policy ?? (rest.aggregateUris.length > 0 ? 'none' : undefined);
  const subdomains = subdomainPolicy ?? own;
  const options = failureUris.length === 0 ? [] : failureOptions.toSorted();
  const policies = [own, subdomains, nonexistentPolicy ?? subdomains];
  return JSON.stringify([
    ...policies.map((each) => each ?? '-'),
    why,
    rest.dkimAlignment,
    rest.spfAlignment,
    isPublicSuffix ?? 'walk',
    rest.aggregateUris,
    failureUris,
    options,
  ]);
}
