/**
 * What a DMARC record means in use: the policy for a name, and what its owner should know about it.
 * Implements: RFC 9989 §4.7 (sp, np, t), §4.10.1 (which tag applies), §7 (advice).
 * Not here: finding the record (discovery.ts); stages and evidence, which are a matter of the mail policy.
 */
import { atTag } from '#base/place.ts';
import { type Problem, warning } from '#base/problem.ts';
import { DMARC_POLICIES, type DmarcPolicy, type DmarcRecord } from './record.ts';

/** How the author domain of a message stands to the domain that the record is for. */
export type DmarcRelation = 'self' | 'existing-subdomain' | 'nonexistent-subdomain';

/** 0 none, 1 quarantine, 2 reject. */
export function policyStrength(policy: DmarcPolicy): number {
  return DMARC_POLICIES.indexOf(policy);
}

/** The policy that the record states for a name; a missing `p` is none (RFC 9989 §4.7). */
export function statedPolicy(record: DmarcRecord, relation: DmarcRelation): DmarcPolicy {
  const own = record.policy ?? 'none';
  if (relation === 'self') return own;
  const subdomain = record.subdomainPolicy ?? own;
  return relation === 'existing-subdomain' ? subdomain : (record.nonexistentPolicy ?? subdomain);
}

/** The policy that a receiver of RFC 9989 applies: one step lower in test mode (§4.7 "t"). Older receivers apply `statedPolicy`. */
export function appliedPolicy(record: DmarcRecord, relation: DmarcRelation): DmarcPolicy {
  const stated = statedPolicy(record, relation);
  return record.isTesting ? DMARC_POLICIES[Math.max(0, policyStrength(stated) - 1)]! : stated;
}

/** Warnings about a record that is well formed and yet not what its owner wants. */
export function adviseDmarc(record: DmarcRecord): Problem[] {
  const problems: Problem[] = [];
  const [own, existing, nonexistent] = (['self', 'existing-subdomain', 'nonexistent-subdomain'] as const).map((relation) =>
    statedPolicy(record, relation),
  );
  const weaker = (tag: string, policy: DmarcPolicy, than: DmarcPolicy, names: string) => {
    if (policyStrength(policy) < policyStrength(than))
      problems.push(
        warning('DMARC_POLICY_WEAKER', atTag(tag), `${policy} is weaker than ${than}: ${names} can be forged instead`, {
          rfc: 'RFC 9989 §4.7',
        }),
      );
  };
  weaker('sp', existing!, own!, 'any subdomain');
  weaker('np', nonexistent!, existing!, 'a subdomain that does not exist');
  if (record.isTesting && own !== 'none')
    problems.push(
      warning('DMARC_TESTING_ENFORCED', atTag('t'), `older receivers do not know t=y and apply ${own} in full`, {
        rfc: 'RFC 9989 §A.6',
        fix: `while testing, publish p=${appliedPolicy(record, 'self')} instead`,
      }),
    );
  if (record.aggregateUris.length === 0)
    problems.push(
      warning('DMARC_REPORTS_NONE', atTag('rua'), 'no reports are asked for, so failures of own mail go unseen', {
        rfc: 'RFC 9989 §5.1.3',
      }),
    );
  if (record.failureUris.length === 0 && record.failureOptions.join(':') !== '0')
    problems.push(warning('DMARC_FAILURE_UNUSED', atTag('fo'), 'is ignored, since there is no ruf=', { rfc: 'RFC 9989 §4.7' }));
  if (record.failureUris.length > 0 && record.isPublicSuffix === true)
    problems.push(warning('DMARC_FAILURE_UNUSED', atTag('ruf'), 'is ignored in a record with psd=y', { rfc: 'RFC 9991 §2' }));
  return problems;
}
