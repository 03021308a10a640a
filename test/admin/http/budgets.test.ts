/** What one token can take of what all share: never all of it, and never the administrator's part. */
import { EventEmitter } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { type BudgetName, Budgets } from '#admin/http/budgets.ts';
import { listenAdmin, shareConnections } from '#admin/http/listen.ts';
import { adminRoutes } from '#admin/routes.ts';
import { ipPort } from '#base/address.ts';
import { ADMIN_CONNECTIONS_PER_NETWORK_MAX } from '#base/limits/admin.ts';
import type { TokenScope } from '#control/api/tokens.ts';
import { fakeWithZone } from '../../support/admin/fake-control.ts';

const BODY_BYTES_MAX = 2 * 1024 * 1024;

function bench() {
  const budgets = new Budgets(BODY_BYTES_MAX);
  /** Whether the request of `id` gets its share, and how to end it. */
  const take = (name: BudgetName, id: string, scope: TokenScope, amount = 1) => {
    const raw = new EventEmitter();
    const identity = { actor: { kind: 'token', id, from: '192.0.2.1' }, scopes: [scope] };
    const refusal = budgets.take(name, { identity } as unknown as FastifyRequest, { raw } as unknown as FastifyReply, amount);
    return { refusal, end: () => raw.emit('close') };
  };
  return { take };
}

describe.each([
  ['streams', 32, 1],
  ['looks', 32, 1],
  ['waits', 128, 1],
  ['octets', 4 * BODY_BYTES_MAX, BODY_BYTES_MAX / 4],
] as const)('%s, %i in all', (name, max, amount) => {
  test('a token of one zone gets its share and no more, until a request of it ends', () => {
    const { take } = bench();
    const taken = Array.from({ length: max / amount }, () => take(name, 'greedy', 'zone:a.test.', amount));
    const got = taken.filter(({ refusal }) => refusal === undefined);
    expect(got.length).toBeLessThanOrEqual(max / amount / 4);
    expect(taken.at(-1)?.refusal).toMatchObject({ code: 'OVERLOADED', message: expect.stringContaining('this token') });
    expect(take(name, 'modest', 'zone:b.test.', amount).refusal).toBeUndefined();
    got[0]!.end();
    expect(take(name, 'greedy', 'zone:a.test.', amount).refusal).toBeUndefined();
  });

  test('many tokens of zones leave a quarter for administrators, who get all that is left', () => {
    const { take } = bench();
    const all = Array.from({ length: (2 * max) / amount }, (_, index) => take(name, `t${index}`, 'zone:a.test.', amount));
    expect(all.filter(({ refusal }) => refusal === undefined)).toHaveLength((max - max / 4) / amount);
    const admin = Array.from({ length: max / amount }, () => take(name, 'admin', 'admin', amount).refusal);
    expect(admin.filter((refusal) => refusal === undefined)).toHaveLength(max / 4 / amount);
  });
});

test('what asks other name servers, and streams, take their share', () => {
  const budgets = adminRoutes().flatMap(({ url, budget }) => (budget === undefined ? [] : [`${url} ${budget}`]));
  expect(budgets.toSorted()).toEqual([
    '/v1/audit/export streams',
    '/v1/backups/restored looks',
    '/v1/events streams',
    '/v1/search searches',
    '/v1/spf/:domain/check looks',
    '/v1/spf/:domain/flatten looks',
    '/v1/spf/:domain/tree looks',
    '/v1/zones/:zone/check checks',
    '/v1/zones/:zone/delegation delegations',
    '/v1/zones/:zone/mail/check looks',
    '/v1/zones/:zone/mail/proposal looks',
    '/v1/zones/:zone/tlsa/live looks',
  ]);
});

test.each([
  ['of a stated length', { 'content-length': BODY_BYTES_MAX }],
  ['without a length', { 'transfer-encoding': 'chunked' }],
])('a large body %s that is still coming holds its octets: 503 for another one of this token, not for others', async (_what, length) => {
  const { control, tokens } = await fakeWithZone();
  const app = await buildAdmin({ control, zoneFileBytesMax: BODY_BYTES_MAX });
  const listeners = await listenAdmin(app, { tcp: ipPort('127.0.0.1', 0), socketPath: undefined });
  onTestFinished(() => listeners.close(0));
  const port = Number(listeners.address.split(':')[1]);
  const put = (token: string): ClientRequest => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'text/dns', ...length };
    const asked = request({ host: '127.0.0.1', port, method: 'PUT', path: '/v1/zones/example.com/zonefile', headers, agent: false });
    onTestFinished(() => void asked.destroy());
    return asked.on('error', () => undefined);
  };
  const answerOf = (asked: ClientRequest) => new Promise<IncomingMessage>((resolve) => void asked.once('response', resolve));
  const slow = put(tokens.zone);
  await new Promise<void>((resolve) => void slow.write('; a comment\n', 'latin1', () => resolve()));
  let second: IncomingMessage | undefined;
  for (let left = 50; second?.statusCode !== 503 && left > 0; left--) {
    const asked = put(tokens.zone);
    asked.write('; a comment\n');
    second = await Promise.race([answerOf(asked), delay(20, undefined)]);
    asked.destroy();
  }
  expect([second?.statusCode, second?.headers['retry-after']]).toEqual([503, '10']);
  const other = put(tokens.admin);
  other.end(Buffer.alloc(BODY_BYTES_MAX, ';'));
  expect((await answerOf(other)).statusCode).not.toBe(503);
});

test('one network gets a quarter of the connections over TCP, this machine all', () => {
  const share = shareConnections();
  const connect = (remoteAddress: string) => {
    const socket = new Socket();
    Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress });
    share(socket);
    return socket;
  };
  const open = Array.from({ length: ADMIN_CONNECTIONS_PER_NETWORK_MAX }, (_, index) => connect(`2001:db8::${index.toString(16)}`));
  expect(open.some(({ destroyed }) => destroyed)).toBe(false);
  expect(connect('2001:db8::ffff').destroyed).toBe(true);
  expect(connect('2001:db8:0:1::1').destroyed).toBe(false);
  for (let n = 0; n <= ADMIN_CONNECTIONS_PER_NETWORK_MAX; n++) expect(connect('::ffff:127.0.0.1').destroyed).toBe(false);
  open[0]!.emit('close');
  // The one that was closed at once is gone when its own close comes.
  open[1]!.emit('close');
  expect(connect('2001:db8::1').destroyed).toBe(false);
});
