/**
 * `/v1/zones/{zone}/tlsa/live`: what mail hosts present at port 25 now, and which of their TLSA records match it. The
 * look is made for the request, ends with it, and is one of the few that a token may have under way.
 * Not here: the records themselves (tlsa.ts), the look (control/mail/live-tlsa.ts).
 */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import type { LiveTlsaHost } from '#control/api/mail.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { Time } from '#admin/http/schemas.ts';

const Verdict = Type.Enum(['match', 'no-match', 'unseen'], {
  description: 'match: senders deliver; no-match: senders that go by DANE do not; unseen: nothing could be seen',
});

const RecordForm = Type.Object({
  object: Type.String(),
  stage: Type.String(),
  record: Type.String(),
  matches: Type.Boolean(),
  certificate: Type.Optional(Type.Integer({ description: 'the one that the record is of; 0 is the first' })),
  detail: Type.Optional(Type.String({ description: 'why it does not match' })),
});

const CertificateForm = Type.Object({
  subject: Type.String(),
  issuer: Type.String(),
  spkiSha256: Type.String({ description: 'the data of a "3 1 1" record of its key' }),
  notAfter: Time,
});

const AddressForm = Type.Object({
  address: Type.String(),
  verdict: Verdict,
  detail: Type.String(),
  tlsVersion: Type.Optional(Type.String()),
  certificates: Type.Array(CertificateForm, { description: "as presented, the host's own first" }),
  records: Type.Array(RecordForm),
});

const HostForm = Type.Object({
  host: Type.String(),
  port: Type.Integer(),
  verdict: Verdict,
  detail: Type.String(),
  addresses: Type.Array(AddressForm),
});

export const tlsaLiveRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/tlsa/live',
    budget: 'looks',
    tag: 'mail',
    summary: 'Compare what mail hosts present with their TLSA records',
    description:
      'Connects to port 25 of the hosts, as this server sees them, and ends after STARTTLS. Hosts at other ports and ' +
      'addresses that no host outside can reach are not connected to.',
    query: { host: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'this host alone' })) },
    answers: { 200: Type.Object({ zone: Type.String(), hosts: Type.Array(HostForm) }) },
    show: async ({ control, zone, query: { host }, reply }) => {
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const live = await control.mail.liveTlsa(zone, { ...given({ host }), gone: gone.signal });
      return live.ok ? ok({ body: () => ({ zone: zone.name, hosts: live.value.map(hostForm) }) }) : live;
    },
  }),
];

function hostForm({ host, port, verdict, text, addresses }: LiveTlsaHost) {
  return { host, port, verdict, detail: text, addresses: addresses.map(addressForm) };
}

function addressForm({ ip, verdict, text, tlsVersion, certificates, records }: LiveTlsaHost['addresses'][number]) {
  return {
    address: ip,
    verdict,
    detail: text,
    ...given({ tlsVersion }),
    certificates: certificates.map(({ notAfterMs, ...rest }) => ({ ...rest, notAfter: isoTime(notAfterMs) })),
    records: records.map(({ object, stage, record, matches, depth, why }) => ({
      ...{ object, stage, record, matches },
      ...given({ certificate: depth, detail: why === '' ? undefined : why }),
    })),
  };
}
