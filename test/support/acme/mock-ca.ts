/**
 * A pretended CA in memory, strict about what RFC 8555 says of clients, with what pebble cannot do: renewal information, profiles, and every
 * way in which a CA may fail or lie. It counts the orders that a host has at the same time.
 */
import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { type AcmeReply, type AcmeRequest, AcmeSilence, type AcmeTransport } from '#control/certificate/acme-request.ts';
import { mockCertificate, publicKeyOfRequest } from './mock-certificate.ts';

export const DIRECTORY = 'https://ca.example/directory';
const DAY_MS = 86_400_000;

interface MockOrder {
  readonly id: number;
  readonly host: string;
  readonly account: string;
  readonly token: string;
  readonly profile?: string;
  readonly replaces?: string;
  status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  authorization: 'pending' | 'valid' | 'invalid';
  certificate?: string;
  /** Answers until it is valid. */
  processing: number;
}

export interface MockCaOptions {
  readonly nowMs: () => number;
  /** What stands in DNS now. */
  readonly texts: (name: string) => readonly string[];
  /** A share of requests, 0 to 1, that fail in one way or another; the same ones in each run. */
  readonly failing?: number;
  readonly directory?: string;
  readonly lifeDays?: number;
  /** How long an order may take. */
  readonly orderMs?: number;
  readonly meta?: object;
}

/** What the CA gets wrong. */
export type Lie = 'name' | 'key' | 'expired' | 'early' | 'garbage' | 'order-name' | 'elsewhere' | 'redirect';

export class MockCa {
  readonly orders: MockOrder[] = [];
  readonly accounts = new Map<string, string>();
  readonly asked: string[] = [];
  /** Heads of external account bindings. */
  readonly bindings: unknown[] = [];
  /** The most orders that one host had under way at once. */
  liveMax = 0;
  lie: Lie | undefined;
  /** All requests end so. */
  outage: 'silent' | 'fault' | 'rate-limit' | undefined;
  /** Of renewal information, by the order that the certificate came from. */
  window: { readonly startMs: number; readonly endMs: number } | undefined;
  hasRenewalInfo = false;
  profiles: readonly string[] = [];
  /** Rejects new orders with this error type. */
  rejecting: string | undefined;
  failing: number;
  /** What stands in DNS now. */
  texts: MockCaOptions['texts'];
  /** Scheme, host and port. */
  readonly base: string;
  readonly #options: MockCaOptions;
  readonly #key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  readonly #nonces = new Set<string>();
  readonly #url: string;
  #count = 0;
  #first: string | undefined;

