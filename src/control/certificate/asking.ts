/**
 * Does what is to be asked of a CA next, one thing for one host, and says what came back. What the CA holds is the
 * truth: each time its
 * order is looked at first, so that a process which died continues where the CA is.
 * Implements: RFC 8555 §7.4 (orders, finalize), §7.4.2 (download), §7.5 (authorizations), §7.5.1 (responding), RFC 9773
 * §4.1, §5.
 * Not here: what is due (certificate/actions.ts), what follows (certificate/results.ts), requests (acme-client.ts).
 */
import { createPrivateKey } from 'node:crypto';
import { ACME_ORDER_MS_MAX } from '#base/limits/acme.ts';
import { atObject } from '#base/place.ts';
import { type Problem, type Result, problem } from '#base/problem.ts';
import { type CertificateAction } from '#certificate/actions.ts';
import { ariUrl, readRenewalWindow } from '#certificate/ari.ts';
import { dns01Value } from '#certificate/challenge.ts';
import { checkChain } from '#certificate/chain.ts';
import { accountJwk } from '#certificate/jws.ts';
import { type AcmeDirectory, type AcmeOrder, placeOf } from '#certificate/messages.ts';
import { readAuthorization, readOrder, readUrl } from '#certificate/messages.ts';
import { type CertificateResult, type FailedResult } from '#certificate/results.ts';
import { challengeObstacle } from '#certificate/records.ts';
import { certificateRequest, makeCertificateKey } from '#certificate/x509.ts';
import { type AcmeSettings } from '#config/acme.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type Sealer } from '#store/seal.ts';
import { openOrderKey, orderKeyWrite } from '#store/tls/certificates.ts';
import { readHostCertificate } from '#store/tls/host-certificate.ts';
import { type SecretWrite, type StoreWriter } from '#store/writer.ts';
import { type ServedZone } from '#control/commands/table.ts';
import { type Account, type Accounts } from './accounts.ts';
import { type AcmeClient, type AcmeFailure, failed, malformed } from './acme-client.ts';
import { caaObjectionFor, delegationObjection } from './permissions.ts';

export interface AskingOptions {
  readonly writer: StoreWriter;
  readonly client: AcmeClient;
  readonly accounts: Accounts;
  readonly settings: AcmeSettings;
  readonly sealer: () => Result<Sealer>;
  /** Our own zones from the store, the rest from outside. */
  readonly resolver: Resolver;
  /** The world's view only. */
  readonly outside: Resolver;
  /** Counted time. */
  readonly nowMs: () => number;
  readonly wallMs: () => number;
}

/** What came back, and a secret to be stored with it. */
export interface Asked {
  readonly result: CertificateResult;
  readonly secret?: SecretWrite;
}

type Answer = CertificateResult;
type Of<K extends CertificateAction['kind']> = Extract<CertificateAction, { readonly kind: K }>;

export async function askCa(action: CertificateAction, zone: ServedZone, options: AskingOptions): Promise<Asked> {
  switch (action.kind) {
    case 'order':
      return askOrder(action, zone, options);
    case 'authorize':
      return { result: await askAuthorization(action, options) };
    case 'progress':
      return { result: await askProgress(action, zone, options) };
    case 'window':
      return { result: await askWindow(action, options) };
  }
}

