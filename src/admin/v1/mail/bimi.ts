/**
 * `/v1/zones/{zone}/bimi`: logos that this server hosts, and the evidence for them: upload, show, remove. With or
 * without a mail policy; they are served while a policy says `bimi.hosted`.
 * Not here: the policy (policy.ts), the record's life for all of mail (status.ts). No answer is an image or a
 * certificate by its type: a browser that opens one runs nothing.
 */
import { Type } from 'typebox';
import { BIMI_EVIDENCE_BYTES_MAX, BIMI_SVG_BYTES_MAX } from '#base/limits/mail.ts';
import { inBody } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { BimiFileView, BimiServedView, BimiUploadView } from '#control/api/mail.ts';
import { noUpload } from '#control/mail/bimi.ts';
import { nameOf } from '#dns/name.ts';
import type { ZoneRecord } from '#store/schema.ts';
import { type Change, zoneChangeRoute } from '#admin/http/change-route.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { Time, closed } from '#admin/http/schemas.ts';

const FileForm = Type.Object({
  url: Type.String(),
  sizeBytes: Type.Integer(),
});

const UploadForm = Type.Object({
  selector: Type.String(),
  title: Type.String({ description: 'of the logo' }),
  uploadedAt: Time,
  logo: FileForm,
  evidence: Type.Optional(Type.Interface([FileForm], { notAfter: Time })),
  stage: Type.Optional(
    Type.String({
      description: 'served, or confirmed: seen from outside; absent: the mail policy does not have it hosted',
    }),
  ),
});

const ServedForm = Type.Object({
  object: Type.String({ description: 'as waxseal mail override names it' }),
  selector: Type.String(),
  stage: Type.String({
    description: 'served, confirmed: the record may name it, superseded: kept for readers of before',
  }),
  since: Time,
  logoUrl: Type.String(),
  evidenceUrl: Type.Optional(Type.String()),
});

const Lines = Type.Array(Type.String(), { description: 'what each waits for, for people' });
const url = '/v1/zones/:zone/bimi';
const params = {
  selector: Type.String({ minLength: 1, maxLength: 190, description: 'BIMI selector', examples: ['default'] }),
};
/** Characters, of which each has one octet at least; the octets are counted again. */
const Logo = Type.String({ minLength: 1, maxLength: BIMI_SVG_BYTES_MAX, description: 'SVG Tiny Portable/Secure' });
const Evidence = Type.String({
  minLength: 1,
  maxLength: BIMI_EVIDENCE_BYTES_MAX,
  description: 'PEM of a mark certificate (VMC or CMC), followed by those of its issuers',
});
const EXAMPLE_LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps" viewBox="0 0 96 96">' +
  '<title>Example</title><rect width="96" height="96" fill="#036"/></svg>';

