/** Private keys leave through the routes for signers, to the signer itself, and nowhere else. */
import { storedDkimKeys } from '#control/mail/dkim-keys.ts';
import { createPrivateKey } from 'node:crypto';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { listenAdmin } from '#admin/http/listen.ts';
import type { ProblemBody } from '../../../support/admin/bench.ts';
import { type SignerBench, asRspamd, signerBench } from '../../../support/admin/signer-bench.ts';
import { SIGNED_ZONE } from '../../../support/signing-control.ts';
import { good } from '../../../support/temporary-control.ts';
import { temporaryFolder } from '../../../support/temporary-store.ts';

describe('who gets in', () => {
  const PRIVATE = ['/v1/signers/mx1/keys', '/v1/dkim/post.example', '/v1/dkim/data/post.example'];

  test('administrators, readers, owners of the zone and other signers do not', async () => {
    const one = await signerBench();
    const actor = { kind: 'system', id: 'test', from: '' } as const;
    const made = await one.call('POST', '/v1/signers', one.admin, { name: 'mx2', delivery: 'fetch', domains: ['other.example'] });
    const others = [one.admin, made.json<{ token: string }>().token];
    for (const scopes of [['read'], ['zone:post.example.'], ['admin', 'signer:mx1'], ['signer:mx1', 'signer:mx2']] as const)
      others.push(good(await one.room.control.tokens.create({ name: 'x', scopes }, actor)).secret);
    for (const secret of others)
      for (const url of PRIVATE)
        for (const answer of [await one.call('GET', url, secret), await asRspamd(one, url, secret)])
          // The other signer may ask the Vault, and is told that the domain is not its own.
          expect([url, answer.statusCode]).toEqual([url, secret === others[1] && url.startsWith('/v1/dkim') ? 404 : 403]);
  });

  test('a token that comes with a signer cannot be made for oneself', async () => {
    const one = await signerBench();
    const made = await one.call('POST', '/v1/tokens', one.admin, { name: 'x', scopes: ['signer:mx1'] });
    expect(made.json<ProblemBody>()).toMatchObject({ code: 'FIELD_VALUE', errors: [{ pointer: '/scopes/0' }] });
  });

  test("a signer's token opens nothing else, on whichever route", async () => {
    const one = await signerBench();
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
    const one = await signerBench();
    for (const url of ['/v1/zones', '/v1/signers', '/v1/tokens']) expect((await asRspamd(one, url, one.admin)).statusCode).toBe(401);
    expect((await asRspamd(one, PRIVATE[1], 'wax_nothing')).json<ProblemBody>().code).toBe('AUTH_INVALID');
    expect((await one.app.inject(PRIVATE[1]!)).statusCode).toBe(401);
  });

  test('over the Unix socket too only with its token', async () => {
    const one = await signerBench();
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
    const one = await signerBench();
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
  function needles({ room }: SignerBench): string[] {
    return storedDkimKeys(room.writer)
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
    const one = await signerBench({});
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
    const one = await signerBench();
    const secret = one.token.split('_')[2]!;
    for (const url of ['/v1/signers', '/v1/signers/mx1', '/v1/tokens', '/v1/audit'])
      expect((await one.call('GET', url, one.admin)).body).not.toContain(secret);
  });
});
