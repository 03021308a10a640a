/**
 * Who sends a request, and why: the administrator at the Unix socket, or the owner of a token.
 * Implements: RFC 6750 §2.1 (Bearer in the Authorization header; never in the URL or the body), RFC 9110 §5.5
 * (octets of a field value).
 * Not here: what the sender may do (access.ts), creating and storing tokens (control/tokens/).
 */
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { assert } from '#base/assert.ts';
import { CHANGE_REASON_CHARACTERS_MAX } from '#base/limits/changes.ts';
import { inHeader } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { findHidden, hasHidden } from '#base/visible.ts';
import type { Actor, ControlApi } from '#control/api/control.ts';
import type { Rights } from '#control/api/tokens.ts';
import { given } from './form.ts';
import { dialectOf } from './problems.ts';

export interface Identity extends Rights {
  readonly actor: Actor;
  /** The token's own limit; absent: that of all tokens. */
  readonly requestsPerMinute?: number;
}

/**
 * The headers in which a token can come, and how it stands in each. A route reads the Authorization header unless it
 * names others (`tokenHeaders`). An API that has a header of its own gets a line here, and its routes name that line.
 */
const TOKEN_HEADERS = {
  authorization: { field: 'authorization', read: matchOf(/^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i) },
  // RFC 7617: the password of a URL, with any name; programs that cannot send a header can be given that.
  basic: { field: 'authorization', read: basicPassword },
  // PowerDNS's header.
  'x-api-key': { field: 'x-api-key', read: matchOf(/^([A-Za-z0-9._~+/-]+=*) *$/) },
  // HashiCorp Vault's header. rspamd fetches DKIM keys as a client of a Vault and sends its token in no other header.
  'x-vault-token': { field: 'x-vault-token', read: matchOf(/^([A-Za-z0-9._~+/-]+=*) *$/) },
} as const;

export type TokenHeader = keyof typeof TOKEN_HEADERS;

function matchOf(form: RegExp): (value: string) => string | undefined {
  return (value) => form.exec(value)?.[1];
}

function basicPassword(value: string): string | undefined {
  const [, coded] = /^Basic +([A-Za-z0-9+/]+=*) *$/i.exec(value) ?? [];
  if (coded === undefined) return undefined;
  return /^[^:]*:([A-Za-z0-9._~+/-]+=*)$/.exec(Buffer.from(coded, 'base64').toString('latin1'))?.[1];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Headers that the route reads a token from; the first one that is present counts. */
    tokenHeaders?: readonly TokenHeader[];
  }
  interface FastifyRequest {
    /** Null on public routes. */
    identity: Identity | null;
  }
}

/**
 * Connections of the Unix socket. Membership is the proof: a TCP connection that has just died has no remote address
 * either, so a missing address proves nothing.
 */
const unixConnections = new WeakSet<Socket>();

export function markUnixConnection(socket: Socket): void {
  unixConnections.add(socket);
}

export function isUnixConnection(request: FastifyRequest): boolean {
  return unixConnections.has(request.raw.socket);
}

/** Where a request comes from, for the audit log: an address, or `unix`. */
export function originOf(request: FastifyRequest): string {
  return isUnixConnection(request) ? 'unix' : request.ip;
}

/** How a request came, for the audit log. */
export function transportOf(request: FastifyRequest): string {
  if (isUnixConnection(request)) return 'unix';
  // Not what a proxy says of its own client: that text comes from outside.
  return 'encrypted' in request.raw.socket ? 'https' : 'http';
}

export const SOCKET_IDENTITY: Identity = {
  actor: { kind: 'socket', id: 'admin', from: 'unix', transport: 'unix' },
  // All of it; there is nothing to add.
  scopes: ['admin'],
  grants: [],
};

/** The administrator, with the user whose process it is, where that is known. */
export function socketIdentity(user: string | undefined): Identity {
  if (user === undefined) return SOCKET_IDENTITY;
  return { ...SOCKET_IDENTITY, actor: { ...SOCKET_IDENTITY.actor, user } };
}

/** What the request carries as its token; undefined: nothing. Without a `secret` it has not the form of one. */
function tokenText(request: FastifyRequest): { readonly secret: string | undefined } | undefined {
  // A path that no route has: its clients still send their token as their other paths want it.
  const headers = request.routeOptions.config.tokenHeaders ?? dialectOf(request)?.tokenHeaders ?? ['authorization'];
  const forms = headers.map((each) => TOKEN_HEADERS[each]);
  const present = forms.filter(({ field }) => typeof request.headers[field] === 'string');
  if (present.length === 0) return undefined;
  const found = present.map(({ field, read }) => read(String(request.headers[field])));
  // The first header that is present counts, in whichever of its forms.
  const ofFirst = found.filter((_, at) => present[at]!.field === present[0]!.field);
  return { secret: ofFirst.find((each) => each !== undefined) };
}

