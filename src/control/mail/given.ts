/** Reads a given mail policy. Not here: what results from it (decide.ts). */
import { type Problem, type Result, ok } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { type MailPolicyDocument, checkPolicyDocument } from '#mail/policy/schema.ts';
import { settlePolicy } from '#mail/settle.ts';

export interface GivenPolicy {
  readonly document: MailPolicyDocument;
  readonly policy: MailPolicy;
  /** Warnings. */
  readonly problems: readonly Problem[];
}

/** The policy for a zone, or every problem of it. */
export function readGiven(given: unknown, zone: Name): Result<GivenPolicy> {
  const document = checkPolicyDocument(given);
  if (!document.ok) return document;
  const policy = settlePolicy(document.value, zone);
  return policy.ok ? ok({ document: document.value, policy: policy.value, problems: policy.warnings }) : policy;
}
