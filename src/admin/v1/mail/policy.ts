/**
 * `/v1/zones/{zone}/mail`: the mail policy, how what it set going stands, what receivers would say, and the policy that a zone's records
 * come from.
 * Not here: orders to single lives (orders.ts).
 */
import { type TSchema, Type } from 'typebox';
import { hasErrors } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import type { ControlApi } from '#control/api/control.ts';
import { checkMail } from '#control/mail/check.ts';
import { noPolicy } from '#control/commands/absent.ts';
import type { Explanation } from '#lifecycle/explain.ts';
import { MailPolicySchema } from '#mail/policy/schema.ts';
import { profileReport } from '#mail/profiles.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { answerChange, findZone } from '#admin/http/change.ts';
import { isoTime } from '#admin/http/form.ts';
import { contentEtag, notModified } from '#admin/http/preconditions.ts';
import { problemForm, sendProblems } from '#admin/http/problems.ts';
import { ReportStatusForm, reportStatusForm } from './report-status.ts';
import { ProblemItem, ZoneParams, changeQuery, changeResponses, closed, isOn, responses } from '#admin/http/schemas.ts';
import { SpfStatusForm, spfStatusForm } from './spf-status.ts';

const Policy: TSchema = MailPolicySchema;
const Problems = Type.Array(ProblemItem);
const Open = Type.Object({}, { additionalProperties: true });

const DemandForm = Type.Object({
  profile: Type.String(),
  isNamed: Type.Boolean(),
  at: Type.String(),
  wish: Type.String(),
  source: Type.String(),
  isMet: Type.Boolean(),
});

const WaitForm = Type.Object({
  id: Type.String(),
  who: Type.String(),
  why: Type.String(),
  rfc: Type.Optional(Type.String()),
  isOver: Type.Boolean(),
  missing: Type.Array(Type.String()),
  nextCheckAt: Type.Optional(Type.String({ format: 'date-time' })),
  earliestAt: Type.Optional(Type.String({ format: 'date-time' })),
  latestAt: Type.Optional(Type.String({ format: 'date-time', description: 'it is over then, whatever is seen' })),
  override: Type.String({ description: 'the command that goes on without it' }),
  text: Type.String(),
});

const LifeForm = Type.Object({
  machine: Type.String(),
  object: Type.String(),
  stage: Type.String(),
  since: Type.String({ format: 'date-time' }),
  held: Type.Optional(Type.Object({ by: Type.String(), reason: Type.String() })),
  next: Type.Optional(Type.String()),
  earliestAt: Type.Optional(Type.String({ format: 'date-time' })),
  waits: Type.Array(WaitForm),
  lines: Type.Array(Type.String()),
});

const mailQuery = {
  ...changeQuery,
  takeOver: Type.Optional(Type.Enum(['0', '1', 'true', 'false', ''], { description: 'records put by hand give way' })),
};

