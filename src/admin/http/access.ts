/**
 * Who may do what: every route declares its access, a hook refuses everything else.
 * Implements: RFC 6750 §2.1 (Bearer in the Authorization header; never in the URL or the body).
 * Not here: making and keeping tokens (control/).
 */
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientNetwork } from '#base/address.ts';
import { AUTH_FAILURES_PER_MINUTE_MAX } from '#base/limits/limits.ts';
import { inHeader } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { ownerKey } from '#dns/name.ts';
import type { Actor, ControlApi, TokenScope } from '#control/api/control.ts';
import type { AdminApp } from './admin-app.ts';
import { parseZoneName } from './names.ts';
import { sendProblems } from './problems.ts';

/**
 * What a route asks for. `public`: nothing. `read`: scope `read`. `zone-list`: any good token, the route shows what it may see.
 * `zone-read` and `zone-change`: also the scope of the zone in the URL. `admin`: only scope `admin`, which may everything else.
 * `signer`: only the scope of the signer in the URL, or where there is none there, of any; here private keys leave, and nobody else gets in.
 */
export type Access = 'public' | 'read' | 'zone-list' | 'zone-read' | 'zone-change' | 'admin' | 'signer';

/** Who sends the request. */
export interface Identity {
  readonly actor: Actor;
  readonly scopes: readonly TokenScope[];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    /** Null on public routes. */
    identity: Identity | null;
  }
}

/**
 * Connections of the Unix socket. Membership is the proof: a TCP connection that has just died has no remote address either,
 * so the absence of an address must never be taken for one.
 */
const unixConnections = new WeakSet<Socket>();

export function markUnixConnection(socket: Socket): void {
  unixConnections.add(socket);
}

export function isUnixConnection(request: FastifyRequest): boolean {
  return unixConnections.has(request.raw.socket);
}

/** Puts the hook on the app. Call before any route is added. */
export function guard(app: AdminApp, control: ControlApi): void {
  app.decorateRequest('identity', null);
  const countFailure = app.createRateLimit({
    max: AUTH_FAILURES_PER_MINUTE_MAX,
    timeWindow: 60_000,
    keyGenerator: (request) => `failure ${isUnixConnection(request) ? 'unix' : clientNetwork(request.ip)}`,
  });
  app.addHook('onRequest', async (request, reply) => {
    const access = request.routeOptions.config.access;
    if (access === 'public') return;
    const identity = isUnixConnection(request) && access !== 'signer' ? SOCKET : identify(request, control, access === 'signer');
    if ('code' in identity) {
      const failures = await countFailure(request);
      // "Allowed" here means: on the allow list. Nobody is.
      if (!failures.isAllowed && failures.isExceeded) return await refuseForNow(reply, failures.ttlInSeconds);
      return await sendProblems(reply, [identity]);
    }
    request.identity = identity;
    // A path that no route has: whoever has a token may learn that; no other request comes by without a declared access.
    if (request.is404) return;
    const may =
      access === 'signer'
        ? signerOf(request, identity) !== undefined
        : access !== undefined && allows(identity.scopes, access, zoneOf(request));
    if (!may) await sendProblems(reply, [denied(identity, access)]);
  });
}

const SOCKET: Identity = { actor: { kind: 'socket', id: 'admin', from: 'unix' }, scopes: ['admin'] };

/** A signer may say its token as rspamd says it to a Vault. */
function identify(request: FastifyRequest, control: ControlApi, isSigner: boolean): Identity | Problem {
  const vault = isSigner ? request.headers['x-vault-token'] : undefined;
  const header = request.headers.authorization ?? (typeof vault === 'string' ? `Bearer ${vault}` : undefined);
  if (header === undefined)
    return problem('AUTH_MISSING', inHeader('Authorization'), 'this request carries no token', {
      rfc: 'RFC 6750 §2.1',
      fix: 'send "Authorization: Bearer <token>"; the first token is in admin.token in the data directory',
    });
  const secret = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header)?.[1];
  const token = secret === undefined ? undefined : control.tokens.authenticate(secret);
  if (token === undefined) return problem('AUTH_INVALID', inHeader('Authorization'), 'this token is unknown, expired or revoked');
  return { actor: { kind: 'token', id: token.id, from: isUnixConnection(request) ? 'unix' : request.ip }, scopes: token.scopes };
}

/** Whether what let this request in is still good: for answers that go on for long. */
export function isStillIdentified(request: FastifyRequest, control: ControlApi): boolean {
  return isUnixConnection(request) || !('code' in identify(request, control, false));
}

async function refuseForNow(reply: FastifyReply, waitSeconds: number): Promise<void> {
  reply.header('retry-after', String(waitSeconds));
  await sendProblems(reply, [
    problem('AUTH_FAILURES', inHeader('Authorization'), `too many failed log-ins from this address; next try in ${waitSeconds} s`),
  ]);
}

function denied(identity: Identity, access: Access | undefined): Problem {
  const needed =
    access === undefined
      ? 'a scope that does not exist'
      : access === 'signer'
        ? 'the scope of this signer, and no other'
        : access === 'admin'
          ? 'scope admin'
          : access === 'read'
            ? 'scope read or admin'
            : 'scope admin or that of this zone';
  return problem(
    'AUTH_SCOPE',
    inHeader('Authorization'),
    `token ${identity.actor.id} has ${identity.scopes.join(', ') || 'no scope'}; this needs ${needed}`,
  );
}

/** True when one of the scopes opens `access`, for the zone with this owner key where that counts. */
export function allows(scopes: readonly TokenScope[], access: Access, zoneKey: string | undefined): boolean {
  return scopes.some((scope) => {
    if (access === 'signer' || scope.startsWith('signer:')) return false;
    if (scope === 'admin' || access === 'zone-list') return true;
    if (scope === 'read') return access === 'read' || access === 'zone-read';
    return (access === 'zone-read' || access === 'zone-change') && zoneKey !== undefined && scopeZoneKey(scope) === zoneKey;
  });
}

/** The owner key of a `zone:` scope's zone. */
export function scopeZoneKey(scope: TokenScope): string | undefined {
  if (!scope.startsWith('zone:')) return undefined;
  const name = parseZoneName(scope.slice('zone:'.length));
  return name.ok ? ownerKey(name.value) : undefined;
}

/** Name of the signer whose token this is; undefined when it is none, or not that of the signer in the URL. */
export function signerOf({ params }: Pick<FastifyRequest, 'params'>, { scopes }: Identity): string | undefined {
  const [scope] = scopes;
  // A token with further scopes is somebody else's.
  if (scopes.length !== 1 || scope?.startsWith('signer:') !== true) return undefined;
  const name = scope.slice('signer:'.length);
  const wanted = typeof params === 'object' && params !== null && 'signer' in params ? params.signer : name;
  return wanted === name ? name : undefined;
}

function zoneOf(request: FastifyRequest): string | undefined {
  const { params } = request;
  const zone = typeof params === 'object' && params !== null && 'zone' in params ? params.zone : undefined;
  const name = typeof zone === 'string' ? parseZoneName(zone) : undefined;
  return name?.ok === true ? ownerKey(name.value) : undefined;
}
