/**
 * What a CA answers, checked: its directory, orders, authorizations, challenges and problem documents. Every field
 * comes from outside: what
 * is too long, of another type, or leads to another server is rejected.
 * Implements: RFC 8555 §7.1.1 (directory), §7.1.3 (orders), §7.1.4 (authorizations), §8 (challenges), §6.7 (problem
 * documents);
 * profiles: draft-ietf-acme-profiles.
 * Not here: asking (control/certificate/acme-client.ts), renewal information (ari.ts), certificates (chain.ts).
 */
import {
  ACME_CHALLENGES_MAX,
  ACME_PROFILES_MAX,
  ACME_TEXT_CHARACTERS_MAX,
  ACME_TOKEN_CHARACTERS_MAX,
  ACME_URL_CHARACTERS_MAX,
} from '#base/limits/acme.ts';
import { type Place, atAddress } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';

export interface AcmeDirectory {
  /** Where it was read. */
  readonly url: string;
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  /** RFC 9773 §3; absent: the CA says nothing about renewal. */
  readonly renewalInfo?: string;
  readonly profiles: readonly string[];
  /** Names by which CAA records call the CA. */
  readonly caaIdentities: readonly string[];
  /** RFC 8555 §7.1.1: accounts need an external account binding. */
  readonly isExternalAccountRequired: boolean;
}

export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';

export interface AcmeOrder {
  readonly status: OrderStatus;
  readonly expiresAtMs?: number;
  /** Of the one host that is ordered for. */
  readonly authorization: string;
  readonly finalize: string;
  readonly certificate?: string;
  readonly error?: AcmeProblem;
}

export interface AcmeChallenge {
  readonly url: string;
  readonly token: string;
  readonly status: string;
  readonly error?: AcmeProblem;
}

export interface AcmeAuthorization {
  readonly status: string;
  /** The dns-01 challenge; absent where the CA offers none. */
  readonly dns01?: AcmeChallenge;
}

/** What the CA says went wrong (RFC 7807, RFC 8555 §6.7). */
export interface AcmeProblem {
  /** `rateLimited`, `caa`, `badNonce` …: the last part of an ACME error's URN, or the whole type. */
  readonly type: string;
  readonly detail: string;
}

const ERROR_PREFIX = 'urn:ietf:params:acme:error:';
const ORDER_STATUSES: readonly string[] = ['pending', 'ready', 'processing', 'valid', 'invalid'];

/** The members of a JSON object; none where it is something else. */
type Members = ReadonlyMap<string, unknown>;

export function readDirectory(value: unknown, url: string): Result<AcmeDirectory> {
  const members = membersOf(value);
  const read = (name: string) => readUrl(members.get(name), url);
  const [newNonce, newAccount, newOrder] = ['newNonce', 'newAccount', 'newOrder'].map(read);
  if (newNonce === undefined || newAccount === undefined || newOrder === undefined)
    return malformed(url, 'a directory without newNonce, newAccount and newOrder on the same server');
  const renewalInfo = read('renewalInfo');
  const meta = membersOf(members.get('meta'));
  return ok({
    url,
    newNonce,
    newAccount,
    newOrder,
    ...(renewalInfo === undefined ? {} : { renewalInfo }),
    profiles: [...membersOf(meta.get('profiles')).keys()].slice(0, ACME_PROFILES_MAX),
    caaIdentities: textsOf(meta.get('caaIdentities')),
    isExternalAccountRequired: meta.get('externalAccountRequired') === true,
  });
}

/** An order for `host` alone; one that is for other names is rejected. `url` is where it was asked for. */
export function readOrder(value: unknown, host: string, url: string): Result<AcmeOrder> {
  const members = membersOf(value);
  const status = members.get('status');
  const finalize = readUrl(members.get('finalize'), url);
  const authorizations = members.get('authorizations');
  const isOne = Array.isArray(authorizations) && authorizations.length === 1;
  const authorization = isOne ? readUrl(authorizations[0], url) : undefined;
  if (!isOrderStatus(status) || finalize === undefined || authorization === undefined)
    return malformed(url, 'an order without a known status, one authorization, and a URL to finalize it');
  const identifiers = members.get('identifiers');
  if (!Array.isArray(identifiers) || identifiers.length !== 1 || !isHost(identifiers[0], host))
    return malformed(url, `an order that is not for ${host}`);
  const certificate = readUrl(members.get('certificate'), url);
  const expires = members.get('expires');
  const expiresAtMs = typeof expires === 'string' ? Date.parse(expires) : Number.NaN;
  if (status === 'valid' && certificate === undefined) return malformed(url, 'a valid order without a certificate');
  const error = members.get('error');
  return ok({
    status,
    authorization,
    finalize,
    ...(certificate === undefined ? {} : { certificate }),
    ...(Number.isFinite(expiresAtMs) ? { expiresAtMs } : {}),
    ...(error === undefined ? {} : { error: readProblem(error) }),
  });
}

