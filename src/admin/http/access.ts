/**
 * Who may do what: every route declares its access, and a hook rejects every request that does not have it.
 * Not here: who sends the request (identity.ts).
 */
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientNetwork } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import { rightsText } from '#base/grant-text.ts';
import { AUTH_FAILURES_PER_MINUTE_MAX } from '#base/limits/admin.ts';
import { type LogEvent } from '#base/log/events.ts';
import { type Place, WHOLE, inHeader, inUrl } from '#base/place.ts';
import { type Problem, type Result, ok, problem } from '#base/problem.ts';
import { type Name, ownerKey } from '#dns/name.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { Rights, TokenScope } from '#control/api/tokens.ts';
import type { TokenGrant } from '#store/schema.ts';
import type { AdminApp } from './admin-app.ts';
import { type Identity, socketIdentity, identify, identityOf, isUnixConnection } from './identity.ts';
import { changeReason, presentedToken } from './identity.ts';
import { parseZoneName, textParameter } from './names.ts';
import { dialectOf, sendProblems } from './problems.ts';

/** What a route asks for, and the words for it in the answer to a request that is rejected. */
const NEEDED = {
  /** Nothing. */
  public: 'no scope',
  read: 'scope read or admin',
  /** Any good token except a signer's; the route shows only what the token may see. */
  'zone-list': 'a scope that is not of a signer',
  /** `read`, or the scope of the zone in the URL. */
  'zone-read': 'scope admin or that of this zone',
  'zone-change': 'scope admin or that of this zone',
  /** Also for a token that is for some RRsets of the zone: the route looks at what it may touch (record-scope.ts). */
  'rrset-read': 'a right to read this zone',
  'rrset-change': 'a right to change this zone',
  /** To create and remove the zone; a route that names the zone in its body looks there itself. */
  'zone-manage': 'scope admin or a grant to manage this zone',
  admin: 'scope admin',
  /**
   * Only the scope of the signer in the URL, or of any signer when the URL names none. These routes return private
   * keys: not even `admin` opens them.
   */
  signer: 'the scope of this signer, and no other',
} as const;

export type Access = keyof typeof NEEDED;

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    /** How the route reads the zone in its path; absent: as `parseZoneName` does. */
    readZone?: (text: string) => Result<Name>;
  }
}

export interface GuardOptions {
  readonly requestsPerMinuteMax: number;
  /** Whose process opened a connection of the Unix socket; never rejects. Asked for changes only. */
  readonly socketUser?: ((socket: Socket) => Promise<string | undefined>) | undefined;
}

/** Puts the hook on the app. Call before any route is added. */
export function guard(
  app: AdminApp,
  control: ControlApi,
  { requestsPerMinuteMax, socketUser = () => Promise.resolve(undefined) }: GuardOptions,
): void {
  app.decorateRequest('identity', null);
  const countFailure = app.createRateLimit({
    max: AUTH_FAILURES_PER_MINUTE_MAX,
    timeWindow: 60_000,
    keyGenerator: (request) => `failure ${isUnixConnection(request) ? 'unix' : clientNetwork(request.ip)}`,
  });
  // One token guessed at from many addresses.
  const countTokenFailure = app.createRateLimit({
    max: AUTH_FAILURES_PER_MINUTE_MAX,
    timeWindow: 60_000,
    keyGenerator: (request) => `failure of token ${presentedToken(request)?.id}`,
  });
  // By its id: the address is that of a proxy for many tenants.
  const countRequest = app.createRateLimit({
    max: (request: FastifyRequest) => Math.min(identityOf(request).requestsPerMinute ?? Infinity, requestsPerMinuteMax),
    timeWindow: 60_000,
    keyGenerator: (request) => `token ${identityOf(request).actor.id}`,
  });
  app.addHook('onRequest', async (request, reply) => {
    const { access } = request.routeOptions.config;
    if (access === 'public') return;
    const isAtSocket = isUnixConnection(request);
    const user = isAtSocket && !isRead(request) ? await socketUser(request.raw.socket) : undefined;
    const identity = isAtSocket && access !== 'signer' ? socketIdentity(user) : identify(request, control);
    if (!('actor' in identity)) {
      const presented = presentedToken(request);
      const counts = [await countFailure(request)];
      if (presented !== undefined) counts.push(await countTokenFailure(request));
      for (const failures of counts) {
        // "Allowed" means here: on the allow list, which is empty.
        if (!failures.isAllowed && failures.isExceeded) return await rejectForNow(reply, failures.ttlInSeconds);
      }
      logRejected(request, identity.why);
      return await sendProblems(reply, [identity.problem]);
    }
    const reason = isRead(request) ? ok(undefined) : changeReason(request);
    request.identity = withReason(identity, reason.ok ? reason.value : undefined);
    if (!isAtSocket) {
      const requests = await countRequest(request);
      if (!requests.isAllowed && requests.isExceeded) return await rejectToken(reply, requests.ttlInSeconds);
    }
    // A path that no route has. Every good token may learn that.
    if (request.is404) return;
    assert(access !== undefined, 'a route without access');
    if (!isOpenTo(identity, access, request)) await rejectScope(reply, identity, access);
    else if (!reason.ok) await sendProblems(reply, reason.problems);
  });
}

/** A request that asks for no change. */
export function isRead({ method }: Pick<FastifyRequest, 'method'>): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

function withReason(identity: Identity, reason: string | undefined): Identity {
  return reason === undefined ? identity : { ...identity, actor: { ...identity.actor, reason } };
}

