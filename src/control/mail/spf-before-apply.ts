/**
 * The look at SPF that a mail policy waits for before its turn, with what stands against the policy.
 * Not here: the look itself (spf.ts), what the rest of a policy is rejected for (steps.ts).
 */
import { type Problem, hasErrors } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { plainDomain } from '#mail/spf/parts.ts';
import { spfTree } from '#mail/spf/tree.ts';
import { type SpfLook, applyProblems } from '#mail/spf/upkeep.ts';
import { easeStandingSpf } from '#mail/standing.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { withDeadline } from './spf.ts';
import { type MailSteps } from './steps.ts';

/** What `policy` would find for the zone. Errors that the zone's present record has too, and no less, are warnings. */
export async function lookBeforeApply(
  steps: MailSteps,
  record: ZoneRecord,
  policy: MailPolicy,
  resolver: Resolver,
): Promise<{ readonly spf: SpfLook; readonly problems: readonly Problem[] }> {
  const domain = nameOf(record.name);
  const spf = await steps.lookAtSpf(record, policy, resolver);
  const problems = applyProblems(spf, { domain });
  if (!hasErrors(problems)) return { spf, problems };
  const { limited, end } = withDeadline(resolver);
  try {
    return { spf, problems: easeStandingSpf(problems, spf.tree, await spfTree(plainDomain(domain), limited)) };
  } finally {
    end();
  }
}
