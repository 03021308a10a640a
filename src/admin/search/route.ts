/** `/v1/search`: RRsets of all zones that the sender may see, by name, text, type and manager. */
import { Type } from 'typebox';
import { SEARCH_TEXT_CHARACTERS_MAX, SEARCH_WILDCARDS_MAX } from '#base/limits/search.ts';
import { WHOLE, inQuery } from '#base/place.ts';
import { fail, ok, placeAt, problem } from '#base/problem.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { wantedContents } from '#control/search/node-text.ts';
import { rrsetForm } from '#admin/http/form.ts';
import { identityOf } from '#admin/http/identity.ts';
import { nameText, parseAbsolute, parseType } from '#admin/http/names.ts';
import { linkNext, pageQuery, readPage } from '#admin/http/page.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { RrsetForm } from '#admin/http/rrset-schemas.ts';
import { search, textMatcher } from './search.ts';

const FoundForm = Type.Object({ zone: Type.String({ description: 'absolute' }), ...RrsetForm.properties });

export const searchRoutes = [
  readRoute({
    url: '/v1/search',
    budget: 'searches',
    access: 'zone-list',
    tag: 'rrsets',
    summary: 'Search all zones',
    description:
      'In the order of zones and names, of what the token may read. `q` is part of a name or of a record, or with ' +
      '`*` and `?` all of one. Three characters of it in a row are found by an index, once it has been made; else a ' +
      'request looks at 20,000 names at most: a page may have few RRsets, or none, and still a `next`.',
    query: {
      ...pageQuery,
      q: Type.Optional(Type.String({ minLength: 1, maxLength: SEARCH_TEXT_CHARACTERS_MAX, examples: ['192.0.2.1'] })),
      name: Type.Optional(
        Type.String({ minLength: 1, maxLength: 1024, description: 'only names at or below this one' }),
      ),
      type: Type.Optional(Type.String({ description: 'only this type' })),
      manager: Type.Optional(Type.String({ maxLength: 32, description: 'only what this manager keeps' })),
    },
    answers: { 200: Type.Object({ rrsets: Type.Array(FoundForm), next: Type.Optional(Type.String()) }) },
    show: async ({ control, query, request, reply }) => {
      const page = readPage(query, 2);
      if (!page.ok) return page;
      const { q, manager } = query;
      if (q === undefined && query.name === undefined && query.type === undefined && manager === undefined)
        return fail(
          problem('FIELD_VALUE', WHOLE, 'there is nothing to search for', { fix: 'give q, name, type or manager' }),
        );
      if ((q?.match(/[*?]/g) ?? []).length > SEARCH_WILDCARDS_MAX)
        return fail(problem('FIELD_VALUE', inQuery('q'), `it has more than ${SEARCH_WILDCARDS_MAX} of * and ?`));
      const below = query.name === undefined ? ok(undefined) : parseAbsolute(query.name);
      if (!below.ok) return fail(...placeAt(below.problems, inQuery('name')));
      const type = query.type === undefined ? ok(undefined) : parseType(query.type, inQuery('type'));
      if (!type.ok) return type;
      const isIn = q === undefined ? () => true : textMatcher(q, false);
      const { limit, after } = page.value;
      const [zoneKey = '', ownerKey = ''] = after ?? [];
      const from = after === undefined ? undefined : { zoneKey, ownerKey };
      const text = q === undefined ? undefined : { text: q, isWhole: false };
      const { found, next } = await search(
        control,
        identityOf(request),
        {
          ...(below.value === undefined ? {} : { below: below.value }),
          contents: wantedContents(text, { type: type.value, manager }),
          matches: (owner, rrset) =>
            rrset.type !== TYPE.NSEC &&
            (type.value === undefined || rrset.type === type.value) &&
            (manager === undefined || rrset.manager === manager) &&
            (isIn(nameText(owner)) ||
              isIn(nameText(owner).slice(0, -1)) ||
              rrset.rdatas.some((rdata) => isIn(formatRdata(rrset.type, rdata)))),
        },
        { from, limit },
      );
      const rrsets = found.map(({ zone, owner, rrset }) => ({ zone: zone.name, ...rrsetForm(owner, rrset, false) }));
      const cursor = next === undefined ? undefined : linkNext({ request, reply }, [next.zoneKey, next.ownerKey]);
      return ok({ body: () => ({ rrsets, next: cursor }) });
    },
  }),
];
