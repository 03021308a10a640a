/** Signers over HTTP: rspamd's own request, who gets in, and that private keys leave nowhere else. */
import { request } from 'node:http';
import { join } from 'node:path';
import { createPrivateKey } from 'node:crypto';
import type { LightMyRequestResponse } from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { buildAdmin } from '#admin/app.ts';
import { listenAdmin } from '#admin/http/listen.ts';
import { type SigningControl, SIGNED_ZONE, signingControl } from '../support/signing-control.ts';
import { good } from '../support/temporary-control.ts';
import { temporaryFolder } from '../support/temporary-store.ts';
import type { ProblemBody } from '../support/admin/bench.ts';

interface Bench {
  readonly app: AdminApp;
  readonly room: SigningControl;
  readonly admin: string;
  /** Of the signer mx1. */
  readonly token: string;
  call(method: 'GET' | 'POST' | 'DELETE', url: string, secret: string, payload?: object): Promise<LightMyRequestResponse>;
}

async function bench(dkim: Record<string, unknown> = { algorithms: ['ed25519'] }): Promise<Bench> {
  const room = await signingControl(dkim);
  const app = await buildAdmin({ control: room.control });
  onTestFinished(() => app.close());
  const actor = { kind: 'system', id: 'test', from: '' } as const;
  const { secret: admin } = good(await room.control.tokens.create('admin', ['admin'], undefined, actor));
  const call: Bench['call'] = (method, url, secret, payload) =>
    app.inject({ method, url, headers: { authorization: `Bearer ${secret}` }, ...(payload === undefined ? {} : { payload }) });
  const made = await call('POST', '/v1/signers', admin, { name: 'mx1', delivery: 'fetch', domains: ['post.example'] });
  expect(made.statusCode).toBe(201);
  return { app, room, admin, token: made.json<{ token: string }>().token, call };
}

interface VaultSelector {
  readonly selector: string;
  readonly domain: string;
  readonly key: string;
  readonly alg: string;
  readonly valid_start: number;
  readonly valid_end?: number;
}

/** What rspamd 3.4 sends, octet for octet but for the host (seen on the wire). */
const asRspamd = ({ app, token }: Bench, url = '/v1/dkim/post.example', secret = token) =>
  app.inject({
    method: 'GET',
    url,
    headers: { connection: 'keep-alive', host: '127.0.0.1', 'content-length': '0', 'x-vault-token': secret, 'user-agent': 'rspamd-3.4' },
  });

/** What it takes of the answer: those with key and selector, from valid_start on and before valid_end (lualib/lua_dkim_tools.lua). */
const taken = (selectors: readonly VaultSelector[], nowSeconds: number) =>
  selectors
    .filter(({ key, selector }) => key !== '' && selector !== '')
    .filter(({ valid_start: start }) => nowSeconds >= start)
    .filter(({ valid_end: end }) => end === undefined || nowSeconds < end);

describe("rspamd's Vault", () => {
  test('answers rspamd with the keys to sign with, in both forms of a key-value store', async () => {
    const one = await bench({});
    const answer = await asRspamd(one);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    const { data } = answer.json<{ data: { selectors: VaultSelector[] } }>();
    const now = one.room.clock.nowMs() / 1000;
    expect(taken(data.selectors, now).map(({ selector, domain, alg }) => ({ selector, domain, alg }))).toEqual(
      one.room.active().map((selector) => ({ selector, domain: 'post.example', alg: selector.startsWith('r') ? 'rsa' : 'ed25519' })),
    );
    const nested = await asRspamd(one, '/v1/dkim/data/post.example.');
    expect(nested.json()).toEqual({ data: { data } });
  });

  test('hands over at every rotation: before, while and after, exactly one key of each algorithm is taken', async () => {
    const one = await bench({ rotationInterval: '1d' });
    const seen = new Set<string>();
    for (let hour = 0; hour < 60; hour += 6) {
      const { data } = (await asRspamd(one)).json<{ data: { selectors: VaultSelector[] } }>();
      const use = taken(data.selectors, one.room.clock.nowMs() / 1000);
      expect(use.map(({ alg }) => alg).toSorted()).toEqual(['ed25519', 'rsa']);
      for (const { selector } of use) {
        seen.add(selector);
        expect(one.room.stages()[selector]).toBe('active');
      }
      await one.room.live(6 * 3_600_000);
    }
    expect(seen.size).toBeGreaterThanOrEqual(4);
  });

  test.each<[string, string, number]>([
    ['a domain that it does not sign for', '/v1/dkim/other.example', 404],
    ['a domain that is not served', '/v1/dkim/elsewhere.example', 404],
    ['no domain name at all', '/v1/dkim/%2e%2e%2fetc', 404],
  ])('has nothing for %s', async (_what, url, status) => {
    const answer = await asRspamd(await bench(), url);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['cache-control']).toBe('no-store');
  });
});

