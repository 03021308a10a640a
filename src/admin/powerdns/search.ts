/** `…/search-data`: zones and records by all of a name or content, with `*` and `?`, as in PowerDNS. */
import { SEARCH_TEXT_CHARACTERS_MAX, SEARCH_WILDCARDS_MAX } from '#base/limits/search.ts';
import { PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX } from '#base/limits/admin.ts';
import { fail, ok } from '#base/problem.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { wantedContents } from '#control/search/node-text.ts';
import { allows } from '#admin/http/access.ts';
import { identityOf } from '#admin/http/identity.ts';
import { nameText, textParameter } from '#admin/http/names.ts';
import type { Route } from '#admin/http/route.ts';
import type { SearchPlace } from '#control/api/search.ts';
import { type Found, search, textMatcher } from '#admin/search/search.ts';
import { sendJson } from './answer.ts';
import { rejected } from './fields.ts';
import { ownRdatas } from './forms.ts';
import { SERVER, powerdnsRoute } from './route.ts';
import { zoneId } from './zone-id.ts';

const KINDS = ['all', 'zone', 'record', 'comment'];

export const searchDataRoutes: readonly Route[] = [
  powerdnsRoute({
    method: 'GET',
    url: `${SERVER}/search-data`,
    access: 'zone-list',
    budget: 'searches',
    summary: 'Search zones and records',
    answer: async ({ control, query, request, reply }) => {
      const q = textParameter(query, 'q') ?? '';
      const kind = textParameter(query, 'object_type') ?? 'all';
      const max = Number(textParameter(query, 'max') ?? PAGE_ITEMS_DEFAULT);
      if (q === '') return fail(rejected("Query q can't be blank"));
      if (q.length > SEARCH_TEXT_CHARACTERS_MAX || (q.match(/[*?]/g) ?? []).length > SEARCH_WILDCARDS_MAX)
        return fail(
          rejected(`q has at most ${SEARCH_TEXT_CHARACTERS_MAX} characters, and ${SEARCH_WILDCARDS_MAX} of * and ?`),
        );
      if (!Number.isInteger(max) || max < 1) return fail(rejected('Maximum entries must be larger than 0'));
      if (!KINDS.includes(kind))
        return fail(rejected(`object_type must be one of the following options: ${KINDS.join(', ')}`));
      const limit = Math.min(max, PAGE_ITEMS_MAX);
      const identity = identityOf(request);
      const isIn = textMatcher(q, true);
      const isName = (name: string) => isIn(name) || isIn(name.slice(0, -1));
      const zones = kind === 'all' || kind === 'zone' ? control.zones.list() : [];
      const objects: unknown[] = zones
        .filter(({ name }) => isName(name) && allows(identity, 'rrset-read', ownerKey(nameOf(name))))
        .map(({ name }) => ({ name, object_type: 'zone', zone_id: zoneId(name) }));
      const wanted = {
        contents: wantedContents({ text: q, isWhole: true }),
        matches: (owner: Found['owner'], rrset: Found['rrset']) =>
          ownRdatas(rrset).some((rdata) => isName(nameText(owner)) || isIn(formatRdata(rrset.type, rdata))),
      };
      // Its clients read no pages: a long search continues, slice by slice, until it has enough or the client goes.
      const most = kind === 'all' || kind === 'record' ? limit : 0;
      for (let from: SearchPlace | undefined; objects.length < most && !reply.raw.destroyed;) {
        const { found, next } = await search(control, identity, wanted, { from, limit: limit - objects.length });
        objects.push(...found.flatMap((each) => recordsOf(each, (text) => isName(nameText(each.owner)) || isIn(text))));
        from = next;
        if (next === undefined) break;
      }
      return ok(sendJson(reply, 200, objects.slice(0, limit)));
    },
  }),
];

/** Each record that matches, as an object of its own; keys in PowerDNS's order. */
function recordsOf({ zone, owner, rrset }: Found, isWanted: (content: string) => boolean): readonly unknown[] {
  const contents = ownRdatas(rrset).map((rdata) => formatRdata(rrset.type, rdata));
  return contents.filter(isWanted).map((content) => ({
    content,
    disabled: false,
    name: nameText(owner),
    object_type: 'record',
    ttl: rrset.ttl,
    type: typeName(rrset.type),
    zone: zone.name,
    zone_id: zoneId(zone.name),
  }));
}
