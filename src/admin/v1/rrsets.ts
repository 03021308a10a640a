/** `/v1/zones/{zone}/rrsets`: all RRsets of a zone by pages, and changes of several of them in one transaction. */
import { type Static, Type } from 'typebox';
import { setImmediate as turn } from 'node:timers/promises';
import { RRSETS_STEP_COUNT, RRSET_OPERATIONS_MAX } from '#base/limits/admin.ts';
import { inBody, inQuery } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem } from '#base/problem.ts';
import { type Name, type OwnerKey, formatName, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import type { RrsetOperation } from '#control/api/control.ts';
import type { NodeRrset, ZoneView } from '#zone/view.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { given, rrsetForm } from '#admin/http/form.ts';
import { identityOf } from '#admin/http/identity.ts';
import { parseOwner, parseType } from '#admin/http/names.ts';
import { cutPage, pageQuery, readPage } from '#admin/http/page.ts';
import { zoneEtag } from '#admin/http/preconditions.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { recordScope } from '#admin/http/record-scope.ts';
import { Records, RrsetForm, Ttl } from '#admin/http/rrset-schemas.ts';
import { BelowCareForm, Switch, closed, isOn } from '#admin/http/schemas.ts';

const Operation = closed(
  {
    op: Type.Enum(['set', 'delete', 'add', 'remove'], {
      description: '`set` replaces the RRset, `delete` removes it, `add` and `remove` change single records of it',
    }),
    name: Type.String({ description: 'as in the URL of an RRset', examples: ['www', '@', 'www.example.com.'] }),
    type: Type.String({ examples: ['A'] }),
    ttl: Type.Optional(Ttl),
    records: Type.Optional(Records),
  },
  undefined,
  'RrsetOperation',
);

export const rrsetsRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/rrsets',
    access: 'rrset-read',
    tag: 'rrsets',
    summary: 'List the RRsets of a zone',
    description:
      'In canonical order of names, then by type number. signed=1 adds NSEC records and all signatures. ' +
      'A token for some RRsets sees those.',
    query: {
      ...pageQuery,
      signed: Type.Optional(Switch),
      name: Type.Optional(Type.String({ description: 'only this name' })),
      type: Type.Optional(Type.String({ description: 'only this type' })),
    },
    answers: { 200: Type.Object({ zone: Type.String(), rrsets: Type.Array(RrsetForm), next: Type.Optional(Type.String()) }) },
    show: ({ control, zone, query, ...asked }) => {
      const page = readPage(query, 2);
      if (!page.ok) return page;
      const wanted = filterOf(query, nameOf(zone.name));
      if (!wanted.ok) return wanted;
      const { limit, after } = page.value;
      const signed = isOn(query.signed);
      const scope = recordScope(identityOf(asked.request), 'read', ownerKey(nameOf(zone.name)));
      return ok({
        etag: zoneEtag(zone),
        body: async () => {
          const isWanted = (each: Found) => wanted.value.isWanted(each) && scope.has(each.owner, each.rrset.type);
          const view = () => control.zones.shown(control.zones.find(nameOf(zone.name)) ?? zone);
          const found = await findRrsets(view, { after, limit, name: wanted.value.name, isWanted });
          const { shown, next } = cutPage(asked, found, limit, ({ key, rrset }) => [key, String(rrset.type)]);
          return { zone: zone.name, rrsets: shown.map(({ owner, rrset }) => rrsetForm(owner, rrset, signed)), next };
        },
      });
    },
  }),

  zoneChangeRoute({
    method: 'PATCH',
    url: '/v1/zones/:zone/rrsets',
    access: 'rrset-change',
    tag: 'rrsets',
    summary: 'Change RRsets',
    description: 'Carries out all operations or none, in the order given, in one transaction with one new serial.',
    query: { below: Type.Optional(BelowCareForm) },
    body: Type.Array(Operation, { minItems: 1, maxItems: RRSET_OPERATIONS_MAX }),
    multiline: ['/*/records/*'],
    example: [
      { op: 'set', name: 'www', type: 'AAAA', ttl: 3600, records: ['2001:db8::1'] },
      { op: 'delete', name: 'www', type: 'A' },
    ],
    change: ({ apex, query: { below }, body }) => {
      const problems: Problem[] = [];
      const operations = body.map((each, index) => readOperation(each, index, apex, problems));
      return hasErrors(problems)
        ? fail(...problems)
        : ok({ command: { kind: 'rrsets.change', zone: apex, operations, ...given({ below }) } });
    },
  }),
];

