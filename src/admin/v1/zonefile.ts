/** `/v1/zones/{zone}/zonefile`: a whole zone as text: export and import. */
import { Type } from 'typebox';
import { latin1 } from '#base/bytes.ts';
import { TOKEN_GENERATED_RECORDS_MAX, TOKEN_RECORDS_MAX } from '#base/limits/admin.ts';
import { WHOLE, inHeader } from '#base/place.ts';
import { fail, ok, problem } from '#base/problem.ts';
import { ownerKey } from '#dns/name.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { allNodes } from '#zone/zone.ts';
import { allows } from '#admin/http/access.ts';
import { changeRoute } from '#admin/http/change-route.ts';
import { zoneSegment } from '#admin/http/find-zone.ts';
import { given } from '#admin/http/form.ts';
import { type Identity, identityOf } from '#admin/http/identity.ts';
import { parseZoneName } from '#admin/http/names.ts';
import { zoneEtag } from '#admin/http/preconditions.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { takeExport, wholeZone } from '#admin/export/whole-zone.ts';
import { BelowCareForm, DenialForm, ParentCareForm, Switch, isOn, zoneParams } from '#admin/http/schemas.ts';

const EXAMPLE = `$TTL 3600
@    SOA ns1 hostmaster 1 7200 900 1209600 300
@    NS  ns1
@    MX  10 mx1
ns1  A   192.0.2.53
mx1  A   192.0.2.25
www  A   192.0.2.1
`;

const zoneExport = zoneReadRoute({
  url: '/v1/zones/:zone/zonefile',
  tag: 'zones',
  summary: 'Export a zone',
  description:
    'The records that can be imported again; signed=1 adds DNSKEY, RRSIG, NSEC or NSEC3, CDS and CDNSKEY. ' +
    'All of one version of the zone. A token has two exports of zones of more than 10,000 names under way at most; ' +
    'one that takes longer than ten minutes is broken off.',
  query: { signed: Type.Optional(Switch) },
  answers: { 200: { description: 'the zone file', content: { 'text/dns': { schema: Type.String() } } } },
  show: (asked) => {
    const { control, zone, query, reply } = asked;
    const signed = isOn(query.signed);
    return ok({
      etag: signed ? zoneEtag(zone).replace(/"$/, '-signed"') : zoneEtag(zone),
      refusal: () => takeExport(asked, zone),
      body: () => {
        reply.type('text/dns');
        const hasAliases = control.zones.aliases(zone).length > 0;
        return wholeZone(control, zone, (view) =>
          formatZoneFile(signed ? allNodes(view) : view.ascend(view.apexKey), { signed, hasAliases }),
        );
      },
    });
  },
});

/** What one command may bring: a whole registry's zone only with scope `admin`. */
function boundsOf({ scopes }: Identity) {
  if (scopes.includes('admin')) return undefined;
  return { recordsMax: TOKEN_RECORDS_MAX, generatedMax: TOKEN_GENERATED_RECORDS_MAX };
}

const zoneImport = (bytesMax: number) =>
  changeRoute({
    method: 'PUT',
    url: '/v1/zones/:zone/zonefile',
    access: 'zone-change',
    tag: 'zones',
    summary: 'Import a zone',
    description:
      'Creates the zone, or replaces all its records, in one transaction. `dnssec` is used only when the zone is ' +
      'created. $INCLUDE is rejected.',
    params: zoneParams,
    query: {
      dnssec: Type.Optional(Type.Enum(['on', 'off', 'presigned'], { description: 'presigned: with the signatures of the file' })),
      denial: Type.Optional(DenialForm),
      parent: Type.Optional(ParentCareForm),
      below: Type.Optional(BelowCareForm),
      file: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'file name for messages' })),
    },
    octets: { types: ['text/dns'], bytesMax, description: 'the zone file (RFC 1035 §5)', example: EXAMPLE },
    change: ({ params, query, body, request }) => {
      const name = parseZoneName(params.zone);
      if (!name.ok) return name;
      if (!Buffer.isBuffer(body)) return fail(problem('BODY_MISSING', WHOLE, 'the zone file is missing', { fix: 'send it as text/dns' }));
      const { file = 'zonefile', dnssec, denial, parent, below } = query;
      const identity = identityOf(request);
      const bounds = boundsOf(identity);
      const mayCreate = allows(identity, 'zone-manage', ownerKey(name.value));
      return ok({
        command: {
          kind: 'zone.import',
          zone: name.value,
          text: latin1(body),
          file,
          dnssec: dnssec !== 'off',
          ...given({ bounds, denial, parent, below, presigned: dnssec === 'presigned' ? true : undefined }),
        },
        location: (outcome) => `/v1/zones/${zoneSegment(outcome.zone)}`,
        rejectIf: (record) =>
          record !== undefined || mayCreate
            ? undefined
            : problem('AUTH_SCOPE', inHeader('Authorization'), 'to create this zone needs a grant to manage it'),
      });
    },
  });

/** `bytesMax`: the largest zone file that is taken. */
export function zonefileRoutes(bytesMax: number) {
  return [zoneExport, zoneImport(bytesMax)];
}
