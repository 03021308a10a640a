/** `/v1/alerts`: what needs a person, worst first; acknowledging it; whether messages about it arrive. */
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { ALERT_REASON_CHARACTERS_MAX } from '#base/limits/alerts.ts';
import { inQuery, inUrl } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import type { AlertView } from '#control/api/alerts.ts';
import { formatName, lowerName, nameOf, ownerKey } from '#dns/name.ts';
import { allows, scopeProblem } from '#admin/http/access.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { identityOf } from '#admin/http/identity.ts';
import { parseZoneName } from '#admin/http/names.ts';
import { cursorProblem, cutPage, pageQuery, readPage } from '#admin/http/page.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { Time, closed } from '#admin/http/schemas.ts';
import { writeRoute } from '#admin/http/write-route.ts';

const STATES = ['standing', 'acknowledged', 'cleared'] as const;

export const AlertForm = Type.Object({
  id: Type.String(),
  rule: Type.String({ description: 'a rule of docs/alerts.md, or the code of a problem' }),
  state: Type.Enum([...STATES]),
  severity: Type.Enum(['critical', 'warning']),
  zone: Type.Optional(Type.String({ description: 'absent: about the server as a whole' })),
  object: Type.Optional(Type.String()),
  text: Type.String(),
  fix: Type.Optional(Type.String()),
  consequence: Type.String({ description: 'what happens if nothing is done' }),
  command: Type.String({ description: 'what to run first' }),
  since: Time,
  last: Time,
  times: Type.Integer({ description: 'how often it was reported' }),
  acknowledged: Type.Optional(Type.Object({ by: Type.String(), at: Time, reason: Type.Optional(Type.String()) })),
  clearedAt: Type.Optional(Time),
  why: Type.Optional(Type.String({ description: 'why it is over' })),
});

export function alertForm({ sinceMs, lastMs, acknowledged, clearedMs, ...alert }: AlertView) {
  const { id, rule, state, severity, text, consequence, command, times, zone, object, fix, why } = alert;
  return {
    ...{ id, rule, state, severity, text, consequence, command, times },
    ...given({ zone, object, fix, why, clearedAt: isoTime(clearedMs) }),
    since: isoTime(sinceMs),
    last: isoTime(lastMs),
    ...(acknowledged && {
      acknowledged: { by: acknowledged.by, at: isoTime(acknowledged.atMs), ...given({ reason: acknowledged.reason }) },
    }),
  };
}

export const alertsRoutes = [
  readRoute({
    url: '/v1/alerts',
    access: 'zone-list',
    tag: 'server',
    summary: 'List alerts',
    description:
      'What needs a person: standing ones first, then acknowledged ones, then those that are over, which are kept ' +
      'for 30 days; in each critical ones first. A token for single zones sees only the alerts of those.',
    query: {
      zone: Type.Optional(Type.String({ description: 'only alerts of this zone' })),
      state: Type.Optional(Type.Enum([...STATES, 'all'], { description: 'standing and acknowledged unless given' })),
      ...pageQuery,
    },
    answers: { 200: Type.Object({ alerts: Type.Array(AlertForm), next: Type.Optional(Type.String()) }) },
    show: ({ control, query, ...asked }) => {
      const page = readPage(query, 1);
      if (!page.ok) return page;
      const zone = query.zone === undefined ? ok(undefined) : parseZoneName(query.zone, inQuery('zone'));
      if (!zone.ok) return zone;
      const name = zone.value && formatName(lowerName(zone.value));
      const states = statesOf(query.state);
      const found = control.alerts
        .list()
        .filter(
          (each) =>
            states.includes(each.state) && isShown(asked.request, each) && (name === undefined || each.zone === name),
        );
      const { limit, after: [after] = [] } = page.value;
      const from = after === undefined ? 0 : found.findIndex(({ id }) => id === after) + 1;
      if (after !== undefined && from === 0) return fail(cursorProblem());
      const { shown, next } = cutPage(asked, found.slice(from, from + limit + 1), limit, ({ id }) => [id]);
      const alerts = shown.map(alertForm);
      return ok({ etag: contentEtag(alerts), body: () => ({ alerts, next }) });
    },
  }),

  writeRoute({
    method: 'POST',
    url: '/v1/alerts/:alert/acknowledge',
    access: 'zone-list',
    tag: 'server',
    summary: 'Acknowledge an alert',
    description:
      'The operator has seen it: no message is sent about it until it says something else, and it stands behind the ' +
      'others. What was reported once, and of which nothing shows whether it is over, is over with it. It needs the ' +
      'right to change the zone; for alerts about the server, scope admin.',
    params: { alert: Type.String({ examples: ['3f2a9c01d4e5'] }) },
    body: closed({
      reason: Type.Optional(
        Type.String({ minLength: 1, maxLength: ALERT_REASON_CHARACTERS_MAX, description: 'for those who come after' }),
      ),
    }),
    example: { reason: 'the registrar has a ticket' },
    answers: { 200: Type.Object({ ...AlertForm.properties, dryRun: Type.Boolean() }) },
    write: async ({ control, params, body: { reason }, actor, dryRun, request }) => {
      const mayDo = mayAcknowledge(request, control.alerts.get(params.alert), params.alert);
      if (!mayDo.ok) return mayDo;
      const done = await control.alerts.acknowledge(params.alert, { actor, ...given({ reason }) }, dryRun);
      return done.ok ? ok({ ...alertForm(done.value), dryRun }) : done;
    },
  }),

  writeRoute({
    method: 'POST',
    url: '/v1/alerts/test',
    access: 'admin',
    tag: 'server',
    summary: 'Send a test message to every target of alerts',
    description:
      'At once, and what came of it: webhooks, the command, the syslog server. With dryRun the targets alone.',
    answers: {
      200: Type.Object({
        targets: Type.Array(
          Type.Object({ target: Type.String(), sent: Type.Boolean(), why: Type.Optional(Type.String()) }),
        ),
        dryRun: Type.Boolean(),
      }),
    },
    write: async ({ control, actor, dryRun }) => {
      const tested = await control.alerts.test(actor, dryRun);
      if (!tested.ok) return tested;
      const targets = tested.value.map(({ target, failure }) => ({
        target,
        sent: failure === undefined,
        ...given({ why: failure }),
      }));
      return ok({ targets, dryRun });
    },
  }),
];

function statesOf(state: (typeof STATES)[number] | 'all' | undefined): readonly string[] {
  if (state === undefined) return ['standing', 'acknowledged'];
  return state === 'all' ? STATES : [state];
}

function isShown(request: FastifyRequest, { zone }: Pick<AlertView, 'zone'>): boolean {
  const identity = identityOf(request);
  return (
    allows(identity, 'read', undefined) || (zone !== undefined && allows(identity, 'zone-read', ownerKey(nameOf(zone))))
  );
}

/** What is hidden from a token is not there for it. */
function mayAcknowledge(request: FastifyRequest, alert: AlertView | undefined, id: string): Result<undefined> {
  const at = inUrl('alert');
  if (alert === undefined || !isShown(request, alert))
    return fail(
      problem('ALERT_NOT_FOUND', at, `there is no alert ${JSON.stringify(id)}`, {
        fix: 'list them: waxseal alert list --all',
      }),
    );
  const identity = identityOf(request);
  const mayDo =
    alert.zone === undefined
      ? allows(identity, 'admin', undefined)
      : allows(identity, 'zone-change', ownerKey(nameOf(alert.zone)));
  return mayDo ? ok(undefined) : fail(scopeProblem(identity, 'scope admin, or a scope that may change the zone', at));
}
