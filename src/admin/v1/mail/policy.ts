/**
 * `/v1/zones/{zone}/mail`: the mail policy of a zone; `/v1/mail/schema`: the form of a policy.
 * Not here: the state of what follows from it (status.ts), a policy made from the records of a zone (proposal.ts).
 */
import { type TSchema, Type } from 'typebox';
import { ok } from '#base/problem.ts';
import type { ControlApi } from '#control/api/control.ts';
import { MailPolicySchema } from '#mail/policy/schema.ts';
import { profileReport } from '#mail/profiles.ts';
import type { ZoneRecord } from '#store/schema.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { problemForm } from '#admin/http/problems.ts';
import { readRoute, zoneReadRoute } from '#admin/http/read-route.ts';
import { ProblemList, Switch, isOn, openObject } from '#admin/http/schemas.ts';
import { withMail } from './zone-mail.ts';

export const PolicyForm: TSchema = MailPolicySchema;

const DemandForm = Type.Object({
  profile: Type.String(),
  isNamed: Type.Boolean(),
  at: Type.String(),
  wish: Type.String(),
  source: Type.String(),
  isMet: Type.Boolean(),
});

export const policyRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/mail',
    tag: 'mail',
    summary: 'Show the mail policy',
    answers: { 200: Type.Object({ zone: Type.String(), policy: PolicyForm, demands: Type.Array(DemandForm), problems: ProblemList }) },
    show: (asked) =>
      withMail(asked, ({ document, policy, problems }) => ({
        etag: contentEtag(document),
        body: () => ({
          zone: asked.zone.name,
          policy: document,
          demands: profileReport(policy),
          problems: problems.map(problemForm),
        }),
      })),
  }),

  zoneChangeRoute({
    method: 'PUT',
    url: '/v1/zones/:zone/mail',
    tag: 'mail',
    summary: 'Apply a mail policy',
    description:
      'Changes records and keys, and plans all later steps, in one transaction. With ?dryRun=1 the answer is the ' +
      'plan, with the same keys that applying the policy will publish.',
    query: { takeOver: Type.Optional({ ...Switch, description: 'replace records that were set by hand' }) },
    // The policy's own reader finds all problems at once, and takes one profile as a string.
    body: openObject('a mail policy, in the form of /v1/mail/schema'),
    multiline: ['/dane/hosts/*/keys/*'],
    example: { dmarc: { policy: 'reject' }, mtaSts: { mode: 'testing' } },
    change: ({ control, zone, apex, body, query }) => {
      const existed = control.mail.view(zone) !== undefined;
      return ok({
        command: { kind: 'mail.apply', zone: apex, policy: body, takeOver: isOn(query.takeOver) },
        etagBefore: (record) => policyTag(control, record),
        etagAfter: () => policyTag(control, zone),
        created: () => !existed,
      });
    },
  }),

  zoneChangeRoute({
    method: 'DELETE',
    url: '/v1/zones/:zone/mail',
    tag: 'mail',
    summary: 'Remove the mail policy',
    description:
      'Destroys the keys of the policy. Its records stay as records set by hand, so that mail under way still ' +
      'verifies; records=delete removes them too.',
    query: { records: Type.Optional(Type.Enum(['keep', 'delete'])) },
    change: ({ apex, query: { records = 'keep' } }) => ok({ command: { kind: 'mail.remove', zone: apex, records } }),
  }),

  readRoute({
    url: '/v1/mail/schema',
    access: 'public',
    tag: 'mail',
    summary: 'Show the JSON schema of a mail policy',
    answers: { 200: openObject() },
    show: () => ok({ body: () => MailPolicySchema }),
  }),
];

/** The ETag of the zone's mail policy. */
function policyTag(control: ControlApi, zone: ZoneRecord | undefined): string | undefined {
  const mail = zone === undefined ? undefined : control.mail.view(zone);
  return mail === undefined ? undefined : contentEtag(mail.document);
}
