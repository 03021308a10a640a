/**
 * Lists by pages: `?limit=` and `?cursor=`, and the address of the next page in `Link` (RFC 8288 §3) and in the body.
 * A cursor names a place in the order of the list. So a list that changes meanwhile neither repeats nor skips the items
 * that stay.
 */
import { Type } from 'typebox';
import { PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX } from '#base/limits/admin.ts';
import { inQuery } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import type { Asked } from './route.ts';

/** Query parameters of every list. */
export const pageQuery = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: PAGE_ITEMS_MAX, description: `items on a page; ${PAGE_ITEMS_DEFAULT} unless given` }),
  ),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 2048, description: '`next` of the answer before' })),
};

export interface Page {
  readonly limit: number;
  /** The parts that identify the last item of the page before; undefined on the first page. */
  readonly after: readonly string[] | undefined;
}

interface PageQuery {
  readonly limit?: number;
  readonly cursor?: string;
}

/** The page that a request asks for; a cursor of this list has so many parts. */
export function readPage(query: PageQuery, parts: number): Result<Page> {
  const limit = query.limit ?? PAGE_ITEMS_DEFAULT;
  if (query.cursor === undefined) return ok({ limit, after: undefined });
  const after = partsOf(query.cursor);
  if (after?.length === parts) return ok({ limit, after });
  return fail(cursorProblem());
}

/** A page of a list in falling order of a number: the items with a smaller number than `before`. */
export function readNumberPage(query: PageQuery): Result<{ readonly limit: number; readonly before: number | undefined }> {
  const page = readPage(query, 1);
  if (!page.ok) return page;
  const { limit, after } = page.value;
  const before = after === undefined ? undefined : Number(after[0]);
  return before === undefined || Number.isSafeInteger(before) ? ok({ limit, before }) : fail(cursorProblem());
}

/**
 * The first `limit` of `found`. When there are more, `next` is the cursor of the page after them, made of the parts that
 * identify the last item here; it is also in the header `Link`.
 */
export function cutPage<T>(
  { request, reply }: Pick<Asked, 'request' | 'reply'>,
  found: readonly T[],
  limit: number,
  idOf: (last: T) => readonly string[],
): { readonly shown: readonly T[]; readonly next: string | undefined } {
  const shown = found.slice(0, limit);
  if (found.length <= limit) return { shown, next: undefined };
  return { shown, next: linkNext({ request, reply }, idOf(shown.at(-1)!)) };
}

/** The cursor of the page that begins after what `parts` identify; also put into the header `Link`. */
export function linkNext({ request, reply }: Pick<Asked, 'request' | 'reply'>, parts: readonly string[]): string {
  const next = cursorOf(parts);
  const [path, search] = request.url.split('?', 2);
  const query = new URLSearchParams(search);
  query.set('cursor', next);
  reply.header('link', `<${path}?${query.toString()}>; rel="next"`);
  return next;
}

/** A cursor that no answer of the list had. */
export function cursorProblem(): Problem {
  return problem('PARAMETER', inQuery('cursor'), 'this cursor is not from an answer of this list', { fix: 'start again without a cursor' });
}

function cursorOf(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

function partsOf(cursor: string): readonly string[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) && parts.every((each) => typeof each === 'string') ? parts : undefined;
  } catch {
    return undefined;
  }
}