  constructor(options: MockCaOptions) {
    this.#options = options;
    this.#url = options.directory ?? DIRECTORY;
    this.base = new URL(this.#url).origin;
    this.failing = options.failing ?? 0;
    this.texts = options.texts;
  }

  transport: AcmeTransport = async (request) => {
    await Promise.resolve();
    this.asked.push(`${request.method} ${request.url.slice(this.base.length)}`);
    const chance = this.#chance();
    if (this.outage === 'silent' || chance === 'silent') throw new AcmeSilence('the connection is refused');
    if (this.outage === 'fault' || chance === 'fault') return this.#problem(500, 'serverInternal', 'out of order');
    if (this.outage === 'rate-limit') return { ...this.#problem(429, 'rateLimited', 'too many'), retryAfterMs: 3_600_000 };
    if (this.lie === 'redirect') return { status: 302, text: '', location: 'https://169.254.169.254/' };
    const reply = this.#answer(request);
    // The CA has done it, and the answer is lost on the way.
    if (chance === 'lost') throw new AcmeSilence('the connection broke off');
    return reply;
  };

  /** Certificates that were issued for the host. */
  issued(host: string): number {
    return this.orders.filter((each) => each.host === host && each.status === 'valid').length;
  }

  #chance(): 'silent' | 'fault' | 'lost' | undefined {
    const octet = createHash('sha256').update(`chance ${this.asked.length}`).digest();
    if (octet.readUInt32BE(0) / 2 ** 32 >= this.failing) return undefined;
    return (['silent', 'fault', 'lost'] as const)[octet[4]! % 3];
  }

  #answer({ method, url, body }: AcmeRequest): AcmeReply {
    const path = url.slice(this.base.length);
    if (url === this.#url) return this.#json(200, this.#directory());
    if (path === '/nonce' && method === 'HEAD') return { status: 200, text: '', nonce: this.#nonce() };
    if (path.startsWith('/ari/')) return this.#renewalInfo(path);
    const jws: { protected: string; payload: string; signature: string } = JSON.parse(body ?? '{}');
    const decode = (text: string): Record<string, unknown> => JSON.parse(Buffer.from(text, 'base64url').toString());
    const head = decode(jws.protected) as { nonce: string; url: string; kid?: string; jwk?: object; alg: string };
    if (head.url !== url || head.alg !== 'ES256') return this.#problem(400, 'malformed', 'another URL was signed');
    if (!this.#nonces.delete(head.nonce)) return this.#problem(400, 'badNonce', 'the nonce is not known');
    const jwk = head.jwk ?? JSON.parse(this.accounts.get(head.kid ?? '') ?? 'null');
    if (jwk === null) return this.#problem(400, 'accountDoesNotExist', 'no such account');
    const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' as const };
    const isSigned = verify('sha256', Buffer.from(`${jws.protected}.${jws.payload}`), key, Buffer.from(jws.signature, 'base64url'));
    if (!isSigned) return this.#problem(400, 'malformed', 'the signature is wrong');
    const payload = jws.payload === '' ? undefined : decode(jws.payload);
    return { ...this.#signed(path, head.kid, jwk, payload), nonce: this.#nonce() };
  }

  #signed(path: string, account: string | undefined, jwk: object, payload: Record<string, unknown> | undefined): AcmeReply {
    if (path === '/new-account') return this.#newAccount(jwk, payload);
    if (account === undefined) return this.#problem(400, 'malformed', 'kid is needed');
    if (path === '/new-order') return this.#newOrder(account, payload!);
    const [, what, id] = path.split('/');
    const order = this.orders.find((each) => each.id === Number(id) && each.account === account);
    if (order === undefined) return this.#problem(404, 'malformed', 'there is no such order');
    switch (what) {
      case 'order':
        if (order.status === 'processing' && --order.processing <= 0) order.status = 'valid';
        return this.#json(200, this.#orderForm(order));
      case 'authz':
        return this.#json(200, this.#authorizationForm(order));
      case 'challenge':
        return this.#validate(order, jwk);
      case 'finalize':
        return this.#finalize(order, payload!);
      case 'certificate':
        return { status: 200, text: order.certificate ?? '' };
      default:
        return this.#problem(404, 'malformed', 'no such resource');
    }
  }

  #newAccount(jwk: object, payload: Record<string, unknown> | undefined): AcmeReply {
    const binding = payload?.['externalAccountBinding'] as { readonly protected: string } | undefined;
    if (binding !== undefined) this.bindings.push(JSON.parse(Buffer.from(binding.protected, 'base64url').toString()));
    const text = JSON.stringify(jwk);
    const known = [...this.accounts].find(([, each]) => each === text)?.[0];
    const url = known ?? `${this.base}/account/${this.accounts.size + 1}`;
    this.accounts.set(url, text);
    return { ...this.#json(known === undefined ? 201 : 200, { status: 'valid' }), location: url };
  }

  #newOrder(account: string, { identifiers, profile, replaces }: Record<string, unknown>): AcmeReply {
    const isReplacing = this.rejecting === 'alreadyReplaced';
    if (this.rejecting !== undefined && (!isReplacing || replaces !== undefined))
      return this.#problem(403, this.rejecting, 'this CA does not issue for that name');
    const host = (identifiers as { value: string }[])[0]!.value;
    const token = createHash('sha256')
      .update(`token ${++this.#count}`)
      .digest('base64url');
    const extras = { ...(typeof profile === 'string' ? { profile } : {}), ...(typeof replaces === 'string' ? { replaces } : {}) };
    const id = this.orders.length + 1;
    const order: MockOrder = { id, host, account, token, ...extras, status: 'pending', authorization: 'pending', processing: 1 };
    this.orders.push(order);
    const isLive = (each: MockOrder) => each.host === host && (each.status === 'ready' || each.status === 'processing');
    this.liveMax = Math.max(this.liveMax, this.orders.filter(isLive).length + 1);
    return { ...this.#json(201, this.#orderForm(order)), location: `${this.base}/order/${id}` };
  }

  #validate(order: MockOrder, jwk: object): AcmeReply {
    if (order.authorization !== 'pending') return this.#problem(400, 'malformed', 'the challenge is not pending');
    const members = new Map(Object.entries(jwk));
    const canonical = JSON.stringify(Object.fromEntries(['crv', 'kty', 'x', 'y'].map((name) => [name, members.get(name)])));
    const thumbprint = createHash('sha256').update(canonical).digest('base64url');
    const value = createHash('sha256').update(`${order.token}.${thumbprint}`).digest('base64url');
    const isShown = this.texts(`_acme-challenge.${order.host}`).includes(value);
    order.authorization = isShown ? 'valid' : 'invalid';
    order.status = isShown ? 'ready' : 'invalid';
    return this.#json(200, { status: 'processing' });
  }

  #finalize(order: MockOrder, { csr }: Record<string, unknown>): AcmeReply {
    if (order.status !== 'ready') return this.#problem(403, 'orderNotReady', 'the order is not ready');
    const nowMs = this.#options.nowMs();
    const { lie } = this;
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });
    const lifeMs = (this.#options.lifeDays ?? 90) * DAY_MS;
    const notBeforeMs = lie === 'expired' ? nowMs - 2 * lifeMs : lie === 'early' ? nowMs + DAY_MS : nowMs - 3_600_000;
    order.certificate =
      lie === 'garbage'
        ? '<html>welcome</html>'
        : mockCertificate({
            host: lie === 'name' ? 'evil.example' : order.host,
            publicKey: lie === 'key' ? other : publicKeyOfRequest(Buffer.from(String(csr), 'base64url')),
            caKey: this.#key,
            serial: createHash('sha256').update(`serial ${order.id}`).digest().subarray(0, 12),
            notBeforeMs,
            notAfterMs: notBeforeMs + lifeMs,
          });
    order.status = 'processing';
    return this.#json(200, this.#orderForm(order));
  }

