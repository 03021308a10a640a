/**
 * A key policy after a change of some of its fields, and what stands against it. Pure.
 * Implements: RFC 6781 §4.4.2 (how the times of signatures, refreshes and caches have to fit together).
 * Not here: whose policy it is (decide.ts, policies.ts), what follows from it (dnssec/rollover/wanted.ts).
 */
import { DNS_PORT, parseIpPort } from '#base/address.ts';
import { PARENT_ADDRESSES_MAX, SIGNATURE_DEAD_SECONDS, SIGNATURE_REFRESH_SECONDS_MIN } from '#base/limits/dnssec.ts';
import { type Place, WHOLE, atField } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { algorithmOf } from '#dnssec/algorithm.ts';
import { type KeyPolicy } from '#dnssec/key-policy.ts';
import { signaturePolicyOf } from '#dnssec/sign.ts';
import { type KeyPolicyChange } from '#control/api/dnssec.ts';

/** `mayNameAddresses`: this server sends to them, so only a client that may change every zone names them. */
export function changedPolicy(
  before: KeyPolicy,
  change: KeyPolicyChange,
  mayNameAddresses: boolean,
): Result<KeyPolicy> {
  const merged = Object.fromEntries(
    Object.entries({ ...before, ...change }).filter(([, value]) => value !== null),
  ) as unknown as KeyPolicy;
  const problems = [...parentProblems(merged, change, mayNameAddresses), ...timeProblems(merged)];
  const { algorithm } = merged;
  if (change.algorithm !== undefined && !algorithmOf(algorithm).isMade)
    problems.push(
      bad(
        atField('algorithm'),
        `new keys of algorithm ${algorithm} are not made: it is for zones that come with it`,
        'use 13, 14, 15 or 16',
      ),
    );
  return problems.length > 0 ? fail(...problems) : ok(merged, warningsOf(merged));
}

export function noPolicy(name: string): Problem {
  return problem('DNSSEC_POLICY_NONE', WHOLE, `there is no key policy ${JSON.stringify(name)}; nothing was changed`, {
    fix: 'waxseal dnssec policy list',
  });
}

function bad(at: Place, message: string, fix?: string): Problem {
  return problem('DNSSEC_POLICY', at, message, fix === undefined ? {} : { fix });
}

function parentProblems(
  { parentServers = [] }: KeyPolicy,
  change: KeyPolicyChange,
  mayNameAddresses: boolean,
): Problem[] {
  const at = atField('parentServers');
  const problems: Problem[] = [];
  if (change.parentServers !== undefined && !mayNameAddresses)
    problems.push(
      bad(
        at,
        'only an administrator of all zones may name the addresses of a parent',
        'leave it out, or use a token for all zones',
      ),
    );
  if (parentServers.length > PARENT_ADDRESSES_MAX)
    problems.push(bad(at, `${parentServers.length} addresses; ${PARENT_ADDRESSES_MAX} are asked at most`));
  for (const each of parentServers) {
    const parsed = parseIpPort(each, at, DNS_PORT);
    if (!parsed.ok) problems.push(...parsed.problems);
  }
  return problems;
}

/** A signature must be renewed, and the renewed one be everywhere, before it ends. */
function timeProblems(policy: KeyPolicy): Problem[] {
  const { validitySeconds, spreadSeconds, refreshSeconds } = signaturePolicyOf(policy);
  const { propagationSeconds } = policy;
  const problems: Problem[] = [];
  if (validitySeconds - spreadSeconds <= refreshSeconds)
    problems.push(
      bad(
        atField('signatureValiditySeconds'),
        `${validitySeconds} s of validity, less ${spreadSeconds} s of jitter, leave no time before the refresh with ` +
          `${refreshSeconds} s left: every signature would be due as soon as it is made`,
        'a longer validity, or less refresh or jitter',
      ),
    );
  const least = SIGNATURE_REFRESH_SECONDS_MIN + propagationSeconds;
  if (refreshSeconds < least)
    problems.push(
      bad(
        atField('signatureRefreshSeconds'),
        `a refresh with ${refreshSeconds} s left is too late: zones are swept every hour, and a change takes ` +
          `${propagationSeconds} s to every name server`,
        `at least ${least}`,
      ),
    );
  return problems;
}

function warningsOf(policy: KeyPolicy): Problem[] {
  const { refreshSeconds } = signaturePolicyOf(policy);
  if (refreshSeconds >= SIGNATURE_DEAD_SECONDS) return [];
  const hours = Math.floor(refreshSeconds / 3600);
  return [
    warning(
      'DNSSEC_POLICY',
      atField('signatureRefreshSeconds'),
      `signatures have ${hours} hours left when they are renewed: if signing stops, or a clock is wrong, for longer ` +
        'than that, the zone is bogus',
      { fix: `the default, ${SIGNATURE_DEAD_SECONDS}, lasts for a week` },
    ),
  ];
}