async function askOrder(action: Of<'order'>, zone: ServedZone, options: AskingOptions): Promise<Asked> {
  const { client, accounts, writer } = options;
  const { host, directory: url } = action;
  const barred = await objectionTo(action, zone, options);
  if (barred !== undefined) return { result: barred };
  const sealer = options.sealer();
  if (!sealer.ok) return { result: failedBy(action, sealer.problems[0]!, 'again') };
  const directory = await client.directory(url);
  if (!directory.ok) return { result: failedWith(action, directory, url) };
  const account = await accounts.account(directory.value);
  if (!account.ok) return { result: failedWith(action, account, url) };
  const key = await makeCertificateKey('ecdsa-p256');
  const answer = await client.postOnce(directory.value, account.value, directory.value.newOrder, {
    identifiers: [{ type: 'dns', value: host }],
    ...orderExtras(action, directory.value, options),
  });
  if (!answer.ok) return { result: failedOrder(action, await withKnownAccount(answer, url, accounts)) };
  const location = readUrl(answer.value.reply.location, url);
  const order = readOrder(answer.value.json, host, url);
  if (location === undefined || !order.ok) {
    const why = order.ok
      ? failed('ACME_ANSWER', url, 'the CA gives the order no URL on the same server', { what: 'again' })
      : malformed(order);
    return { result: failedWith(action, why, url) };
  }
  const before = readHostCertificate(writer, zone.record.id, host)?.keyVersion ?? 0;
  const keyVersion = Math.max(before, countOf(action.object)) + 1;
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const secret = orderKeyWrite(sealer.value, zone.record.id, host, { der, version: keyVersion });
  der.fill(0);
  const stored = {
    directory: url,
    url: location,
    authorization: order.value.authorization,
    expiresAtMs: options.nowMs() + lifeOf(order.value, options.wallMs()),
    keyVersion,
  };
  return { result: { kind: 'ordered', object: action.object, order: stored }, secret };
}

/** Counted from now; a CA that gives no end, or one far away, is taken to forget it in a week. */
function lifeOf({ expiresAtMs }: AcmeOrder, wallMs: number): number {
  const lifeMs = expiresAtMs === undefined ? ACME_ORDER_MS_MAX : expiresAtMs - wallMs;
  return Math.min(ACME_ORDER_MS_MAX, Math.max(60_000, lifeMs));
}

/** The number in an object's id. */
function countOf(object: string): number {
  return Number(/-(\d+)$/.exec(object)?.[1] ?? 0);
}

/** Draft-ietf-acme-profiles and RFC 9773 §5: only where the directory has them. */
function orderExtras({ replaces }: Of<'order'>, directory: AcmeDirectory, { settings: { profile } }: AskingOptions) {
  return {
    ...(profile !== undefined && directory.profiles.includes(profile) ? { profile } : {}),
    ...(replaces !== undefined && directory.renewalInfo !== undefined ? { replaces } : {}),
  };
}

/** What stands in the way before any CA is asked. */
async function objectionTo(action: Of<'order'>, { view }: ServedZone, options: AskingOptions) {
  const { host, directory: url, isForced } = action;
  const obstacle = challengeObstacle(view, host);
  if (obstacle !== undefined) return failedBy(action, obstacle, 'rejected');
  const undelegated = isForced ? undefined : await delegationObjection(view, host, options.outside);
  if (undelegated !== undefined) return failedBy(action, undelegated.problem, undelegated.what);
  const directory = await options.client.directory(url);
  if (!directory.ok) return failedWith(action, directory, url);
  const accountUrl = options.accounts.urlOf(url);
  const request = { identities: directory.value.caaIdentities, ...(accountUrl === undefined ? {} : { accountUrl }) };
  const forbidden = await caaObjectionFor(host, request, options.resolver);
  if (forbidden === undefined) return undefined;
  const failure = failedBy(action, forbidden.problem, forbidden.what);
  // Another CA may be one that CAA names.
  return forbidden.what === 'rejected' ? { ...failure, directory: url } : failure;
}

async function askAuthorization(action: Of<'authorize'>, options: AskingOptions): Promise<CertificateResult> {
  const { object, order } = action;
  const authorization = await authorizationOf(action, options);
  if ('kind' in authorization) return authorization;
  const { status, dns01, account } = authorization;
  if (status === 'valid') return { kind: 'challenged', object, order: order.url };
  if (status !== 'pending' || dns01 === undefined)
    return refused(action, status === 'pending' ? 'it offers no dns-01 challenge' : `the authorization is ${status}`);
  const value = dns01Value(dns01.token, accountJwk(account.key));
  return { kind: 'challenged', object, order: order.url, challenge: { url: dns01.url, value } };
}