/** The authorization of `host`, with its dns-01 challenge. */
export function readAuthorization(value: unknown, host: string, url: string): Result<AcmeAuthorization> {
  const members = membersOf(value);
  const status = members.get('status');
  const challenges = members.get('challenges');
  if (typeof status !== 'string' || !Array.isArray(challenges) || challenges.length > ACME_CHALLENGES_MAX)
    return malformed(url, 'an authorization without a status and a list of challenges');
  if (!isHost(members.get('identifier'), host)) return malformed(url, `an authorization that is not for ${host}`);
  const found = challenges.find((each: unknown) => membersOf(each).get('type') === 'dns-01');
  if (found === undefined) return ok({ status });
  const challenge = membersOf(found);
  const token = challenge.get('token');
  const challengeUrl = readUrl(challenge.get('url'), url);
  // RFC 8555 §8.3: base64url; longer or shorter than any in use is no token.
  if (!isToken(token) || challengeUrl === undefined)
    return malformed(url, 'a dns-01 challenge without a token, or with a URL on another server');
  const error = challenge.get('error');
  return ok({
    status,
    dns01: {
      url: challengeUrl,
      token,
      status: typeof challenge.get('status') === 'string' ? String(challenge.get('status')) : '',
      ...(error === undefined ? {} : { error: readProblem(error) }),
    },
  });
}

function isToken(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > ACME_TOKEN_CHARACTERS_MAX) return false;
  return /^[A-Za-z0-9_-]{22,}$/.test(value);
}

/** A problem document; what is no such document is one without a text. */
export function readProblem(value: unknown): AcmeProblem {
  const members = membersOf(value);
  const type = members.get('type');
  const own = describe(members);
  const others = members.get('subproblems');
  // RFC 8555 §6.7.1: what is wrong with each name.
  const some: readonly unknown[] = Array.isArray(others) ? others.slice(0, 4) : [];
  const subproblems = some.map((each) => describe(membersOf(each)));
  return {
    type: typeof type === 'string' ? shorten(type.replace(ERROR_PREFIX, ''), 64) : 'unknown',
    detail: shorten([own, ...subproblems].filter((each) => each !== '').join('; '), ACME_TEXT_CHARACTERS_MAX),
  };
}

function textsOf(value: unknown): string[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [];
  return all.flatMap((each) => (typeof each === 'string' ? [each.toLowerCase()] : []));
}

function describe(members: Members): string {
  const detail = members.get('detail');
  return typeof detail === 'string' ? detail : '';
}

function shorten(text: string, charactersMax: number): string {
  return text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text;
}

/**
 * A URL that may be asked next: https, and on the server that `from` is on. RFC 8555 does not ask for that; CAs do it,
 * and a CA that could
 * name any host could have this server ask hosts that only this server reaches.
 */
export function readUrl(value: unknown, from: string): string | undefined {
  if (typeof value !== 'string' || value.length > ACME_URL_CHARACTERS_MAX || !URL.canParse(value)) return undefined;
  const { protocol, origin, username, password, href } = new URL(value);
  const isPlain = protocol === 'https:' && username === '' && password === '';
  return isPlain && origin === new URL(from).origin ? href : undefined;
}

function isOrderStatus(value: unknown): value is OrderStatus {
  return typeof value === 'string' && ORDER_STATUSES.includes(value);
}

function isHost(identifier: unknown, host: string): boolean {
  const members = membersOf(identifier);
  const value = members.get('value');
  return members.get('type') === 'dns' && typeof value === 'string' && value.toLowerCase() === host;
}

function membersOf(value: unknown): Members {
  return new Map(typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []);
}

function malformed(url: string, what: string): Result<never> {
  return fail(problem('ACME_ANSWER', placeOf(url), `the CA answers with ${what}`, { rfc: 'RFC 8555 §7.1' }));
}

/** Where a CA is, for people. */
export function placeOf(url: string): Place {
  return atAddress(URL.canParse(url) ? new URL(url).host : url);
}
