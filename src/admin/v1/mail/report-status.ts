/**
 * The form in which the API shows the reports about a zone's mail. Not here: what they say (mail/reports/evidence.ts).
 */
import { Type } from 'typebox';
import type { ReportStatus } from '#control/api/mail.ts';
import { isoTime } from '#admin/http/form.ts';
import { Time } from '#admin/http/schemas.ts';

export const ReportStatusForm = Type.Object(
  {
    last: Type.Array(Type.Object({ organization: Type.String(), id: Type.String(), begin: Time, end: Time, takenAt: Time }), {
      description: 'the last reports, newest first',
    }),
    since: { ...Time, description: 'reports about days from then on count now' },
    days: Type.Integer({ description: 'number of these days that have a report; 0: only time leads to the next step' }),
    sources: Type.Array(
      Type.Object({
        address: Type.String(),
        messages: Type.Integer({ description: 'without those that a forwarder broke' }),
        aligned: Type.Integer(),
        known: Type.Boolean({ description: 'some mail is aligned, or SPF names it; others hold nothing up' }),
        holding: Type.Boolean({ description: 'too little of its mail is aligned for the next step' }),
      }),
      { description: 'only for DMARC; the sources that hold up the next step come first' },
    ),
    lines: Type.Array(Type.String()),
  },
  { description: 'what reports have said about the mail' },
);

export function reportStatusForm({ last, sinceMs, days, sources, lines }: ReportStatus) {
  return {
    last: last.map(({ organization, id, beginMs, endMs, takenAtMs }) => ({
      organization,
      id,
      begin: isoTime(beginMs),
      end: isoTime(endMs),
      takenAt: isoTime(takenAtMs),
    })),
    since: isoTime(sinceMs),
    days,
    sources: sources.map(({ address, messages, aligned, isKnown, isHolding }) => ({
      address,
      messages,
      aligned,
      known: isKnown,
      holding: isHolding,
    })),
    lines,
  };
}