/** The token that the request carries, good or not, with the id in it; undefined: it carries nothing of that form. */
export function presentedToken(request: FastifyRequest): { readonly text: string; readonly id: string } | undefined {
  const text = tokenText(request)?.secret;
  const id = text === undefined ? undefined : /^wax_([0-9a-f]{16})_/.exec(text)?.[1];
  return text === undefined || id === undefined ? undefined : { text, id };
}

/** A request whose sender is not known. */
export interface Unidentified {
  readonly problem: Problem;
  /** Why the token that there is was not good, for the log; absent: there is no such token. */
  readonly why?: string;
}

/** Who the request's token says it is from, or why that is not known. */
export function identify(request: FastifyRequest, control: ControlApi): Identity | Unidentified {
  const presented = tokenText(request);
  if (presented === undefined) {
    const missing = problem('AUTH_MISSING', inHeader('Authorization'), 'this request carries no token', {
      rfc: 'RFC 6750 §2.1',
      fix: 'send "Authorization: Bearer <token>"; the first token is in admin.token in the data directory',
    });
    return { problem: missing };
  }
  const { secret } = presented;
  const from = originOf(request);
  const token = secret === undefined ? {} : control.tokens.authenticate(secret, from);
  if (!('id' in token)) {
    // One text for all of them: a thief must not learn that the token is good from another address.
    const text = 'this token is unknown, expired or revoked, or not for this address';
    const fix = 'waxseal token list shows the tokens with their ends and addresses';
    return { problem: problem('AUTH_INVALID', inHeader('Authorization'), text, { fix }), ...token };
  }
  const { id, owner, scopes, grants, requestsPerMinute } = token;
  const [role, transport] = [roleOf(token), transportOf(request)];
  const actor = { kind: 'token', id, from, role, transport, ...given({ owner }) } as const;
  return { actor, scopes, grants, ...given({ requestsPerMinute }) };
}

/** What the token is for as a whole (docs/tokens.md): the roles, and `limited` for all that is none of them. */
function roleOf({ scopes, grants }: Rights): string {
  if (scopes.includes('admin')) return 'administrator';
  if (scopes.some((scope) => scope.startsWith('signer:'))) return 'signer';
  const isReader = scopes.includes('read');
  if (isReader && grants.some(({ may, zone }) => may === 'manage' && zone === undefined)) return 'operator';
  return isReader && scopes.length + grants.length === 1 ? 'auditor' : 'limited';
}

/** Whether what let this request in is still good: for answers that take long. */
export function isStillIdentified(request: FastifyRequest, control: ControlApi): boolean {
  return isUnixConnection(request) || 'actor' in identify(request, control);
}

/** The sender of a request to a route that is not public. */
export function identityOf({ identity }: Pick<FastifyRequest, 'identity'>): Identity {
  assert(identity !== null, 'the sender of a public route is not known');
  return identity;
}

const REASON_HEADER = 'X-Change-Reason';

/**
 * Why a change is made, in the words of who makes it: the header `X-Change-Reason`, which goes into the audit log as it
 * came; undefined: none. What is too long or would forge a line where it is shown is rejected, and never cut.
 */
export function changeReason({ headers }: Pick<FastifyRequest, 'headers'>): Result<string | undefined> {
  const value = headers[REASON_HEADER.toLowerCase()];
  if (value === undefined) return ok(undefined);
  const rejected = (why: string, fix: string) => fail(problem('REQUEST', inHeader(REASON_HEADER), why, { fix }));
  // Node gives each octet as a character.
  const octets = Buffer.from(String(value), 'latin1');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets).trim();
  } catch {
    return rejected('the reason is not UTF-8', 'send it as UTF-8 octets, without percent escapes');
  }
  const hidden = findHidden(text);
  if (hidden !== undefined) {
    return rejected(`the reason ${hasHidden(hidden)}`, 'leave it out');
  }
  if (text.length > CHANGE_REASON_CHARACTERS_MAX) {
    const why = `the reason has ${text.length} characters, at most ${CHANGE_REASON_CHARACTERS_MAX} are possible`;
    return rejected(why, 'name the ticket or the document that has the rest');
  }
  return ok(text === '' ? undefined : text);
}
