/**
 * Guesses at tokens, from many networks: none is accepted, each network and each token is held to ten a minute, and
 * whoever has a good token is served all the while. WAXSEAL_TEST_GUESSES: how many; `npm run test:guesses` has 100,000.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { AUTH_FAILURES_PER_MINUTE_MAX } from '#base/limits/admin.ts';
import { AUDIT_REFUSED_ENTRIES_MAX } from '#base/limits/store.ts';
import { buildAdmin } from '#admin/app.ts';
import { MAIL_ZONE_TEXT, good, temporaryControl } from '../../support/temporary-control.ts';
import { seededRandom } from '../../support/random.ts';

const GUESSES = Number(process.env['WAXSEAL_TEST_GUESSES'] ?? 1500);
const NETWORKS = 40;
/** Guesses whose times are compared; their medians, because other programs run too. */
const TIMED = 4000;
/** More than this would be a table that keeps what strangers send. */
const GROWTH_BYTES_MAX = 4 * 2 ** 20;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/**
 * Octets of the heap in use, when what the last requests left has gone: the least of a few looks, because compiled code
 * and what finalizers let go leave the heap some turns later.
 */
async function heapBytes(): Promise<number> {
  const looks: number[] = [];
  for (let look = 0; look < 4; look++) {
    await delay(50);
    collect();
    looks.push(process.memoryUsage().heapUsed);
  }
  return Math.min(...looks);
}

async function started() {
  const room = temporaryControl();
  await room.load('example.com.', MAIL_ZONE_TEXT);
  const app = await buildAdmin({ control: room.control });
  onTestFinished(() => app.close());
  const actor = { kind: 'system', id: 'test', from: '' } as const;
  const made = async (scope: 'admin' | 'zone:example.com.') =>
    good(await room.control.tokens.create({ name: scope, scopes: [scope] }, actor)).secret;
  const ask = async (token: string, remoteAddress: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const { statusCode, headers: said } = await app.inject({ url: '/v1/zones/example.com', headers, remoteAddress });
    return { status: statusCode, retryAfter: Number(said['retry-after'] ?? 0) };
  };
  return { room, ask, admin: await made('admin'), tenant: await made('zone:example.com.') };
}

/** IPv4 addresses, and addresses of IPv6 of which those of one /64 count as one. */
function address(network: number, host: number): string {
  return network % 2 === 0 ? `198.51.100.${network}` : `2001:db8:0:${network.toString(16)}::${(host % 65_536).toString(16)}`;
}

/** Texts like those of a thief who has part of a token, and of one who has nothing. */
function guesser(token: string, random: () => number) {
  const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
  const [, id = '', secret = ''] = token.split('_');
  const at = () => Math.floor(random() * secret.length);
  const ways = [
    () => `wax_${hex(16)}_${hex(secret.length)}`,
    () => `wax_${id}_${hex(secret.length)}`,
    // One digit is another one.
    () => {
      const [place, digit] = [at(), hex(1)];
      const other = secret[place] === digit ? 'g' : digit;
      return `wax_${id}_${secret.slice(0, place)}${other}${secret.slice(place + 1)}`;
    },
    () => `wax_${id}_${secret.slice(0, at())}`,
    () => `wax_${id}_${secret}${hex(2)}`,
    () => `wax_${hex(16)}_${secret}`,
    () => hex(40),
  ];
  return () => ways[Math.floor(random() * ways.length)]!();
}

test(`${GUESSES} guesses`, { timeout: 60_000 + GUESSES * 20 }, async () => {
  const { room, ask, admin, tenant } = await started();
  const guess = guesser(admin, seededRandom(20_261_130));
  const statuses = new Map<number, number>();
  const before = room.writer.audit(1000).length;
  const startedMs = performance.now();
  let halfway = 0;
  for (let each = 0; each < GUESSES; each++) {
    const from = address(each % NETWORKS, each);
    const { status, retryAfter } = await ask(guess(), from);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status === 429) {
      expect(retryAfter).toBeGreaterThan(0);
      expect(retryAfter).toBeLessThanOrEqual(60);
    }
    // From where the guesses come, too.
    if (each % 100 === 99) expect((await ask(tenant, from)).status).toBe(200);
    if (each + 1 === Math.floor(GUESSES / 2)) halfway = await heapBytes();
  }
  expect((await heapBytes()) - halfway).toBeLessThan(GROWTH_BYTES_MAX);
  const minutes = Math.ceil((performance.now() - startedMs) / 60_000) + 1;
  const { 401: lookedAt = 0, 429: turnedAway = 0, ...others } = Object.fromEntries(statuses);
  expect(others).toEqual({});
  expect(lookedAt).toBeGreaterThanOrEqual(AUTH_FAILURES_PER_MINUTE_MAX);
  expect(lookedAt).toBeLessThanOrEqual(NETWORKS * AUTH_FAILURES_PER_MINUTE_MAX * minutes);
  expect(turnedAway).toBe(GUESSES - lookedAt);
  expect((await ask(admin, address(0, 0))).status).toBe(200);
  // Those who have no token share one count.
  expect(room.writer.audit(1000).length - before).toBeLessThanOrEqual(AUDIT_REFUSED_ENTRIES_MAX);
});

test('how much of a secret is right takes no other time to find out', async () => {
  const { room, admin } = await started();
  const right = admin.slice(0, -1);
  const last = admin.endsWith('0') ? '1' : '0';
  const head = /^wax_[0-9a-f]{16}_/.exec(admin)![0];
  const none = head + '0'.repeat(admin.length - head.length);
  const took = { all: [] as number[], none: [] as number[] };
  const time = (token: string) => {
    const startedMs = performance.now();
    expect('id' in room.control.tokens.authenticate(token, '192.0.2.1')).toBe(false);
    return performance.now() - startedMs;
  };
  for (let each = 0; each < TIMED; each++) {
    took.all.push(time(right + last));
    took.none.push(time(none));
  }
  const [all, other] = [took.all, took.none].map((each) => each.toSorted((a, b) => a - b)[TIMED / 2]!);
  expect(Math.abs(all! - other!) / other!).toBeLessThan(0.25);
});
