/** `…/zones/{zone_id}`: a zone with its RRsets, changes of them, its labels, its removal. */
import type { FastifyReply } from 'fastify';
import { fail, ok } from '#base/problem.ts';
import { ownerKey } from '#dns/name.ts';
import { typeCode } from '#dns/registry.ts';
import { identityOf } from '#admin/http/identity.ts';
import { parseAbsolute, textParameter } from '#admin/http/names.ts';
import { type RecordScope, recordScope } from '#admin/http/record-scope.ts';
import type { Route } from '#admin/http/route.ts';
import { takeExport, wholeZone } from '#admin/export/whole-zone.ts';
import type { ZoneNode, ZoneView } from '#zone/view.ts';
import { sendJson, sendNothing } from './answer.ts';
import { rejected } from './fields.ts';
import { exportLines, rrsetText, zoneText } from './forms.ts';
import { type ZoneRequest, bodyFields, change, powerdnsZoneRoute } from './route.ts';
import { readRrsets } from './rrset-body.ts';
import { readLabels } from './zone-body.ts';

export const zoneRoutes: readonly Route[] = [
  powerdnsZoneRoute({
    method: 'GET',
    access: 'rrset-read',
    summary: 'Show a zone with its RRsets',
    answer: (asked) => {
      const busy = isWhole(asked) ? takeExport(asked, asked.record) : undefined;
      return busy === undefined ? ok(sendZone(asked, 200)) : fail(busy);
    },
  }),

  powerdnsZoneRoute({
    method: 'PATCH',
    access: 'rrset-change',
    summary: 'Change RRsets, all of them or none',
    answer: async (asked) => {
      const { record, apex, reply } = asked;
      const fields = bodyFields(asked);
      if (!fields.ok) return fields;
      const read = readRrsets(fields.value['rrsets'], { apex, serial: record.serial });
      if (!read.ok) return read;
      const { operations, warnings } = read.value;
      for (const warning of warnings.slice(0, 1)) reply.header('x-waxseal-warning', warning);
      if (operations.length === 0) return ok(sendNothing(reply));
      const done = await change(asked, { kind: 'rrsets.change', zone: apex, operations });
      return done.ok ? ok(sendNothing(reply)) : done;
    },
  }),

  powerdnsZoneRoute({
    method: 'PUT',
    access: 'zone-change',
    summary: "Change a zone's kind, account and soa_edit_api, which are words only, and whether it is signed",
    answer: async (asked) => {
      const { record, apex, reply } = asked;
      const fields = bodyFields(asked);
      if (!fields.ok) return fields;
      const labels = readLabels(fields.value);
      if (!labels.ok) return labels;
      const { dnssec } = fields.value;
      if (dnssec === false && record.dnssec === 'on')
        return fail(rejected(SIGNED, `when it is safe: waxseal dnssec disable ${record.name} --when-safe`));
      if (dnssec === true && record.dnssec === 'off') {
        const signed = await change(asked, { kind: 'zone.dnssec', zone: apex, dnssec: true });
        if (!signed.ok) return signed;
      }
      const done = await change(asked, { kind: 'zone.labels', zone: apex, labels: labels.value });
      return done.ok ? ok(sendNothing(reply)) : done;
    },
  }),

  powerdnsZoneRoute({
    method: 'DELETE',
    access: 'zone-manage',
    summary: 'Remove a zone',
    answer: async (asked) => {
      const done = await change(asked, { kind: 'zone.remove', zone: asked.apex });
      return done.ok ? ok(sendNothing(asked.reply)) : done;
    },
  }),

  powerdnsZoneRoute({
    method: 'PUT',
    below: '/notify',
    access: 'rrset-change',
    summary: 'Nothing: secondaries are notified with every change',
    // Clients send it after each change, and give up on any other answer.
    answer: ({ reply }) => ok(sendJson(reply, 200, { result: 'Notification queued' })),
  }),

  powerdnsZoneRoute({
    method: 'PUT',
    below: '/rectify',
    access: 'rrset-change',
    summary: 'Nothing: every change leaves the zone whole',
    answer: ({ reply }) => ok(sendJson(reply, 200, { result: 'Rectified' })),
  }),

  powerdnsZoneRoute({
    method: 'GET',
    below: '/export',
    access: 'rrset-read',
    summary: 'Export the RRsets of a zone as lines of a zone file',
    answer: (asked) => {
      const busy = takeExport(asked, asked.record);
      if (busy !== undefined) return fail(busy);
      asked.reply.header('content-type', 'text/plain; charset=us-ascii');
      const lines = (view: ZoneView) =>
        visible(asked, view, ({ owner, rrsets }, scope) =>
          rrsets.flatMap((rrset) => (scope.has(owner, rrset.type) ? [exportLines(owner, rrset)] : [])),
        );
      return ok(asked.reply.send(wholeZone(asked.control, asked.record, lines)));
    },
  }),
];

const SIGNED = 'dnssec: the zone is signed; without signatures it would be bogus while its parent has a DS record';

/** The zone as the sender may see it. `?rrsets=false` and `?rrset_name=`, `&rrset_type=` choose. */
export function sendZone(asked: ZoneRequest, status: number): FastifyReply {
  const { control, record, query, reply } = asked;
  const hasRrsets = textParameter(query, 'rrsets') !== 'false';
  reply.status(status).header('content-type', 'application/json');
  const texts = (view: ZoneView) => zoneText(control, record, hasRrsets ? rrsetTexts(asked, view) : undefined);
  if (isWhole(asked)) return reply.send(wholeZone(control, record, texts));
  return reply.send(Buffer.from([...texts(control.zones.shown(record))].join('')));
}

/** All its names are read. */
function isWhole({ query }: Pick<ZoneRequest, 'query'>): boolean {
  return textParameter(query, 'rrsets') !== 'false' && textParameter(query, 'rrset_name') === undefined;
}

function* rrsetTexts(asked: ZoneRequest, view: ZoneView): Generator<string> {
  const typeText = textParameter(asked.query, 'rrset_type');
  const type = typeText === undefined ? undefined : typeCode(typeText);
  yield* visible(asked, view, ({ owner, rrsets }, scope) =>
    rrsets.flatMap((rrset) => {
      const isWanted = (typeText === undefined || rrset.type === type) && scope.has(owner, rrset.type);
      return (isWanted ? rrsetText(owner, rrset) : undefined) ?? [];
    }),
  );
}

/** What `show` makes of the nodes that are asked for: all, or the one that `rrset_name` names. */
function* visible(
  { apex, query, request }: ZoneRequest,
  view: ZoneView,
  show: (node: ZoneNode, scope: RecordScope) => readonly string[],
): Generator<string> {
  const scope = recordScope(identityOf(request), 'read', ownerKey(apex));
  const wanted = textParameter(query, 'rrset_name');
  if (wanted === undefined) {
    for (const node of view.ascend(view.apexKey)) yield* show(node, scope);
    return;
  }
  const name = parseAbsolute(wanted);
  const node = name.ok ? view.node(ownerKey(name.value)) : undefined;
  if (node !== undefined) yield* show(node, scope);
}
