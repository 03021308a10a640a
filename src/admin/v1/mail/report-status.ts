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
        name: Type.String({ description: 'the domain of the source, or its network' }),
        address: Type.Optional(Type.String({ description: 'its only address, where it has one' })),
        messages: Type.Integer({ description: 'without those that a forwarder broke' }),
        aligned: Type.Integer(),
        days: Type.Integer({ description: 'days on which it was seen' }),
        standing: Type.Enum(['known', 'undecided', 'unknown', 'not-ours'], {
          description: 'undecided: large, steady and authenticated; unknown and not-ours hold nothing up',
        }),
        holding: Type.Boolean({ description: 'the next step waits for it' }),
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
    sources: sources.map(({ name, address, messages, aligned, days: seenDays, standing, isHolding }) => ({
      name,
      ...(address === undefined ? {} : { address }),
      messages,
      aligned,
      days: seenDays,
      standing,
      holding: isHolding,
    })),
    lines,
  };
}
