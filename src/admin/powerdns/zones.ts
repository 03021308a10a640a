/** `…/zones`: the zones that the sender may see, and new ones. */
import { fail, ok } from '#base/problem.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { allows, scopeProblem } from '#admin/http/access.ts';
import { visibleZones } from '#admin/http/find-zone.ts';
import { identityOf } from '#admin/http/identity.ts';
import { textParameter } from '#admin/http/names.ts';
import { sendJson } from './answer.ts';
import { rejected } from './fields.ts';
import { zoneForm } from './forms.ts';
import { SERVER, bodyFields, change, powerdnsRoute } from './route.ts';
import { readNewZone } from './zone-body.ts';
import { sendZone } from './zone.ts';
import { parseZoneId } from './zone-id.ts';

export const zonesRoutes = [
  powerdnsRoute({
    method: 'GET',
    url: `${SERVER}/zones`,
    access: 'zone-list',
    summary: 'List zones',
    answer: ({ control, query, request, reply }) => {
      const wanted = textParameter(query, 'zone');
      const name = wanted === undefined ? undefined : parseZoneId(wanted);
      if (name?.ok === false) return fail(rejected(`DNS Name '${wanted ?? ''}' is not valid`));
      const identity = identityOf(request);
      const one = name === undefined ? undefined : control.zones.find(name.value);
      const mayRead = one !== undefined && allows(identity, 'rrset-read', ownerKey(nameOf(one.name)));
      const all = () => Array.from(visibleZones(control, identity), ({ record }) => record);
      const visible = name === undefined ? all().toSorted((a, b) => (a.name < b.name ? -1 : 1)) : mayRead ? [one] : [];
      // Clients read no pages: one answer, however many zones there are.
      return ok(
        sendJson(
          reply,
          200,
          visible.map((record) => zoneForm(control, record)),
        ),
      );
    },
  }),

  powerdnsRoute({
    method: 'POST',
    url: `${SERVER}/zones`,
    access: 'zone-manage',
    summary: 'Create a zone',
    answer: async (asked) => {
      const { control, request, reply } = asked;
      const fields = bodyFields(asked);
      if (!fields.ok) return fields;
      const wanted = readNewZone(fields.value);
      if (!wanted.ok) return wanted;
      const { apex: zone, operations, labels } = wanted.value;
      const identity = identityOf(request);
      if (!allows(identity, 'zone-manage', ownerKey(zone)))
        return fail(scopeProblem(identity, 'scope admin or a grant to manage this zone'));
      // `dnssec: false` comes from clients whose users never thought of it: zones are signed here.
      const made = await change(asked, { kind: 'zone.create', zone, dnssec: true, operations });
      if (!made.ok) return made;
      if (Object.keys(labels).length > 0 && !made.value.dryRun) {
        const labelled = await change(asked, { kind: 'zone.labels', zone, labels });
        if (!labelled.ok) return labelled;
      }
      const record = control.zones.find(zone);
      if (record === undefined) return ok(sendJson(reply, 200, { dryRun: true }));
      return ok(sendZone({ ...asked, record, apex: zone }, 201));
    },
  }),
];
