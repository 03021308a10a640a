/** An app in front of a control process with a signer, and requests as a signer sends them. */
import type { LightMyRequestResponse } from 'fastify';
import { expect, onTestFinished } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { watchAnswers } from './documented-answers.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { type SigningControl, signingControl } from '../signing-control.ts';
import { good } from '../temporary-control.ts';

export interface SignerBench {
  readonly app: AdminApp;
  readonly room: SigningControl;
  readonly admin: string;
  /** Of the signer mx1. */
  readonly token: string;
  call(method: 'GET' | 'POST' | 'DELETE', url: string, secret: string, payload?: object): Promise<LightMyRequestResponse>;
}

/** The zone post.example with its keys active, and the signer mx1 that fetches them. */
export async function signerBench(dkim: Record<string, unknown> = { algorithms: ['ed25519'] }): Promise<SignerBench> {
  const room = await signingControl(dkim);
  const app = await buildAdmin({ control: room.control });
  watchAnswers(app);
  onTestFinished(() => app.close());
  const actor = { kind: 'system', id: 'test', from: '' } as const;
  const { secret: admin } = good(await room.control.tokens.create({ name: 'admin', scopes: ['admin'] }, actor));
  const call: SignerBench['call'] = (method, url, secret, payload) =>
    app.inject({ method, url, headers: { authorization: `Bearer ${secret}` }, ...(payload === undefined ? {} : { payload }) });
  const made = await call('POST', '/v1/signers', admin, { name: 'mx1', delivery: 'fetch', domains: ['post.example'] });
  expect(made.statusCode).toBe(201);
  return { app, room, admin, token: made.json<{ token: string }>().token, call };
}

export interface VaultSelector {
  readonly selector: string;
  readonly domain: string;
  readonly key: string;
  readonly alg: string;
  readonly valid_start: number;
  readonly valid_end?: number;
}

/** What rspamd 3.4 sends, octet for octet but for the host (seen on the wire). */
export const asRspamd = ({ app, token }: SignerBench, url = '/v1/dkim/post.example', secret = token) =>
  app.inject({
    method: 'GET',
    url,
    headers: { connection: 'keep-alive', host: '127.0.0.1', 'content-length': '0', 'x-vault-token': secret, 'user-agent': 'rspamd-3.4' },
  });

/** What it takes of the answer: those with key and selector, from valid_start on and before valid_end (lualib/lua_dkim_tools.lua). */
export const taken = (selectors: readonly VaultSelector[], nowSeconds: number) =>
  selectors
    .filter(({ key, selector }) => key !== '' && selector !== '')
    .filter(({ valid_start: start }) => nowSeconds >= start)
    .filter(({ valid_end: end }) => end === undefined || nowSeconds < end);
