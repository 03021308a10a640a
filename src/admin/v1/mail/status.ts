/**
 * `/v1/zones/{zone}/mail/status`: the state of every key, record and mode of a mail policy, and what each waits for.
 */
import { Type } from 'typebox';
import type { Explanation } from '#lifecycle/explain.ts';
import { isoTime } from '#admin/http/form.ts';
import { problemForm } from '#admin/http/problems.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { ProblemList, Time } from '#admin/http/schemas.ts';
import { ReportStatusForm, reportStatusForm } from './report-status.ts';
import { SpfStatusForm, spfStatusForm } from './spf-status.ts';
import { withMail } from './zone-mail.ts';

const WaitForm = Type.Object({
  id: Type.String(),
  who: Type.String(),
  why: Type.String(),
  rfc: Type.Optional(Type.String()),
  isOver: Type.Boolean(),
  missing: Type.Array(Type.String()),
  nextCheckAt: Type.Optional(Time),
  earliestAt: Type.Optional(Time),
  latestAt: Type.Optional({ ...Time, description: 'the wait ends then, whatever is seen' }),
  override: Type.String({ description: 'the command that ends the wait now' }),
  text: Type.String(),
});

const LifeForm = Type.Object({
  machine: Type.String({ description: 'kind of the object: dkim, dmarc, tlsa, …' }),
  object: Type.String(),
  stage: Type.String(),
  since: Time,
  held: Type.Optional(Type.Object({ by: Type.String(), reason: Type.String() })),
  next: Type.Optional(Type.String({ description: 'the next stage' })),
  earliestAt: Type.Optional(Time),
  waits: Type.Array(WaitForm),
  lines: Type.Array(Type.String()),
});

export const mailStatusRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/mail/status',
    tag: 'mail',
    summary: 'Show the state of all mail keys, records and modes',
    description:
      'For each key, record and mode: its stage, what it waits for, what was seen, and when the server looks ' +
      'again. Also the state of the SPF records of others that the zone includes.',
    answers: {
      200: Type.Object({
        zone: Type.String(),
        lives: Type.Array(LifeForm),
        spf: Type.Optional(SpfStatusForm),
        mtaSts: Type.Object(
          { lines: Type.Array(Type.String()) },
          { description: 'the policy of another server, as it was last seen; empty where this server has it' },
        ),
        reports: Type.Object({ dmarc: ReportStatusForm, tls: ReportStatusForm }),
        problems: ProblemList,
      }),
    },
    show: (asked) =>
      withMail(asked, ({ explanations, spf, stsWatch, reports, problems }) => ({
        body: () => ({
          zone: asked.zone.name,
          lives: explanations.map(lifeForm),
          spf: spf && spfStatusForm(spf),
          mtaSts: { lines: [...stsWatch] },
          reports: { dmarc: reportStatusForm(reports.dmarc), tls: reportStatusForm(reports.tls) },
          problems: [...problems, ...(spf?.costProblems ?? [])].map(problemForm),
        }),
      })),
  }),
];

function lifeForm({ machine, object, stage, sinceMs, hold, next, earliestMs, waits, lines }: Explanation) {
  return {
    machine,
    object,
    stage,
    since: isoTime(sinceMs),
    held: hold && { by: hold.by, reason: hold.reason },
    next,
    earliestAt: isoTime(earliestMs),
    waits: waits.map(waitForm),
    lines,
  };
}

function waitForm({ id, who, why, rfc, isOver, missing, nextCheckMs, earliestMs, latestMs, override, text }: Explanation['waits'][number]) {
  return {
    id,
    who,
    why,
    rfc,
    isOver,
    missing,
    nextCheckAt: isoTime(nextCheckMs),
    earliestAt: isoTime(earliestMs),
    latestAt: isoTime(latestMs),
    override,
    text,
  };
}
