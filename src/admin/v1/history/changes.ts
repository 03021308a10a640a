/**
 * `/v1/zones/{zone}/changes`, `/diff` and `/rollback`: the versions of a zone that the journal knows, what lies between
 * two of them, and new changes that undo old ones.
 * Not here: finding versions (control/zone/history.ts), undoing (control/zone/rollback.ts).
 */
import { Type } from 'typebox';
import { ZONE_DIFF_LINES_MAX } from '#base/limits/changes.ts';
import { type Place, inBody, inQuery } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import type { AuditView, ShownRecords } from '#control/api/control.ts';
import type { VersionAsked, ZoneVersion } from '#control/api/history.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import type { ZoneRecord } from '#store/schema.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { type Identity, identityOf } from '#admin/http/identity.ts';
import { cutPage, pageQuery, readNumberPage } from '#admin/http/page.ts';
import { zoneEtag } from '#admin/http/preconditions.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { recordScope } from '#admin/http/record-scope.ts';
import { BelowCareForm, ChangesetForm, Switch, Time, closed, isOn } from '#admin/http/schemas.ts';

const ChangeForm = Type.Object({
  revision: Type.Integer(),
  at: Time,
  changeset: ChangesetForm,
  actor: Type.Optional(
    Type.Object(
      { kind: Type.String(), id: Type.String(), owner: Type.Optional(Type.String()) },
      { description: 'who, while its audit entry is kept; not for tokens of a part of the zone' },
    ),
  ),
  action: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
});

const versionText = (example: string) =>
  Type.String({
    pattern: '^(?:[0-9]{1,10}|r[0-9]{1,15})$',
    description: 'a serial (the newest version with it), or a revision as in r1234',
    examples: [example],
  });

const VersionForm = Type.Object({
  serial: Type.Integer(),
  revision: Type.Optional(Type.Integer({ description: 'absent: the version before the oldest change in the journal' })),
  at: Type.Optional(Time),
});

const DiffForm = Type.Object({
  zone: Type.String(),
  from: VersionForm,
  to: VersionForm,
  changes: Type.Integer({ description: 'how many lie between' }),
  changeset: ChangesetForm,
});

/** `3` and `r3`. */
function readVersion(text: string, at: Place): Result<VersionAsked> {
  const number = Number(text.replace(/^r/, ''));
  if (text.startsWith('r')) return ok({ kind: 'revision', revision: number });
  if (number <= 0xffff_ffff) return ok({ kind: 'serial', serial: number });
  const why = `${text} is no serial: that is a number below 2³²`;
  return fail(problem('PARAMETER', at, why, { fix: 'a revision is written r1234' }));
}

function versionForm({ serial, revision, atMs }: ZoneVersion) {
  return { serial, ...given({ revision, at: isoTime(atMs) }) };
}

/** The records that a sender may see; signatures and what goes with them when they are asked for. */
function shownTo(
  identity: Identity,
  { name }: ZoneRecord,
  withSigning: boolean,
): ShownRecords & { readonly isWhole: boolean } {
  const { isWhole, has } = recordScope(identity, 'read', ownerKey(nameOf(name)));
  return { isWhole, withSigning, ...(isWhole ? {} : { isShown: has }) };
}

/** Who made a change and why, without where from: the address is for the audit log only. */
function whoForm({ actor: { kind, id, owner }, action, reason }: AuditView) {
  return { actor: { kind, id, ...given({ owner }) }, action, ...given({ reason }) };
}

export const changesRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/changes',
    access: 'rrset-read',
    tag: 'changes',
    summary: 'List the changes of a zone',
    description: 'Newest first, as far back as the journal goes. A token of a part of the zone sees that part.',
    query: pageQuery,
    answers: {
      200: Type.Object({ zone: Type.String(), changes: Type.Array(ChangeForm), next: Type.Optional(Type.String()) }),
    },
    show: ({ control, zone, query, ...asked }) => {
      const page = readNumberPage(query);
      if (!page.ok) return page;
      const { limit, before } = page.value;
      const shown = shownTo(identityOf(asked.request), zone, true);
      return ok({
        ...(shown.isWhole ? { etag: zoneEtag(zone) } : {}),
        body: async () => {
          const found = await control.zones.changes(zone, limit + 1, before, shown);
          const { shown: kept, next } = cutPage(asked, found, limit, ({ revision }) => [String(revision)]);
          const changes = kept.map(({ revision, atMs, changeset, audit }) => ({
            revision,
            at: isoTime(atMs),
            changeset,
            ...(audit === undefined || !shown.isWhole ? {} : whoForm(audit)),
          }));
          return { zone: zone.name, changes, next };
        },
      });
    },
  }),

  zoneReadRoute({
    url: '/v1/zones/:zone/diff',
    access: 'rrset-read',
    tag: 'changes',
    summary: 'Compare two versions of a zone',
    description:
      'What would make the version `to` (the zone of now unless given) out of the version `from`: the net of all ' +
      'changes in between, without what came and went again. Without RRSIG, NSEC and the like, unless `signing` asks ' +
      'for them.',
    query: { from: versionText('1'), to: Type.Optional(versionText('2')), signing: Type.Optional(Switch) },
    answers: { 200: DiffForm },
    show: async ({ control, zone, request, query: { from: fromText, to: toText, signing } }) => {
      const from = readVersion(fromText, inQuery('from'));
      if (!from.ok) return from;
      const to = toText === undefined ? ok(undefined) : readVersion(toText, inQuery('to'));
      if (!to.ok) return to;
      const shown = { ...shownTo(identityOf(request), zone, isOn(signing)), linesMax: ZONE_DIFF_LINES_MAX };
      const difference = await control.zones.difference(zone, from.value, to.value, shown);
      if (!difference.ok) return difference;
      const { changes, changeset, ...versions } = difference.value;
      const [first, second] = [versionForm(versions.from), versionForm(versions.to)];
      return ok({ body: () => ({ zone: zone.name, from: first, to: second, changes, changeset }) });
    },
  }),

  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/changes/:serial/revert',
    access: 'rrset-change',
    tag: 'changes',
    summary: 'Undo a change',
    description:
      'Makes a new change that is the opposite. `{serial}` is the serial that the old change led to. Each RRset that ' +
      'was changed again since is a problem, and then nothing is undone.',
    params: { serial: Type.Integer({ minimum: 0, maximum: 0xffff_ffff, examples: [2] }) },
    query: { below: Type.Optional(BelowCareForm) },
    change: ({ apex, params: { serial }, query: { below } }) =>
      ok({ command: { kind: 'zone.revert', zone: apex, serial, ...given({ below }) } }),
  }),

  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/rollback',
    access: 'rrset-change',
    tag: 'changes',
    summary: 'Go back to a version of a zone',
    description:
      'Makes a new change that undoes all since that version. What a life cycle keeps (DNSSEC, mail policy, ' +
      'challenges, delegations) stays as it is, and each such RRset is a warning.',
    query: { below: Type.Optional(BelowCareForm) },
    body: closed({ to: versionText('1') }),
    example: { to: '1' },
    change: ({ apex, body, query: { below } }) => {
      const to = readVersion(body.to, inBody('/to'));
      return to.ok ? ok({ command: { kind: 'zone.rollback', zone: apex, to: to.value, ...given({ below }) } }) : to;
    },
  }),
];
