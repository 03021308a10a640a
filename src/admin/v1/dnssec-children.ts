/** `/v1/zones/{zone}/dnssec/children`: whether DS records of the zone follow its children's CDS, and how they stand. */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import { CHILDREN_MAX, CHILD_DS_TTL_SECONDS_MAX, CHILD_SERVERS_MAX } from '#base/limits/dnssec.ts';
import type { ChildView, DelegationsView } from '#control/api/delegation.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { OnOff, Time, closed } from '#admin/http/schemas.ts';

const DS_TTL = { minimum: 1, maximum: CHILD_DS_TTL_SECONDS_MAX };
const PORT = { minimum: 1, maximum: 65_535 };

const ChildForm = Type.Object({
  name: Type.String(),
  outcome: Type.Optional(
    Type.Enum(['none', 'same', 'taken', 'held'], {
      description: 'it asks for nothing; for the DS that is there; for another, which is there now; it cannot be done',
    }),
  ),
  text: Type.Optional(Type.String({ description: 'why' })),
  lookedAt: Type.Optional(Time),
  nextAt: Type.Optional(Type.String({ description: 'the next look, unless a NOTIFY comes' })),
});

const ChildrenForm = Type.Object({
  zone: Type.String(),
  children: OnOff,
  target: Type.Optional(Type.String({ description: 'the host that takes NOTIFY(CDS), as the DSYNC record says' })),
  port: Type.Optional(Type.Integer()),
  servers: Type.Optional(Type.Array(Type.String())),
  dsTtl: Type.Optional(Type.Integer({ description: 'seconds' })),
  delegations: Type.Array(ChildForm),
  more: Type.Optional(
    Type.Boolean({ description: `there are more than ${CHILDREN_MAX} delegations; only these are looked at` }),
  ),
});

export const dnssecChildrenRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/dnssec/children',
    tag: 'dnssec',
    summary: 'Show whether DS records follow CDS, and what each child asks for',
    answers: { 200: ChildrenForm },
    show: ({ control, zone }) => {
      const body = childrenForm(zone.name, control.delegation.view(zone));
      return ok({ etag: contentEtag(body), body: () => body });
    },
  }),

  zoneChangeRoute({
    method: 'PATCH',
    url: '/v1/zones/:zone/dnssec/children',
    tag: 'dnssec',
    summary: 'Let DS records follow the CDS records of the children, or keep them by hand',
    description:
      'On: a DSYNC record says where NOTIFY(CDS) goes, and each child is looked at after one and every six hours. ' +
      'Off: the DS records stay as they are.',
    body: closed({
      children: OnOff,
      target: Type.Optional(
        Type.String({ maxLength: 1024, description: 'host of the DSYNC record; the first name server unless given' }),
      ),
      port: Type.Optional(Type.Integer({ ...PORT, description: 'port of the DSYNC record; 53 unless given' })),
      dsTtl: Type.Optional(
        Type.Integer({ ...DS_TTL, description: 'TTL of DS records, seconds: the wait of each rollover of a child' }),
      ),
      servers: Type.Optional(
        Type.Array(Type.String({ maxLength: 64 }), {
          maxItems: CHILD_SERVERS_MAX,
          description: 'addresses at which the children are asked, in place of their name servers; for administrators',
        }),
      ),
    }),
    example: { children: 'on' },
    change: ({ apex: zone, body: { children, ...more } }) =>
      ok({ command: { kind: 'delegation.set', zone, isOn: children === 'on', ...given(more) } }),
  }),
];

function childrenForm(zone: string, { settings, children, isCut }: DelegationsView) {
  return {
    zone,
    children: settings === undefined ? 'off' : 'on',
    ...settings,
    delegations: children.map(childForm),
    ...(isCut ? { more: true } : {}),
  };
}

function childForm({ child, outcome, text, lookedAtMs, nextAtMs }: ChildView) {
  const nextAt = Number.isFinite(nextAtMs) ? isoTime(nextAtMs) : undefined;
  const lookedAt = lookedAtMs === undefined ? undefined : isoTime(lookedAtMs);
  return { name: child, ...given({ outcome, text, lookedAt, nextAt }) };
}
