/**
 * `/v1/zones/{zone}/certificates`: the certificates of a zone's hosts: how each stands, which the operator orders, and
 * new ones now.
 * Not here: what orders them (certificate/), DANE records of mail hosts (mail/tlsa.ts).
 */
import { Type } from 'typebox';
import { type Result, fail, ok } from '#base/problem.ts';
import type { CertificateView } from '#control/api/certificates.ts';
import { notOrdered } from '#control/certificate/decide.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { Time, closed } from '#admin/http/schemas.ts';

const Failure = Type.Object(
  {
    code: Type.String(),
    message: Type.String(),
    fix: Type.Optional(Type.String()),
    since: Time,
    nextTry: Type.Optional(Time),
  },
  { description: 'what stands in the way of the next certificate' },
);

const Renewal = Type.Object({
  at: Time,
  suggestedByCa: Type.Boolean(),
  explanation: Type.Optional(Type.String()),
});

const CertificateForm = Type.Object(
  {
    host: Type.String(),
    reason: Type.Optional(Type.String({ description: 'why the host has one; absent: nothing wants it any more' })),
    stage: Type.String({ description: 'of the certificate in use, else of the one to come; none: not from a CA' }),
    origin: Type.Optional(Type.String({ description: 'acme, file or self-signed; absent: nothing is served yet' })),
    notBefore: Type.Optional(Time),
    notAfter: Type.Optional(Time),
    issuer: Type.Optional(Type.String()),
    serial: Type.Optional(Type.String()),
    directory: Type.Optional(Type.String({ description: 'of the CA that it came from' })),
    renewal: Type.Optional(Renewal),
    coming: Type.Optional(Type.String({ description: 'stage of the next certificate' })),
    problem: Type.Optional(Failure),
    lines: Type.Array(Type.String(), { description: 'all of it for people' }),
  },
  { title: 'Certificate' },
);

const HOST = {
  minLength: 1,
  maxLength: 255,
  description: 'name of the host, absolute, with or without its last dot',
};
const params = { host: Type.String({ ...HOST, examples: ['mta-sts.example.com'] }) };
const orderedParams = { host: Type.String({ ...HOST, examples: ['www.example.com'] }) };
const Order = closed({
  force: Type.Optional(Type.Boolean({ description: 'even if resolvers outside do not find this server for the zone' })),
});

export const certificatesRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/certificates',
    tag: 'certificates',
    summary: 'List the certificates of a zone',
    answers: { 200: Type.Object({ zone: Type.String(), certificates: Type.Array(CertificateForm) }) },
    show: ({ control, zone }) => {
      const body = { zone: zone.name, certificates: control.certificates.list(zone).map(certificateForm) };
      return ok({ etag: contentEtag(body), body: () => body });
    },
  }),

  zoneReadRoute({
    url: '/v1/zones/:zone/certificates/:host',
    tag: 'certificates',
    summary: 'Show the certificate of a host',
    params,
    answers: { 200: Type.Interface([CertificateForm], { zone: Type.String(), chain: Type.Optional(Type.String()) }) },
    show: ({ control, zone, params: { host: text } }): Result<{ etag: string; body: () => unknown }> => {
      const found = control.certificates.list(zone).find((each) => each.host === hostText(text));
      if (found === undefined) return fail(notOrdered(hostText(text)));
      const chain = given({ chain: found.served?.chain });
      const body = { zone: zone.name, ...certificateForm(found), ...chain };
      return ok({ etag: contentEtag(body), body: () => body });
    },
  }),

  zoneChangeRoute({
    method: 'PUT',
    url: '/v1/zones/:zone/certificates/:host',
    tag: 'certificates',
    summary: 'Order that a host has a certificate',
    description: 'It is renewed from then on, until the order is taken back with DELETE.',
    params,
    body: Order,
    example: {},
    change: ({ apex, params: { host: text }, body: { force } }) =>
      ok({ command: { kind: 'certificate.want', zone: apex, host: hostText(text), ...given({ isForced: force }) } }),
  }),

  zoneChangeRoute({
    method: 'DELETE',
    url: '/v1/zones/:zone/certificates/:host',
    tag: 'certificates',
    summary: 'Take back the order of a certificate',
    description: 'The certificate goes, unless the host has another reason for one.',
    params: orderedParams,
    change: ({ apex, params: { host: text } }) => {
      const command = { kind: 'certificate.unwant', zone: apex, host: hostText(text) } as const;
      return ok({ command });
    },
  }),

  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/certificates/:host/renew',
    tag: 'certificates',
    summary: 'Order a new certificate now',
    description:
      'The certificate in use stays until the new one is there. A host that nothing wanted a certificate for is ' +
      'ordered one, as PUT does. ' +
      'What waits for its next try is tried at once.',
    params,
    body: Order,
    example: {},
    change: ({ apex, params: { host: text }, body: { force } }) =>
      ok({ command: { kind: 'certificate.renew', zone: apex, host: hostText(text), ...given({ isForced: force }) } }),
  }),
];

/** As hosts are called in certificates. */
function hostText(text: string): string {
  return text.toLowerCase().replace(/(?<=.)\.$/, '');
}

function certificateForm(view: CertificateView) {
  const { host: name, stage, served, renewal, failure, lines, reason, issuer, serial, directory, coming } = view;
  return {
    host: name,
    stage,
    lines,
    ...given({ reason, issuer, serial, directory, coming, origin: served?.origin }),
    ...(served === undefined ? {} : { notBefore: isoTime(served.notBeforeMs), notAfter: isoTime(served.notAfterMs) }),
    ...(renewal === undefined ? {} : { renewal: renewalForm(renewal) }),
    ...(failure === undefined ? {} : { problem: failureForm(failure) }),
  };
}

function renewalForm({ atMs, isSuggested, explanationUrl }: NonNullable<CertificateView['renewal']>) {
  return { at: isoTime(atMs), suggestedByCa: isSuggested, ...given({ explanation: explanationUrl }) };
}

function failureForm({ code, message, fix, sinceMs, retryAtMs }: NonNullable<CertificateView['failure']>) {
  return { code, message, since: isoTime(sinceMs), ...given({ fix, nextTry: isoTime(retryAtMs) }) };
}