/** The client does not learn why its token is no good; the operator does, when there is such a token. */
function logRejected(request: FastifyRequest, why: string | undefined): void {
  const presented = presentedToken(request);
  if (presented === undefined || why === undefined) return;
  const fields = { event: 'token.rejected' satisfies LogEvent, tokenId: presented.id, client: request.ip };
  request.log.warn(fields, `token ${presented.id} was rejected: ${why}`);
}

function isOpenTo(identity: Identity, access: Access, request: FastifyRequest): boolean {
  if (access === 'signer') return signerOf(request, identity) !== undefined;
  return allows(identity, access, zoneKeyOf(request));
}

async function rejectForNow(reply: FastifyReply, waitSeconds: number): Promise<void> {
  reply.header('retry-after', String(waitSeconds));
  await sendProblems(reply, [
    problem(
      'AUTH_FAILURES',
      inHeader('Authorization'),
      `too many failed log-ins from here or with this token; next try in ${waitSeconds} s`,
    ),
  ]);
}

async function rejectToken(reply: FastifyReply, waitSeconds: number): Promise<void> {
  reply.header('retry-after', String(waitSeconds));
  await sendProblems(reply, [problem('RATE_LIMIT', WHOLE, `too many requests with this token; wait ${waitSeconds} s`)]);
}

async function rejectScope(reply: FastifyReply, identity: Identity, access: Access): Promise<void> {
  const { request } = reply;
  const zoneKey = zoneKeyOf(request);
  const zone = textParameter(request.params, 'zone');
  const isHidden = zone !== undefined && !allows(identity, 'rrset-read', zoneKey);
  // Clients of another program guess zones upwards from a name, and stop at what is not 404.
  if (isHidden && dialectOf(request) !== undefined)
    await sendProblems(reply, [problem('ZONE_NOT_FOUND', inUrl('zone'), `there is no zone ${zone} here`)]);
  else await sendProblems(reply, [scopeProblem(identity, NEEDED[access])]);
}

/** Why a sender may not do what needs `needed`; `at` the token unless given. */
export function scopeProblem({ actor, scopes, grants }: Identity, needed: string, at?: Place): Problem {
  const has = rightsText(scopes, grants) || 'no scope';
  const what = `token ${actor.id} has ${has}; this needs ${needed}`;
  return problem('AUTH_SCOPE', at ?? inHeader('Authorization'), what);
}

/** What the scope of a zone opens, of that zone. */
const ZONE_SCOPE_OPENS: readonly Access[] = ['zone-read', 'zone-change', 'rrset-read', 'rrset-change'];

/** True when a scope or a grant opens `access`, for the zone with this owner key where that counts. */
export function allows({ scopes, grants }: Rights, access: Access, zoneKey: string | undefined): boolean {
  if (scopes.some((scope) => opens(scope, access, zoneKey))) return true;
  return grants.some((grant) => grantOpens(grant, access, zoneKey));
}

/** True for who may read every zone whole, those that come later too. */
export function seesAllZones({ scopes, grants }: Rights): boolean {
  return scopes.some((scope) => scope === 'admin' || scope === 'read') || grants.some(isForAll);
}

function isForAll(grant: TokenGrant): boolean {
  return grant.zone === undefined && isWholeZone(grant);
}

function opens(scope: TokenScope, access: Access, zoneKey: string | undefined): boolean {
  if (access === 'signer' || scope.startsWith('signer:')) return false;
  if (scope === 'admin' || access === 'zone-list') return true;
  if (scope === 'read') return access === 'read' || access === 'zone-read' || access === 'rrset-read';
  if (!ZONE_SCOPE_OPENS.includes(access)) return false;
  return zoneKey !== undefined && keyOf(scope.slice('zone:'.length)) === zoneKey;
}

/** A grant for some RRsets opens routes that look at what it may touch, and no others. */
function grantOpens(grant: TokenGrant, access: Access, zoneKey: string | undefined): boolean {
  const { may } = grant;
  if (access === 'zone-list') return true;
  if (access === 'zone-manage' && zoneKey === undefined) return may === 'manage';
  if (!isForZone(grant, zoneKey)) return false;
  const isWhole = isWholeZone(grant);
  switch (access) {
    case 'rrset-read':
      return true;
    case 'rrset-change':
      return may !== 'read';
    case 'zone-read':
      return isWhole;
    case 'zone-change':
      return isWhole && may !== 'read';
    case 'zone-manage':
      return isWhole && may === 'manage';
    default:
      return false;
  }
}

/** Whether the grant is for the zone with this owner key. */
export function isForZone({ zone }: TokenGrant, zoneKey: string | undefined): boolean {
  return zoneKey !== undefined && (zone === undefined || keyOf(zone) === zoneKey);
}

function isWholeZone({ names, types }: TokenGrant): boolean {
  return names === undefined && types === undefined;
}

/**
 * Name of the signer whose token this is; undefined for other tokens, and for the token of a signer that the URL does
 * not name.
 */
export function signerOf({ params }: Pick<FastifyRequest, 'params'>, { scopes }: Identity): string | undefined {
  const [scope] = scopes;
  // The register of signers makes tokens with this one scope. A token with more scopes is not from there.
  if (scopes.length !== 1 || scope?.startsWith('signer:') !== true) return undefined;
  const name = scope.slice('signer:'.length);
  const wanted = textParameter(params, 'signer') ?? name;
  return wanted === name ? name : undefined;
}

function zoneKeyOf({ params, routeOptions }: FastifyRequest): string | undefined {
  const zone = textParameter(params, 'zone');
  return zone === undefined ? undefined : keyOf(zone, routeOptions.config.readZone);
}

/** The owner key of the zone that `text` names, in a URL or in a scope. */
function keyOf(text: string, read: (text: string) => Result<Name> = parseZoneName): string | undefined {
  const name = read(text);
  return name.ok ? ownerKey(name.value) : undefined;
}
