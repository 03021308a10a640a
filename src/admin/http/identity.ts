/**
 * Who sends a request: the administrator at the Unix socket, or the owner of a token.
 * Implements: RFC 6750 §2.1 (Bearer in the Authorization header; never in the URL or the body).
 * Not here: what the sender may do (access.ts), creating and storing tokens (control/tokens/).
 */
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { assert } from '#base/assert.ts';
import { inHeader } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
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
  authorization: /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i,
  // PowerDNS's header.
  'x-api-key': /^([A-Za-z0-9._~+/-]+=*) *$/,
  // HashiCorp Vault's header. rspamd fetches DKIM keys as a client of a Vault and sends its token in no other header.
  'x-vault-token': /^([A-Za-z0-9._~+/-]+=*) *$/,
} as const;

export type TokenHeader = keyof typeof TOKEN_HEADERS;

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

export const SOCKET_IDENTITY: Identity = {
  actor: { kind: 'socket', id: 'admin', from: 'unix' },
  // All of it; there is nothing to add.
  scopes: ['admin'],
  grants: [],
};

/** The header of the request that carries its token; undefined: none does. */
function tokenHeader(request: FastifyRequest): TokenHeader | undefined {
  // A path that no route has: its clients still send their token as their other paths want it.
  const headers = request.routeOptions.config.tokenHeaders ?? dialectOf(request)?.tokenHeaders ?? ['authorization'];
  return headers.find((each) => typeof request.headers[each] === 'string');
}

/** The token that the request carries, good or not, with the id in it; undefined: it carries nothing of that form. */
export function presentedToken(request: FastifyRequest): { readonly text: string; readonly id: string } | undefined {
  const name = tokenHeader(request);
  const text = name === undefined ? undefined : TOKEN_HEADERS[name].exec(String(request.headers[name]))?.[1];
  const id = text === undefined ? undefined : /^wax_([0-9a-f]{16})_/.exec(text)?.[1];
  return text === undefined || id === undefined ? undefined : { text, id };
}

/** Who the request's token says it is from, or why that is not known. */
export function identify(request: FastifyRequest, control: ControlApi): Identity | Problem {
  const name = tokenHeader(request);
  if (name === undefined)
    return problem('AUTH_MISSING', inHeader('Authorization'), 'this request carries no token', {
      rfc: 'RFC 6750 §2.1',
      fix: 'send "Authorization: Bearer <token>"; the first token is in admin.token in the data directory',
    });
  const secret = TOKEN_HEADERS[name].exec(String(request.headers[name]))?.[1];
  const from = originOf(request);
  const token = secret === undefined ? undefined : control.tokens.authenticate(secret, from);
  // One text for all of them: a thief must not learn that the token is good from another address.
  const why = 'this token is unknown, expired or revoked, or not for this address';
  if (token === undefined)
    return problem('AUTH_INVALID', inHeader('Authorization'), why, {
      fix: 'waxseal token list shows the tokens with their ends and addresses',
    });
  const { id, scopes, grants, requestsPerMinute } = token;
  return { actor: { kind: 'token', id, from }, scopes, grants, ...given({ requestsPerMinute }) };
}

/** Whether what let this request in is still good: for answers that take long. */
export function isStillIdentified(request: FastifyRequest, control: ControlApi): boolean {
  return isUnixConnection(request) || !('code' in identify(request, control));
}

/** The sender of a request to a route that is not public. */
export function identityOf({ identity }: Pick<FastifyRequest, 'identity'>): Identity {
  assert(identity !== null, 'the sender of a public route is not known');
  return identity;
}