export const bimiRoutes = [
  zoneReadRoute({
    url,
    tag: 'mail',
    summary: 'List the BIMI logos that are hosted for a zone',
    answers: {
      200: Type.Object({
        zone: Type.String(),
        uploads: Type.Array(UploadForm),
        served: Type.Array(ServedForm),
        lines: Lines,
      }),
    },
    show: ({ control, zone }) => {
      const { uploads, served, lines } = control.mail.bimi(zone);
      const body = { zone: zone.name, uploads: uploads.map(uploadForm), served: served.map(servedForm), lines };
      return ok({ body: () => body });
    },
  }),

  zoneReadRoute({
    url: `${url}/:selector`,
    tag: 'mail',
    summary: 'Show the logo that was uploaded for a BIMI selector, and its evidence',
    params,
    answers: {
      200: Type.Interface([UploadForm], {
        zone: Type.String(),
        svg: Type.String(),
        pem: Type.Optional(Type.String()),
      }),
    },
    show: ({ control, zone, params: { selector } }): Result<{ etag: string; body: () => unknown }> => {
      const { uploads } = control.mail.bimi(zone);
      const found = uploads.find((each) => each.selector === selector.toLowerCase());
      if (found === undefined)
        return fail(
          noUpload(
            selector.toLowerCase(),
            uploads.map((each) => each.selector),
          ),
        );
      const text = (file: BimiFileView) => Buffer.from(control.mail.bimiFile(zone, file.name) ?? []).toString('utf8');
      const pem = found.evidence === undefined ? {} : { pem: text(found.evidence) };
      const body = { zone: zone.name, ...uploadForm(found), svg: text(found.logo), ...pem };
      return ok({ etag: uploadEtag(found), body: () => body });
    },
  }),

  zoneChangeRoute({
    method: 'PUT',
    url: `${url}/:selector`,
    tag: 'mail',
    summary: 'Upload the logo of a BIMI selector, and its evidence',
    description:
      'Both at once, because the evidence holds the logo. What does not pass is not stored. ' +
      'Receivers decide by more than is checked here: the warnings say what was not. ' +
      'A logo that is served is kept for a time after another took its place.',
    params,
    body: closed({ logo: Logo, evidence: Type.Optional(Evidence) }),
    multiline: ['/logo', '/evidence'],
    example: { logo: EXAMPLE_LOGO },
    change: ({ control, apex, params: { selector }, body: { logo, evidence } }) => {
      // An escape of JSON may stand for half a character, which UTF-8 cannot hold.
      if (!logo.isWellFormed()) return fail(problem('BIMI_SVG_XML', inBody('/logo'), 'is not Unicode text'));
      const octets = new Uint8Array(Buffer.from(logo, 'utf8'));
      let existed = true;
      return ok({
        ...forUpload(control, selector),
        command: { kind: 'bimi.upload', zone: apex, selector, logo: octets, ...given({ evidence }) },
        rejectIf: (record) => {
          existed = record !== undefined && findUpload(control, record, selector) !== undefined;
          return undefined;
        },
        created: () => !existed,
      });
    },
  }),

  zoneChangeRoute({
    method: 'DELETE',
    url: `${url}/:selector`,
    tag: 'mail',
    summary: 'Remove the logo of a BIMI selector, and its evidence',
    description: 'The record goes first; the files stay until no reader of the record can need them.',
    params,
    change: ({ control, apex, params: { selector } }) =>
      ok({ ...forUpload(control, selector), command: { kind: 'bimi.remove', zone: apex, selector } }),
  }),
];

function findUpload(control: ControlApi, record: ZoneRecord, selector: string): BimiUploadView | undefined {
  return control.mail.bimi(record).uploads.find((each) => each.selector === selector.toLowerCase());
}

/** The parts that every change of an upload has in common. */
function forUpload(control: ControlApi, selector: string): Pick<Change, 'etagBefore' | 'etagAfter'> {
  const etagOf = (record: ZoneRecord | undefined) => {
    const found = record === undefined ? undefined : findUpload(control, record, selector);
    return found === undefined ? undefined : uploadEtag(found);
  };
  return {
    etagBefore: (record) => etagOf(record),
    etagAfter: ({ zone }) => etagOf(control.zones.find(nameOf(zone))),
  };
}

/** Of the files and no more: how they are served changes by itself. */
function uploadEtag({ logo, evidence }: BimiUploadView): string {
  return contentEtag([logo.name, evidence?.name]);
}

function uploadForm({ selector, title, uploadedAtMs, logo, evidence, stage }: BimiUploadView) {
  const file = ({ url: at, sizeBytes }: BimiFileView) => ({ url: at, sizeBytes });
  return {
    selector,
    title,
    uploadedAt: isoTime(uploadedAtMs),
    logo: file(logo),
    ...(evidence === undefined ? {} : { evidence: { ...file(evidence), notAfter: isoTime(evidence.endsMs) } }),
    ...given({ stage }),
  };
}

function servedForm({ sinceMs, ...rest }: BimiServedView) {
  return { ...rest, since: isoTime(sinceMs) };
}