interface Found {
  readonly key: string;
  readonly owner: Name;
  readonly rrset: NodeRrset;
}
interface Filter {
  /** Undefined: every name. */
  readonly name: OwnerKey | undefined;
  readonly isWanted: (found: Found) => boolean;
}

/** Which RRsets a request asks for. */
function filterOf(query: { readonly signed?: string; readonly name?: string; readonly type?: string }, apex: Name): Result<Filter> {
  const name = query.name === undefined ? undefined : parseOwner(query.name, apex, inQuery('name'));
  const type = query.type === undefined ? undefined : parseType(query.type, inQuery('type'));
  if (name?.ok === false) return name;
  if (type?.ok === false) return type;
  const signed = isOn(query.signed);
  return ok({
    name: name === undefined ? undefined : ownerKey(name.value),
    isWanted: ({ rrset }) => (signed || rrset.type !== TYPE.NSEC) && (type === undefined || rrset.type === type.value),
  });
}

interface Finding extends Filter {
  readonly after: readonly string[] | undefined;
  readonly limit: number;
}

/**
 * The RRsets that are wanted, one more than `limit` at most. In a large zone other work has its turns meanwhile; `view`
 * gives the zone as it is then.
 */
async function findRrsets(view: () => ZoneView, { after, limit, name, isWanted }: Finding): Promise<readonly Found[]> {
  const found: Found[] = [];
  let from = after;
  for (let isMore = true; isMore && found.length <= limit;) {
    isMore = false;
    let left = RRSETS_STEP_COUNT;
    for (const each of name === undefined ? rrsetsAfter(view(), from) : rrsetsAt(view(), name, from)) {
      if (left-- === 0) {
        isMore = true;
        break;
      }
      if (isWanted(each)) found.push(each);
      if (found.length > limit) break;
      from = [each.key, String(each.rrset.type)];
    }
    if (isMore) await turn();
  }
  return found;
}

/** Those of one name, as `rrsetsAfter` gives them. */
function* rrsetsAt(view: ZoneView, key: OwnerKey, after: readonly string[] | undefined): Generator<Found, void> {
  const [afterKey = '', afterType] = after ?? [];
  const node = view.node(key);
  if (node === undefined || afterKey > key) return;
  const { owner, rrsets } = node;
  for (const rrset of rrsets) if (key !== afterKey || rrset.type > Number(afterType)) yield { key, owner, rrset };
}

/** RRsets after the one that the cursor names, in canonical order. */
function* rrsetsAfter(view: ZoneView, after: readonly string[] | undefined): Generator<Found, void> {
  const [afterKey, afterType] = after ?? [view.apexKey, '-1'];
  // A cursor comes from outside: a key above the zone starts at its apex.
  const from = afterKey !== undefined && afterKey.startsWith(view.apexKey) ? afterKey : view.apexKey;
  for (const { key, owner, rrsets } of view.ascend(from)) {
    for (const rrset of rrsets) if (key !== afterKey || rrset.type > Number(afterType)) yield { key, owner, rrset };
  }
}

/** An operation of the body as control takes it; what is wrong with it goes to `problems`. */
function readOperation(operation: Static<typeof Operation>, index: number, apex: Name, problems: Problem[]): RrsetOperation {
  const { op, name, type, ttl, records } = operation;
  const owner = parseOwner(name, apex, inBody(`/${index}/name`));
  if (!owner.ok) problems.push(...owner.problems);
  if (records !== undefined && op === 'delete')
    problems.push(
      problem('FIELD_VALUE', inBody(`/${index}/records`), 'delete removes the whole RRset and takes no records', {
        fix: 'use op "remove"',
      }),
    );
  return { op, name: owner.ok ? formatName(owner.value) : name, type, ...given({ ttl, records }) };
}