describe('a signer with its own client', () => {
  test('gets PEM with times, of one domain or all', async () => {
    const one = await bench();
    const all = await one.call('GET', '/v1/signers/mx1/keys', one.token);
    const { keys } = all.json<{ keys: { domain: string; selector: string; privateKey: string; validFrom: string }[] }>();
    expect(keys).toMatchObject([{ domain: 'post.example', selector: one.room.active()[0], algorithm: 'ed25519-sha256' }]);
    expect(createPrivateKey(keys[0]!.privateKey).asymmetricKeyType).toBe('ed25519');
    expect(Date.parse(keys[0]!.validFrom)).toBeLessThan(one.room.clock.nowMs());
    expect((await one.call('GET', '/v1/signers/mx1/keys?domain=post.example', one.token)).json()).toEqual(all.json());
    expect(all.headers['cache-control']).toBe('no-store');
  });

  test('says what it signs with', async () => {
    const one = await bench();
    const selector = one.room.active()[0]!;
    const ack = (body: object, query = '') => one.call('POST', `/v1/signers/mx1/ack${query}`, one.token, body);
    expect((await ack({ domain: 'post.example', selector })).json()).toEqual({ domain: 'post.example', selector, dryRun: false });
    expect((await ack({ domain: 'post.example', selector: 'none' })).json<ProblemBody>().code).toBe('SIGNER_SELECTOR');
    expect((await ack({ domain: 'post.example' })).statusCode).toBe(422);
    const before = one.room.control.audit(1000).length;
    expect((await ack({ domain: 'post.example', selector }, '?dryRun=1')).json()).toMatchObject({ dryRun: true });
    expect(one.room.control.audit(1000)).toHaveLength(before);
    expect(one.room.control.audit(1)[0]).toMatchObject({ action: 'dkim.ack', detail: `mx1 signs with ${selector}` });
  });
});