  /** The window is that of the first certificate that was asked about. */
  #renewalInfo(path: string): AcmeReply {
    this.#first ??= path;
    const { startMs, endMs } = this.window ?? { startMs: 0, endMs: 0 };
    const suggestedWindow = { start: new Date(startMs).toISOString(), end: new Date(endMs).toISOString() };
    const body = { suggestedWindow, explanationURL: `${this.base}/why` };
    return { ...this.#json(this.window === undefined || path !== this.#first ? 404 : 200, body), retryAfterMs: 21_600_000 };
  }

  #directory(): object {
    const renewalInfo = this.hasRenewalInfo ? { renewalInfo: `${this.base}/ari` } : {};
    const profiles = Object.fromEntries(this.profiles.map((name) => [name, `the profile ${name}`]));
    const newOrder = this.lie === 'elsewhere' ? 'https://evil.example/new-order' : `${this.base}/new-order`;
    const meta = { profiles, caaIdentities: [new URL(this.#url).hostname], ...this.#options.meta };
    return { newNonce: `${this.base}/nonce`, newAccount: `${this.base}/new-account`, newOrder, ...renewalInfo, meta };
  }

  #orderForm(order: MockOrder): object {
    const { id, status } = order;
    return {
      status,
      expires: new Date(this.#options.nowMs() + (this.#options.orderMs ?? DAY_MS)).toISOString(),
      identifiers: [{ type: 'dns', value: this.lie === 'order-name' ? 'evil.example' : order.host }],
      authorizations: [`${this.base}/authz/${id}`],
      finalize: `${this.base}/finalize/${id}`,
      ...(status === 'valid' ? { certificate: `${this.base}/certificate/${id}` } : {}),
    };
  }

  #authorizationForm({ id, host, token, authorization }: MockOrder): object {
    const error = { type: 'urn:ietf:params:acme:error:unauthorized', detail: 'Correct value not found for DNS challenge' };
    const challenge = { type: 'dns-01', url: `${this.base}/challenge/${id}`, status: authorization, token };
    const told = authorization === 'invalid' ? { error } : {};
    return { status: authorization, identifier: { type: 'dns', value: host }, challenges: [{ ...challenge, ...told }] };
  }

  #nonce(): string {
    const nonce = `nonce-${++this.#count}`;
    this.#nonces.add(nonce);
    return nonce;
  }

  #json(status: number, value: object): AcmeReply {
    return { status, text: JSON.stringify(value) };
  }

  #problem(status: number, type: string, detail: string): AcmeReply {
    return { ...this.#json(status, { type: `urn:ietf:params:acme:error:${type}`, detail, status }), nonce: this.#nonce() };
  }
}
