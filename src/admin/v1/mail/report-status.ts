/** The form in which the API shows the reports about a zone's mail. Not here: what they say (mail/reports/evidence.ts). */
import { Type } from 'typebox';
import type { ReportStatus } from '#control/api/mail.ts';
import { isoTime } from '#admin/http/form.ts';

const Time = Type.String({ format: 'date-time' });

export const ReportStatusForm = Type.Object(
  {
    last: Type.Array(Type.Object({ organization: Type.String(), id: Type.String(), begin: Time, end: Time, takenAt: Time }), {
      description: 'newest first',
    }),
    since: { ...Time, description: 'reports of days from then on count now' },
    days: Type.Integer({ description: 'of these days, how many any report is about; 0: steps go by time alone' }),
    sources: Type.Array(
      Type.Object({
        address: Type.String(),
        messages: Type.Integer({ description: 'without those that broke on their way over a forwarder' }),
        aligned: Type.Integer(),
        known: Type.Boolean({ description: 'some of its mail is aligned, or SPF names it; others are not waited for' }),
        holding: Type.Boolean({ description: 'too little of its mail is aligned to go on' }),
      }),
      { description: 'of DMARC; those in the way first' },
    ),
    lines: Type.Array(Type.String()),
  },
  { description: 'what was reported about the mail' },
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
    lines: [...lines],
  };
}