describe('who gets in', () => {
  const PRIVATE = ['/v1/signers/mx1/keys', '/v1/dkim/post.example', '/v1/dkim/data/post.example'];

  test('administrators, readers, owners of the zone and other signers do not', async () => {
    const one = await bench();
    const actor = { kind: 'system', id: 'test', from: '' } as const;
    const made = await one.call('POST', '/v1/signers', one.admin, { name: 'mx2', delivery: 'fetch', domains: ['other.example'] });
    const others = [one.admin, made.json<{ token: string }>().token];
    for (const scopes of [['read'], ['zone:post.example.'], ['admin', 'signer:mx1'], ['signer:mx1', 'signer:mx2']] as const)
      others.push(good(await one.room.control.tokens.create('x', scopes, undefined, actor)).secret);
    for (const secret of others)
      for (const url of PRIVATE)
        for (const answer of [await one.call('GET', url, secret), await asRspamd(one, url, secret)])
          // The other signer may ask the Vault, and is told that the domain is not its own.
          expect([url, answer.statusCode]).toEqual([url, secret === others[1] && url.startsWith('/v1/dkim') ? 404 : 403]);
  });

  test('a token that comes with a signer cannot be made for oneself', async () => {
    const one = await bench();
    const made = await one.call('POST', '/v1/tokens', one.admin, { name: 'x', scopes: ['signer:mx1'] });
    expect(made.json<ProblemBody>()).toMatchObject({ code: 'FIELD_VALUE', errors: [{ pointer: '/scopes/0' }] });
  });

  test("a signer's token opens nothing else, on whichever route", async () => {
    const one = await bench();
    const { paths } = (await one.app.inject('/v1/openapi.json')).json<{ paths: Record<string, Record<string, unknown>> }>();
    for (const [path, methods] of Object.entries(paths)) {
      const url = path
        .replace('{zone}', 'post.example')
        .replace('{signer}', 'mx1')
        .replace(/\{[a-z]+\}/g, 'x');
      for (const method of Object.keys(methods)) {
        const isOwn = /^\/v1\/(?:dkim\/(?:data\/)?\{domain\}|signers\/\{signer\}\/(?:keys|ack))$/.test(path);
        if (isOwn || /^\/(?:livez|readyz|metrics|v1\/mail\/schema)$/.test(path)) continue;
        const answer = await one.app.inject({
          method: method.toUpperCase() as 'GET',
          url,
          headers: { authorization: `Bearer ${one.token}` },
        });
        expect([method, path, answer.statusCode]).toEqual([method, path, 403]);
      }
    }
  });

  test('X-Vault-Token is a word for signers only', async () => {
    const one = await bench();
    for (const url of ['/v1/zones', '/v1/signers', '/v1/tokens']) expect((await asRspamd(one, url, one.admin)).statusCode).toBe(401);
    expect((await asRspamd(one, PRIVATE[1], 'wax_nothing')).json<ProblemBody>().code).toBe('AUTH_INVALID');
    expect((await one.app.inject(PRIVATE[1]!)).statusCode).toBe(401);
  });

  test('over the Unix socket too only with its token', async () => {
    const one = await bench();
    const socketPath = join(temporaryFolder(), 'admin.sock');
    const listeners = await listenAdmin(one.app, { tcp: undefined, socketPath });
    onTestFinished(() => listeners.close(0));
    const ask = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = request({ socketPath, path: PRIVATE[1], headers, agent: false }, (answer) => {
          answer.resume();
          answer.once('end', () => resolve(answer.statusCode));
        });
        sent.once('error', reject).end();
      });
    expect(await ask({})).toBe(401);
    expect(await ask({ 'x-vault-token': one.admin })).toBe(403);
    expect(await ask({ 'x-vault-token': one.token })).toBe(200);
  });

  test('is refused from an address that is not on its list', async () => {
    const one = await bench();
    const made = await one.call('POST', '/v1/signers', one.admin, {
      name: 'mx2',
      delivery: 'fetch',
      domains: ['post.example'],
      allow: ['192.0.2.25'],
    });
    expect(made.json()).toMatchObject({ warnings: [{ code: 'SIGNER_NETWORK' }, { code: 'SIGNER_DOMAIN' }] });
    const { token } = made.json<{ token: string }>();
    const from = (remoteAddress: string) =>
      one.app.inject({ url: '/v1/dkim/post.example', headers: { 'x-vault-token': token, 'x-forwarded-for': '192.0.2.25' }, remoteAddress });
    const refused = await from('127.0.0.1');
    expect([refused.statusCode, refused.json<ProblemBody>().code]).toEqual([403, 'SIGNER_ADDRESS']);
    expect((await from('192.0.2.25')).statusCode).toBe(200);
  });
});

