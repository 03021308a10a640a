/** `/v1/zones/{zone}/zonefile`: a whole zone as text, out and in. */
import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { latin1 } from '#base/bytes.ts';
import { WHOLE, inHeader } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import type { ControlApi } from '#control/api/control.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { answerChange, findZone, zoneSegment } from '#admin/http/change.ts';
import { parseZoneName } from '#admin/http/names.ts';
import { notModified, zoneEtag } from '#admin/http/preconditions.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { OnOff, Switch, ZoneParams, changeQuery, changeResponses, closed, isOn, responses } from '#admin/http/schemas.ts';

/** Some 64 KiB each: what a socket takes at once. */
const LINES_PER_CHUNK = 1000;

const ImportQuery = closed({
  ...changeQuery,
  dnssec: Type.Optional(OnOff),
  file: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: "the file's name, for the places in messages" })),
});

export interface ZonefileOptions {
  readonly zoneFileBytesMax: number;
}

export function zonefileRoutes(app: AdminApp, control: ControlApi, { zoneFileBytesMax }: ZonefileOptions): void {
  // Only here: everywhere else text/dns is 415, and here JSON is.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(/^text\/dns(?:[\t ]*;|$)/i, { parseAs: 'buffer', bodyLimit: zoneFileBytesMax }, (_request, body, done) => {
    done(null, body);
  });

  app.get(
    '/v1/zones/:zone/zonefile',
    {
      config: { access: 'zone-read' },
      schema: {
        summary: 'Export a zone',
        description: 'What can be imported again. With signed=1 everything that is served: DNSKEY, RRSIG, NSEC, CDS and CDNSKEY too.',
        tags: ['zones'],
        params: ZoneParams,
        querystring: closed({ signed: Type.Optional(Switch) }),
        response: responses({}),
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const signed = isOn(request.query.signed);
      if (notModified(request, reply, zoneEtag(zone.value).replace(/"$/, signed ? '-signed"' : '"'))) return reply.send();
      // The lines are made in one go, because a view read over several turns of the event loop could show two versions of the zone.
      const chunks: Buffer[] = [];
      let lines: string[] = [];
      const flush = () => {
        chunks.push(Buffer.from(lines.join(''), 'latin1'));
        lines = [];
      };
      const view = control.view(zone.value);
      for (const line of formatZoneFile(view.ascend(view.apexKey), { signed })) {
        if (lines.push(line) === LINES_PER_CHUNK) flush();
      }
      if (lines.length > 0) flush();
      return reply.type('text/dns').send(Readable.from(chunks));
    },
  );

  app.put(
    '/v1/zones/:zone/zonefile',
    {
      bodyLimit: zoneFileBytesMax,
      config: { access: 'zone-change' },
      schema: {
        summary: 'Import a zone',
        description:
          'Creates the zone, or replaces all its records, in one transaction. `dnssec` counts on creation only. $INCLUDE is not possible here.',
        tags: ['zones'],
        params: ZoneParams,
        querystring: ImportQuery,
        consumes: ['text/dns'],
        response: changeResponses,
      },
    },
    (request, reply) => {
      const name = parseZoneName(request.params.zone);
      if (!name.ok) return sendProblems(reply, name.problems);
      const { body, query, identity } = request;
      if (!Buffer.isBuffer(body))
        return sendProblems(reply, [problem('BODY_MISSING', WHOLE, 'the zone file is missing', { fix: 'send it as text/dns' })]);
      const mayCreate = identity?.scopes.includes('admin') === true;
      return answerChange(
        control,
        request,
        reply,
        { kind: 'zone.import', zone: name.value, text: latin1(body), file: query.file ?? 'zonefile', dnssec: query.dnssec !== 'off' },
        {
          location: (outcome) => `/v1/zones/${zoneSegment(outcome.zone)}`,
          refuse: (record) =>
            record !== undefined || mayCreate
              ? undefined
              : problem('AUTH_SCOPE', inHeader('Authorization'), 'there is no such zone, and creating one needs scope admin'),
        },
      );
    },
  );
}
