/**
 * The form in which the API shows the state of the SPF records of others. Not here: reading them (mail/spf/upkeep.ts).
 */
import { Type } from 'typebox';
import type { SpfStatus } from '#control/api/mail.ts';
import { isoTime } from '#admin/http/form.ts';
import { problemForm } from '#admin/http/problems.ts';
import { ProblemList, Time } from '#admin/http/schemas.ts';

export const SpfStatusForm = Type.Object(
  {
    lookedAt: Type.Optional(Time),
    nextLookAt: Type.Optional(Time),
    lookups: Type.Optional(
      Type.Integer({ description: 'terms that cause look-ups, with all included records; more than 10 are an error' }),
    ),
    voids: Type.Optional(Type.Integer({ description: 'terms that find nothing' })),
    sources: Type.Array(
      Type.Object({ include: Type.String(), networks: Type.Integer({ description: 'number of networks' }), seenAt: Time }),
      {
        description: 'includes that are published as addresses',
      },
    ),
    parts: Type.Array(
      Type.Object({
        name: Type.String(),
        published: Type.Boolean(),
        until: Type.Optional({ ...Time, description: 'caches may hold a record that includes it until then' }),
      }),
      { description: '_spfN records beside the record of the domain' },
    ),
    failing: Type.Array(Type.Object({ include: Type.String(), code: Type.String(), detail: Type.String(), since: Time }), {
      description: 'includes that cannot be read as addresses now; the last known addresses are kept',
    }),
    alerts: Type.Array(Type.Object({ at: Time, code: Type.String(), severity: Type.String(), detail: Type.String() }), {
      description: 'changes that others made, newest first',
    }),
    problems: { ...ProblemList, description: 'problems of the record when it was last read' },
    lines: Type.Array(Type.String()),
  },
  { description: 'the SPF records of others that the record of the zone depends on; absent when there are none' },
);

export function spfStatusForm({ lookedAtMs, nextLookMs, lookups, voids, sources, parts, failing, alerts, costProblems, lines }: SpfStatus) {
  return {
    lookedAt: isoTime(lookedAtMs),
    nextLookAt: isoTime(nextLookMs),
    lookups,
    voids,
    sources: sources.map(({ include, networkCount, seenAtMs }) => ({ include, networks: networkCount, seenAt: isoTime(seenAtMs) })),
    parts: parts.map(({ name, isPublished, untilMs }) => ({ name, published: isPublished, until: isoTime(untilMs) })),
    failing: failing.map(({ include, code, message, sinceMs }) => ({ include, code, detail: message, since: isoTime(sinceMs) })),
    alerts: alerts.map(({ atMs, code, severity, message }) => ({ at: isoTime(atMs), code, severity, detail: message })),
    problems: costProblems.map(problemForm),
    lines,
  };
}
