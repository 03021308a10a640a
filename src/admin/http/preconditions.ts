/**
 * Entity tags, and changes that hold only for what the client has seen.
 * Implements: RFC 9110 §8.8.3 (entity tags), §13.1.1 (If-Match), §13.1.2 (If-None-Match), §13.2.2 (order).
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { inHeader } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import type { RunOptions } from '#control/api/control.ts';
import type { ZoneRecord } from '#store/schema.ts';
import type { NodeRrset, ZoneView } from '#zone/view.ts';

/** A zone changes with every revision of it. */
export function zoneEtag(record: { readonly revision: number }): string {
  return `"r${record.revision}"`;
}

/** An RRset's tag is a hash of TTL and data: other changes of the zone, and new signatures, leave it as it is. */
export function rrsetEtag(rrset: NodeRrset): string {
  const hash = createHash('sha256').update(`${rrset.type} ${rrset.ttl} ${rrset.manager}`);
  for (const rdata of rrset.rdatas) hash.update(`/${rdata.length}:`).update(rdata);
  return `"h${hash.digest('base64url').slice(0, 22)}"`;
}

/** For an answer that is not one object of the store: a hash of the answer. */
export function contentEtag(content: unknown): string {
  return `"c${createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 22)}"`;
}

type Precondition = NonNullable<RunOptions['precondition']>;

/**
 * The request's If-Match and If-None-Match as a check for the writer; undefined without these headers. `etagOf` returns
 * the tag of the resource now, undefined when it does not exist. If-None-Match with tags means nothing for a change,
 * and is rejected.
 */
export function preconditionOf(
  request: Pick<FastifyRequest, 'headers'>,
  etagOf: (record: ZoneRecord | undefined, view: ZoneView | undefined) => string | undefined,
): Result<Precondition | undefined> {
  const match = readTags(request.headers['if-match'], 'If-Match');
  if (!match.ok) return match;
  const noneMatch = request.headers['if-none-match'];
  if (noneMatch !== undefined && noneMatch.trim() !== '*')
    return fail(problem('REQUEST', inHeader('If-None-Match'), 'a change accepts only If-None-Match: *', { rfc: 'RFC 9110 §13.1.2' }));
  const tags = match.value;
  if (tags === undefined && noneMatch === undefined) return ok(undefined);
  return ok((record, view) => {
    const etag = etagOf(record, view);
    if (tags !== undefined && (etag === undefined || !(tags === '*' || tags.includes(etag)))) return changed(etag);
    if (noneMatch !== undefined && etag !== undefined)
      return problem('PRECONDITION', inHeader('If-None-Match'), `the resource exists already, with ETag ${etag}`, {
        rfc: 'RFC 9110 §13.1.2',
      });
    return undefined;
  });
}

function changed(etag: string | undefined): Problem {
  const now = etag === undefined ? 'it does not exist' : `its ETag is now ${etag}`;
  return problem('PRECONDITION', inHeader('If-Match'), `the resource is not the one that If-Match names: ${now}`, {
    rfc: 'RFC 9110 §13.1.1',
    fix: 'read the resource again, then decide again what to change',
  });
}

/** True when the client has this already: the answer is then 304 with nothing in it. Sets the ETag. */
export function notModified(request: Pick<FastifyRequest, 'headers'>, reply: FastifyReply, etag: string): boolean {
  reply.header('etag', etag);
  const header = request.headers['if-none-match'];
  if (header === undefined) return false;
  // RFC 9110 §13.1.2: weak comparison, and a compressing proxy may have made our tag weak.
  const same = header.trim() === '*' || header.split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
  if (same) reply.status(304);
  return same;
}

/**
 * Entity tags of a header. Weak ones never match a change (RFC 9110 §13.1.1: strong comparison) and are kept as they
 * are.
 */
function readTags(header: string | undefined, name: string): Result<'*' | readonly string[] | undefined> {
  if (header === undefined) return ok(undefined);
  if (header.trim() === '*') return ok('*');
  const tags = header.split(',').map((each) => each.trim());
  if (tags.every((each) => /^(?:W\/)?"[\x21\x23-\x7e]*"$/.test(each))) return ok(tags);
  return fail(
    problem('REQUEST', inHeader(name), `${name} is not a list of entity tags`, {
      rfc: 'RFC 9110 §8.8.3',
      fix: 'send the ETag as the server sent it, with its quotes',
    }),
  );
}