/** What the CA says of the order's authorization, and the account that asked; or the result when that is of no use. */
async function authorizationOf(action: Of<'authorize' | 'progress'>, options: AskingOptions) {
  const { host, order } = action;
  const asked = await askAs(order.directory, order.authorization, undefined, options);
  if (!asked.ok) return failedWith(action, asked, order.directory);
  const read = readAuthorization(asked.value.json, host, order.authorization);
  if (!read.ok) return failedWith(action, malformed(read), order.directory);
  return { ...read.value, account: asked.value.account };
}

async function askProgress(action: Of<'progress'>, zone: ServedZone, options: AskingOptions): Promise<Answer> {
  const { object, host, order } = action;
  const asked = await askAs(order.directory, order.url, undefined, options);
  if (!asked.ok) return failedWith(action, asked, order.directory);
  const read = readOrder(asked.value.json, host, order.url);
  if (!read.ok) return failedWith(action, malformed(read), order.directory);
  const { retryAfterMs } = asked.value.reply;
  const later = retryAfterMs === undefined ? {} : { retryAfterMs };
  const waiting = { kind: 'waiting', object, order: order.url, ...later } as const;
  switch (read.value.status) {
    case 'pending':
      return askValidation(action, options);
    case 'ready':
      return finalize(action, read.value, zone, options);
    case 'processing':
      return waiting;
    case 'valid':
      return download(action, read.value, zone, options);
    case 'invalid':
      if (read.value.error === undefined) return askValidation(action, options);
      return refused(action, textOf(read.value.error));
  }
}

/** Has the CA look at the challenge, or says what it saw. */
async function askValidation(action: Of<'progress'>, options: AskingOptions): Promise<CertificateResult> {
  const { object, order } = action;
  const authorization = await authorizationOf(action, options);
  if ('kind' in authorization) return authorization;
  const { status, dns01 } = authorization;
  if (status !== 'pending' && status !== 'valid')
    return refused(action, dns01?.error === undefined ? `the authorization is ${status}` : textOf(dns01.error));
  // RFC 8555 §7.5.1: once; told again, a CA says that the challenge is not pending.
  if (status === 'pending' && dns01?.status === 'pending') {
    const told = await askAs(order.directory, dns01.url, {}, options);
    if (!told.ok && told.what === 'again') return failedWith(action, told, order.directory);
  }
  return { kind: 'waiting', object, order: order.url };
}

async function finalize(
  action: Of<'progress'>,
  { finalize: url }: AcmeOrder,
  zone: ServedZone,
  options: AskingOptions,
): Promise<CertificateResult> {
  const { object, host, order } = action;
  const key = orderKey(action, zone, options);
  if ('failure' in key) return key;
  const csr = Buffer.from(certificateRequest({ hosts: [host], privateKey: key.key })).toString('base64url');
  const asked = await askAs(order.directory, url, { csr }, options);
  if (!asked.ok) return failedWith(action, asked, order.directory);
  return { kind: 'waiting', object, order: order.url, retryAfterMs: 0 };
}

async function download(
  action: Of<'progress'>,
  { certificate }: AcmeOrder,
  zone: ServedZone,
  options: AskingOptions,
): Promise<CertificateResult> {
  const { object, host, order } = action;
  const key = orderKey(action, zone, options);
  if ('failure' in key) return key;
  const asked = await askAs(order.directory, certificate!, undefined, options);
  if (!asked.ok) return failedWith(action, asked, order.directory);
  const at = atObject(`the certificate that the CA gave for ${host}`);
  const checked = checkChain(asked.value.reply.text, { host, privateKey: key.key, nowMs: options.wallMs(), at });
  if (!checked.ok) {
    const why = checked.problems.map(({ message }) => message).join('; ');
    const wrong = problem('CERTIFICATE_WRONG', at, `the CA gave a certificate that is not used: ${why}`);
    return { ...failedBy(action, wrong, 'rejected'), directory: order.directory };
  }
  const { names: _names, ...issued } = checked.value;
  const { directory, keyVersion } = order;
  return { kind: 'issued', object, order: order.url, issued: { ...issued, directory, keyVersion } };
}

