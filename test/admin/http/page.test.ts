/** Lists by pages: cursors and `Link`. */
import { describe, expect, test } from 'vitest';
import { cutPage, readNumberPage, readPage } from '#admin/http/page.ts';
import type { Asked } from '#admin/http/route.ts';
import { PAGE_ITEMS_DEFAULT } from '#base/limits/admin.ts';
import { bad, good } from '../../support/temporary-control.ts';

/** A request for `url`, and the headers of its answer. */
function asking(url = '/v1/things?limit=2&name=a%20b') {
  const headers: Record<string, string> = {};
  const reply = { header: (name: string, value: string) => void (headers[name] = value) };
  return { headers, asked: { request: { url }, reply } as unknown as Asked };
}
const idOf = (item: string) => [item];

describe('cutPage', () => {
  test('the last page has no cursor and no Link', () => {
    const { headers, asked } = asking();
    expect(cutPage(asked, ['a', 'b'], 2, idOf)).toEqual({ shown: ['a', 'b'], next: undefined });
    expect(headers).toEqual({});
  });

  test('RFC 8288 §3: Link names the next page, with all parameters of this one', () => {
    const { headers, asked } = asking();
    const { shown, next } = cutPage(asked, ['a', 'b', 'c'], 2, idOf);
    expect(shown).toEqual(['a', 'b']);
    expect(headers).toEqual({ link: `</v1/things?limit=2&name=a+b&cursor=${next}>; rel="next"` });
    expect(good(readPage({ cursor: next! }, 1))).toEqual({ limit: PAGE_ITEMS_DEFAULT, after: ['b'] });
  });
});

describe('readPage', () => {
  const cursorOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

  test.each(['!!', cursorOf('a'), cursorOf(['a', 'b']), cursorOf([1]), cursorOf({})])('rejects the cursor %j', (cursor) => {
    expect(bad(readPage({ cursor }, 1))).toMatchObject([{ code: 'PARAMETER', at: { in: 'query', name: 'cursor' } }]);
  });

  test('a list by numbers begins below the number of its cursor, and rejects a cursor without one', () => {
    expect(good(readNumberPage({ limit: 3 }))).toEqual({ limit: 3, before: undefined });
    expect(good(readNumberPage({ cursor: cursorOf(['17']) }))).toMatchObject({ before: 17 });
    for (const text of ['x', '1.5', '9007199254740993']) expect(bad(readNumberPage({ cursor: cursorOf([text]) }))).toHaveLength(1);
  });
});
