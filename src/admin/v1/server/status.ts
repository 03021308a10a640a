/** `/v1/status`: the state of the server as a whole. */
import { Type } from 'typebox';
import { ALERT_STATUS_MAX } from '#base/limits/alerts.ts';
import { CERTIFICATE_STATUS_MAX } from '#base/limits/acme.ts';
import { ok } from '#base/problem.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { Time } from '#admin/http/schemas.ts';
import { AlertForm, alertForm } from './alerts.ts';
import { type CertificateBrief, type CertificateSummary } from '#control/api/certificates.ts';
import { type AlertView } from '#control/api/alerts.ts';
import { type ControlStatus } from '#control/api/control.ts';

const CertificateForm = Type.Object({
  zone: Type.String(),
  host: Type.String(),
  notAfter: Type.Optional(Time),
  problem: Type.Optional(
    Type.Object(
      { code: Type.String(), message: Type.String(), nextTry: Type.Optional(Time) },
      { description: 'why the next step does not succeed now' },
    ),
  ),
});

const PolicyHostForm = Type.Object(
  {
    up: Type.Boolean(),
    upSince: Type.Optional(Time),
    listeners: Type.Array(Type.String(), { description: 'what it listens on now' }),
    generation: Type.Integer({ description: 'generation that it serves; 0 while it is down' }),
    certificates: Type.Object({
      count: Type.Integer({ description: 'hosts that have one' }),
      inTrouble: Type.Integer({ description: 'hosts whose next step does not succeed, or whose own has ended' }),
      nextExpiry: Type.Optional(Time),
      first: Type.Array(CertificateForm, {
        description: `at most ${CERTIFICATE_STATUS_MAX}: those in trouble first, then those that end first`,
      }),
      partial: Type.Optional(Type.Boolean({ description: 'true when there are more zones than were looked at' })),
    }),
  },
  { description: 'the process that serves MTA-STS policies; absent: none is configured (https.listen)' },
);

const AlertsForm = Type.Object(
  {
    critical: Type.Integer({ description: 'that stand and are not acknowledged' }),
    warning: Type.Integer(),
    acknowledged: Type.Integer(),
    first: Type.Array(AlertForm, { description: `at most ${ALERT_STATUS_MAX}, worst first` }),
  },
  { description: 'what needs a person' },
);

const StatusForm = Type.Object({
  alerts: AlertsForm,
  version: Type.String(),
  startedAt: Time,
  now: Time,
  generation: Type.Integer({ description: 'number of commits since the store was created' }),
  zoneCount: Type.Integer(),
  ready: Type.Boolean(),
  notReady: Type.Array(Type.String(), { description: 'the reasons why the server is not ready' }),
  noChanges: Type.Array(Type.String(), { description: 'the reasons why it takes no changes, although it answers DNS' }),
  workers: Type.Array(
    Type.Object({ id: Type.Integer(), alive: Type.Boolean(), generation: Type.Integer({ description: 'generation that it serves' }) }),
  ),
  listeners: Type.Object({ dns: Type.Array(Type.String()), admin: Type.String(), socket: Type.String() }),
  store: Type.Object({
    path: Type.String(),
    sizeBytes: Type.Integer(),
    freeBytes: Type.Integer(),
    kekFile: Type.String({ description: 'file of the key-encryption key, which its secrets are sealed under' }),
  }),
  policyHost: Type.Optional(PolicyHostForm),
});

export const statusRoutes = [
  readRoute({
    url: '/v1/status',
    access: 'read',
    tag: 'server',
    summary: 'Show the state of the server',
    answers: { 200: StatusForm },
    show: ({ control }) => {
      const { startedAtMs, nowMs, policyHost, ...status } = control.status();
      const form = policyHost && policyHostForm(policyHost, control.certificates.summary());
      const hosted = given({ policyHost: form });
      const alerts = alertsForm(control.alerts.list());
      return ok({
        // Without the clock: a state that differs only in the time is the same state.
        etag: contentEtag({ ...status, ...hosted, alerts }),
        body: () => ({
          ...status,
          ...hosted,
          alerts,
          startedAt: isoTime(startedAtMs),
          now: isoTime(nowMs),
          ready: status.notReady.length === 0,
        }),
      });
    },
  }),
];

function alertsForm(all: readonly AlertView[]) {
  const open = all.filter(({ state }) => state !== 'cleared');
  const standing = open.filter(({ state }) => state === 'standing');
  const count = (of: AlertView['severity']) => standing.filter(({ severity }) => severity === of).length;
  return {
    critical: count('critical'),
    warning: count('warning'),
    acknowledged: open.length - standing.length,
    first: open.slice(0, ALERT_STATUS_MAX).map(alertForm),
  };
}

function policyHostForm({ running }: NonNullable<ControlStatus['policyHost']>, summary: CertificateSummary) {
  const { count, inTrouble, nextExpiryMs, first, isPartial } = summary;
  return {
    up: running !== undefined,
    ...given({ upSince: isoTime(running?.startedAtMs) }),
    listeners: [...(running?.addresses ?? [])],
    generation: running?.generation ?? 0,
    certificates: {
      count,
      inTrouble,
      ...given({ nextExpiry: isoTime(nextExpiryMs) }),
      first: first.map(({ zone, host, notAfterMs, trouble }) => ({
        zone,
        host,
        ...given({ notAfter: isoTime(notAfterMs), problem: trouble && troubleForm(trouble) }),
      })),
      ...(isPartial ? { partial: true } : {}),
    },
  };
}

function troubleForm({ code, message, retryAtMs }: NonNullable<CertificateBrief['trouble']>) {
  return { code, message, ...given({ nextTry: isoTime(retryAtMs) }) };
}