async function askWindow(action: Of<'window'>, { client }: AskingOptions): Promise<CertificateResult> {
  const { object, issued } = action;
  const directory = await client.directory(issued.directory);
  if (!directory.ok) return { kind: 'window', object };
  const { renewalInfo } = directory.value;
  if (renewalInfo === undefined || issued.ariId === undefined) return { kind: 'window', object };
  const url = ariUrl(renewalInfo, issued.ariId);
  const answer = await client.get(url);
  if (!answer.ok) return { kind: 'window', object };
  const { retryAfterMs } = answer.value.reply;
  const window = readRenewalWindow(answer.value.json, url);
  const later = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { kind: 'window', object, ...(window.ok ? { window: window.value } : {}), ...later };
}

/** A request of our account. */
async function askAs(directoryUrl: string, url: string, payload: unknown, { client, accounts }: AskingOptions) {
  const directory = await client.directory(directoryUrl);
  if (!directory.ok) return directory;
  const account = await accounts.account(directory.value);
  if (!account.ok) return account;
  const answer = await client.post(directory.value, account.value, url, payload);
  if (!answer.ok) return withKnownAccount(answer, directoryUrl, accounts);
  return { ok: true as const, value: { ...answer.value, account: account.value satisfies Account } };
}

/** A CA that does not know our account any more gets it again, and then the same request. */
async function withKnownAccount(failure: AcmeFailure, directory: string, accounts: Accounts): Promise<AcmeFailure> {
  if (failure.type !== 'accountDoesNotExist') return failure;
  await accounts.forget(directory);
  return { ...failure, what: 'again' };
}

/** The private key of the order, or why there is none. */
function orderKey(action: Of<'progress'>, zone: ServedZone, { writer, sealer }: AskingOptions) {
  const { host, order } = action;
  const opened = sealer();
  if (!opened.ok) return failedBy(action, opened.problems[0]!, 'again');
  const der = openOrderKey(writer, opened.value, zone.record.id, host, order.keyVersion);
  const lost = problem('SECRET_SEALED', atObject(host), 'the key of the order is not in the store');
  if (der === undefined || !der.ok) return failedBy(action, der === undefined ? lost : der.problems[0]!, 'rejected');
  const octets = Buffer.from(der.value.buffer, der.value.byteOffset, der.value.length);
  const key = createPrivateKey({ key: octets, format: 'der', type: 'pkcs8' });
  octets.fill(0);
  return { key };
}

function textOf({ detail, type }: { readonly detail: string; readonly type: string }): string {
  return detail === '' ? type : `${detail} (${type})`;
}

/** The CA has decided against the order. */
function refused(action: Of<'authorize' | 'progress'>, why: string): FailedResult {
  const { directory, authorization } = action.order;
  const found = problem('ACME_REJECTED', placeOf(authorization), `the CA rejects the order: ${why}`);
  return { ...failedBy(action, found, 'rejected'), directory };
}

/** A new order that the CA did not take. */
function failedOrder(action: Of<'order'>, failure: AcmeFailure): FailedResult {
  // RFC 9773 §5: what it was to replace is replaced already, or is not ours; without it the order may succeed.
  const isAboutReplaced = action.replaces !== undefined && failure.type === 'alreadyReplaced';
  const isLimited = failure.type === 'rateLimited';
  const result = failedWith(action, failure, action.directory);
  if (isAboutReplaced) return { ...result, isReplacesRejected: true };
  return isLimited ? { ...result, what: 'rejected' } : result;
}

function failedWith(action: CertificateAction, failure: AcmeFailure, directory: string): FailedResult {
  const { problem: found, what, retryAfterMs } = failure;
  const later = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { ...failedBy(action, found, what), directory, ...later };
}

function failedBy({ object }: CertificateAction, found: Problem, what: FailedResult['what']): FailedResult {
  const { code, message, fix } = found;
  return { kind: 'failed', object, what, failure: { code, message, ...(fix === undefined ? {} : { fix }) } };
}
