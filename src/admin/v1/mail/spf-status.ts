/** The form in which the API shows how the looks at others' SPF records stand. Not here: the looks (mail/spf/upkeep.ts). */
import { Type } from 'typebox';
import type { SpfStatus } from '#control/api/mail.ts';
import { isoTime } from '#admin/http/form.ts';
import { problemForm } from '#admin/http/problems.ts';
import { ProblemItem } from '#admin/http/schemas.ts';

const Time = Type.String({ format: 'date-time' });

export const SpfStatusForm = Type.Object(
  {
    lookedAt: Type.Optional(Time),
    nextLookAt: Type.Optional(Time),
    lookups: Type.Optional(
      Type.Integer({ description: 'terms that cause look-ups, with all that is included; more than 10 are an error' }),
    ),
    voids: Type.Optional(Type.Integer({ description: 'terms that find nothing' })),
    sources: Type.Array(Type.Object({ include: Type.String(), networks: Type.Integer({ description: 'how many' }), seenAt: Time }), {
      description: 'includes that are published as addresses',
    }),
    parts: Type.Array(
      Type.Object({
        name: Type.String(),
        published: Type.Boolean(),
        until: Type.Optional({ ...Time, description: 'nothing includes it any more; caches may until then' }),
      }),
      { description: '_spfN records beside the record of the domain' },
    ),
    failing: Type.Array(Type.Object({ include: Type.String(), code: Type.String(), detail: Type.String(), since: Time }), {
      description: 'includes that should be addresses and cannot be read as such now; what was known last is kept',
    }),
    alerts: Type.Array(Type.Object({ at: Time, code: Type.String(), severity: Type.String(), detail: Type.String() }), {
      description: 'what others changed, newest first',
    }),
    problems: Type.Array(ProblemItem, { description: 'what stood against the record at the last look' }),
    lines: Type.Array(Type.String()),
  },
  { description: 'what others publish that SPF depends on; absent where it depends on nobody' },
);

export function spfStatusForm({ lookedAtMs, nextLookMs, lookups, voids, sources, parts, failing, alerts, costProblems, lines }: SpfStatus) {
  return {
    ...(lookedAtMs === undefined ? {} : { lookedAt: isoTime(lookedAtMs) }),
    ...(nextLookMs === undefined ? {} : { nextLookAt: isoTime(nextLookMs) }),
    ...(lookups === undefined ? {} : { lookups }),
    ...(voids === undefined ? {} : { voids }),
    sources: sources.map(({ include, networkCount, seenAtMs }) => ({ include, networks: networkCount, seenAt: isoTime(seenAtMs) })),
    parts: parts.map(({ name, isPublished, untilMs }) => ({
      name,
      published: isPublished,
      ...(untilMs === undefined ? {} : { until: isoTime(untilMs) }),
    })),
    failing: failing.map(({ include, code, message, sinceMs }) => ({ include, code, detail: message, since: isoTime(sinceMs) })),
    alerts: alerts.map(({ atMs, code, severity, message }) => ({ at: isoTime(atMs), code, severity, detail: message })),
    problems: costProblems.map(problemForm),
    lines: [...lines],
  };
}