export function mailRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/v1/zones/:zone/mail',
    {
      config: { access: 'zone-read' },
      schema: {
        summary: 'Show the mail policy',
        tags: ['mail'],
        params: ZoneParams,
        response: responses({
          200: Type.Object({ zone: Type.String(), policy: Policy, demands: Type.Array(DemandForm), problems: Problems }),
        }),
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const mail = control.mail(zone.value);
      if (mail === undefined) return sendProblems(reply, [noPolicy(zone.value.name)]);
      if (notModified(request, reply, contentEtag(mail.document))) return reply.send();
      const demands = profileReport(mail.policy);
      return reply.send({ zone: zone.value.name, policy: mail.document, demands, problems: mail.problems.map(problemForm) });
    },
  );

  app.put(
    '/v1/zones/:zone/mail',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Apply a mail policy',
        description:
          'The records, keys and everything that has to happen later, in one transaction. With ?dryRun=1: the plan, with the very keys ' +
          'that applying it will publish.',
        tags: ['mail'],
        params: ZoneParams,
        querystring: closed(mailQuery),
        // Its own reader tells all problems at once, and takes one profile as a string.
        body: Open,
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const before = control.mail(zone.value);
      return answerChange(
        control,
        request,
        reply,
        { kind: 'mail.apply', zone: nameOf(zone.value.name), policy: request.body, takeOver: isOn(request.query.takeOver) },
        {
          etagOf: (record) => {
            const mail = record === undefined ? undefined : control.mail(record);
            return mail === undefined ? undefined : contentEtag(mail.document);
          },
          etagAfter: () => {
            const mail = control.mail(zone.value);
            return mail === undefined ? undefined : contentEtag(mail.document);
          },
          created: () => before === undefined,
        },
      );
    },
  );

  app.delete(
    '/v1/zones/:zone/mail',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Remove the mail policy',
        description:
          'Its keys are destroyed. Its records stay as manual ones, so that mail under way is still verified; records=delete removes them too.',
        tags: ['mail'],
        params: ZoneParams,
        querystring: closed({ ...changeQuery, records: Type.Optional(Type.Enum(['keep', 'delete'])) }),
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const { records = 'keep' } = request.query;
      return answerChange(control, request, reply, { kind: 'mail.remove', zone: nameOf(zone.value.name), records });
    },
  );

  app.get(
    '/v1/zones/:zone/mail/status',
    {
      config: { access: 'zone-read' },
      schema: {
        summary: 'How everything of the mail stands',
        description:
          'Each key, record and mode: its stage, what it waits for, what was seen, when somebody looks again; and how SPF stands with others.',
        tags: ['mail'],
        params: ZoneParams,
        response: responses({
          200: Type.Object({
            zone: Type.String(),
            lives: Type.Array(LifeForm),
            spf: Type.Optional(SpfStatusForm),
            reports: Type.Object({ dmarc: ReportStatusForm, tls: ReportStatusForm }),
            problems: Problems,
          }),
        }),
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const mail = control.mail(zone.value);
      if (mail === undefined) return sendProblems(reply, [noPolicy(zone.value.name)]);
      const spf = mail.spf === undefined ? {} : { spf: spfStatusForm(mail.spf) };
      const problems = [...mail.problems, ...(mail.spf?.costProblems ?? [])].map(problemForm);
      const reports = { dmarc: reportStatusForm(mail.reports.dmarc), tls: reportStatusForm(mail.reports.tls) };
      return reply.send({ zone: zone.value.name, lives: mail.explanations.map(lifeForm), ...spf, reports, problems });
    },
  );

  app.get(
    '/v1/zones/:zone/mail/check',
    {
      config: { access: 'zone-read' },
      schema: {
        summary: 'What receivers would say',
        description: 'Reads the published records as receivers do. Works for zones without a mail policy too.',
        tags: ['mail'],
        params: ZoneParams,
        response: responses({
          200: Type.Object({
            zone: Type.String(),
            ok: Type.Boolean({ description: 'no errors' }),
            records: Type.Array(Type.Object({ at: Type.String(), text: Type.String() })),
            problems: Problems,
          }),
        }),
      },
    },
    async (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const report = await checkMail(control.view(zone.value), control.resolver(), control.mail(zone.value));
      const records = report.records.map(({ at, text }) => ({ at, text: Buffer.from(text, 'latin1').toString('utf8') }));
      return reply.send({ zone: report.zone, ok: !hasErrors(report.problems), records, problems: report.problems.map(problemForm) });
    },
  );

  app.get(
    '/v1/zones/:zone/mail/proposal',
    {
      config: { access: 'zone-read' },
      schema: {
        summary: 'The policy that the records of the zone come from',
        description: 'Nothing is changed: apply it, or edit it first.',
        tags: ['mail'],
        params: ZoneParams,
        response: responses({ 200: Type.Object({ zone: Type.String(), policy: Policy, problems: Problems }) }),
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const { document, problems } = control.mailProposal(zone.value);
      return reply.send({ zone: zone.value.name, policy: document, problems: problems.map(problemForm) });
    },
  );

  app.get(
    '/v1/mail/schema',
    {
      config: { access: 'public' },
      schema: { summary: 'JSON schema of a mail policy', tags: ['mail'], response: responses({ 200: Open }) },
    },
    (_request, reply) => reply.send(MailPolicySchema),
  );
}

function lifeForm({ machine, object, stage, sinceMs, hold, next, earliestMs, waits, lines }: Explanation) {
  return {
    machine,
    object,
    stage,
    since: isoTime(sinceMs),
    ...(hold === undefined ? {} : { held: { by: hold.by, reason: hold.reason } }),
    ...(next === undefined ? {} : { next }),
    ...(earliestMs === undefined ? {} : { earliestAt: isoTime(earliestMs) }),
    waits: waits.map(({ id, who, why, rfc, isOver, missing, nextCheckMs, earliestMs: earliest, latestMs, override, text }) => ({
      id,
      who,
      why,
      ...(rfc === undefined ? {} : { rfc }),
      isOver,
      missing: [...missing],
      ...(nextCheckMs === undefined ? {} : { nextCheckAt: isoTime(nextCheckMs) }),
      ...(earliest === undefined ? {} : { earliestAt: isoTime(earliest) }),
      ...(latestMs === undefined ? {} : { latestAt: isoTime(latestMs) }),
      override,
      text,
    })),
    lines: [...lines],
  };
}