describe('private keys leave nowhere else', () => {
  /** Pieces of every private key that the zone has, in every form that one might come in. */
  function needles({ room }: Bench): string[] {
    return room.control
      .dkimKeys()
      .keysFor(SIGNED_ZONE)
      .flatMap((key) => {
        const pem = key.privateKeyPem();
        const jwk = createPrivateKey(pem).export({ format: 'jwk' });
        const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
        const secret = Buffer.from(String(jwk.d), 'base64url');
        return [
          ...pem.split('\n').filter((line) => line.length >= 40 && !line.startsWith('-')),
          String(jwk.d),
          secret.toString('base64').slice(0, 40),
          secret.toString('hex').slice(0, 60),
          der.toString('base64').slice(40, 100),
        ];
      });
  }

  test('whatever an administrator asks, in the middle of a rotation', async () => {
    const one = await bench({});
    good(await one.room.run({ kind: 'dkim.rotate', zone: SIGNED_ZONE, algorithms: [], reason: 'test' }));
    await one.room.live(2 * 3_600_000);
    await asRspamd(one);
    const found = needles(one);
    expect(found.length).toBeGreaterThan(20);
    const { paths } = (await one.app.inject('/v1/openapi.json')).json<{ paths: Record<string, Record<string, unknown>> }>();
    let answers = 0;
    for (const [path, methods] of Object.entries(paths)) {
      const selector = one.room.active()[0]!;
      const url = path
        .replace('{zone}', 'post.example')
        .replace('{signer}', 'mx1')
        .replace('{domain}', 'post.example')
        .replace('{selector}', selector)
        .replace('{name}', `${selector}._domainkey`)
        .replace('{type}', 'TXT')
        .replace(/\{[a-z]+\}/g, 'x');
      for (const method of Object.keys(methods)) {
        const asked: Record<string, string> = {
          '/v1/query': `?name=${selector}._domainkey.post.example&type=TXT`,
          // Without it, a stream that does not end.
          '/v1/events': '?follow=0',
        };
        const query = method === 'get' ? (asked[path] ?? '') : '?dryRun=1';
        const answer = await one.app.inject({
          method: method.toUpperCase() as 'GET',
          url: url + query,
          headers: { authorization: `Bearer ${one.admin}` },
        });
        answers += answer.statusCode === 200 ? 1 : 0;
        for (const needle of found) expect(answer.body.includes(needle), `${method} ${path}`).toBe(false);
        expect(answer.body, `${method} ${path}`).not.toContain('PRIVATE KEY');
      }
    }
    expect(answers).toBeGreaterThan(20);
    // The needles are what an answer with keys would hold.
    const given = (await one.call('GET', '/v1/signers/mx1/keys', one.token)).json<{ keys: { privateKey: string }[] }>();
    expect(given.keys.every(({ privateKey }) => found.some((needle) => privateKey.includes(needle)))).toBe(true);
  });

  test('the token of a signer is shown when it is made and never again', async () => {
    const one = await bench();
    const secret = one.token.split('_')[2]!;
    for (const url of ['/v1/signers', '/v1/signers/mx1', '/v1/tokens', '/v1/audit'])
      expect((await one.call('GET', url, one.admin)).body).not.toContain(secret);
  });
});

describe('the register over HTTP', () => {
  test('lists, shows, removes', async () => {
    const one = await bench();
    const list = await one.call('GET', '/v1/signers', one.admin);
    expect(list.json()).toMatchObject({
      signers: [{ name: 'mx1', delivery: 'fetch', domains: ['post.example.'], allow: ['127.0.0.0/8', '::1/128'] }],
    });
    const shown = await one.call('GET', '/v1/signers/mx1', one.admin);
    expect(shown.json()).toEqual(list.json<{ signers: object[] }>().signers[0]);
    await asRspamd(one);
    expect((await one.call('GET', '/v1/signers/mx1', one.admin)).json()).toHaveProperty('fetchedAt');
    expect((await one.call('DELETE', '/v1/signers/mx1?dryRun=1', one.admin)).json()).toEqual({ name: 'mx1', removed: false, dryRun: true });
    expect((await one.call('DELETE', '/v1/signers/mx1', one.admin)).json()).toEqual({ name: 'mx1', removed: true, dryRun: false });
    expect((await asRspamd(one)).statusCode).toBe(401);
    expect((await one.call('GET', '/v1/signers/mx1', one.admin)).json<ProblemBody>().code).toBe('SIGNER_NOT_FOUND');
  });

  test('a token cannot register a folder or a command', async () => {
    const one = await bench();
    const files = { form: 'opendkim', command: ['/bin/sh', '-c', 'true'] };
    const made = await one.call('POST', '/v1/signers', one.admin, { name: 'mx3', delivery: 'files', domains: ['post.example'], files });
    expect([made.statusCode, made.json<ProblemBody>().code]).toEqual([403, 'SIGNER_LOCAL']);
  });

  test('publishes a key that the signer made and names its selector', async () => {
    const one = await bench();
    const publicKey = 'JNyi81Czeh4PFczQqdFnKeJi6+e3NJPY2pEVvEmgt3s=';
    const refused = await one.call('POST', '/v1/signers/mx1/public-keys', one.admin, { domain: 'post.example', publicKey });
    expect(refused.json<ProblemBody>().code).toBe('SIGNER_OWN_KEY');
    await one.call('DELETE', '/v1/signers/mx1', one.admin);
    await one.call('POST', '/v1/signers', one.admin, { name: 'mx1', delivery: 'own-key', domains: ['post.example'] });
    const added = await one.call('POST', '/v1/signers/mx1/public-keys', one.admin, { domain: 'post.example', publicKey });
    const { selector } = added.json<{ selector: string }>();
    expect(one.room.stages()[selector]).toBe('published');
  });
});
