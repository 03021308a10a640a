/** RFC 8945 §5.3: answers to queries that are signed with a key for UPDATE. What a client sees: test/e2e/update.test.ts. */
import { describe, expect, test } from 'vitest';
import { writeHandedMessage } from '#base/ipc/handed-message.ts';
import { signAnswer } from '#control/update/sign-answer.ts';
import { nameOf } from '#dns/name.ts';
import { tsigAlgorithm } from '#dns/tsig/algorithm.ts';
import { TsigKeys, tsigKey } from '#dns/tsig/key.ts';
import { writeSignOrder } from '#transfer/signed-queries.ts';
import { simpleQuery } from '../../support/dns-client.ts';
import { signMessage } from '../../support/update-client.ts';

const NOW = 1_800_000_000;
const SECRET = Buffer.alloc(32, 'k').toString('base64');
const keys = new TsigKeys([tsigKey(nameOf('k.'), tsigAlgorithm('hmac-sha256')!, new Uint8Array(Buffer.alloc(32, 'k')))]);

function sign(name: string, answerBytes: number, transport: 'udp' | 'tcp', afterSeconds = 0): Uint8Array {
  const bare = new Uint8Array(simpleQuery(7));
  const query = signMessage(bare, { name, secret: SECRET }, NOW - afterSeconds);
  const answer = new Uint8Array(bare.length + answerBytes);
  answer.set(bare);
  answer[2] = 0x84;
  const body = writeHandedMessage(transport, undefined, writeSignOrder(query, answer));
  return signAnswer(body, { keys: () => keys, clock: { nowMs: () => NOW * 1000 } });
}

describe('RFC 8945 §5.3', () => {
  test('the answer is as it was, and signed', () => {
    const signed = sign('k.', 100, 'udp');
    expect([signed[2], signed[3]! & 0x0f, signed[11], signed.length > 100 + 29]).toEqual([0x84, 0, 1, true]);
  });

  test('what does not fit with its signature over UDP is cut to the question; over TCP it fits', () => {
    const cut = sign('k.', 480, 'udp');
    expect([cut[2], cut.length < 200, cut[11]]).toEqual([0x86, true, 1]);
    expect(sign('k.', 480, 'tcp').length).toBeGreaterThan(500);
  });

  test('a key that there is not, and another time: NOTAUTH', () => {
    expect(sign('other.', 10, 'udp')[3]! & 0x0f).toBe(9);
    expect(sign('k.', 10, 'udp', 301)[3]! & 0x0f).toBe(9);
  });

  test('octets that are no such order have no answer', () => {
    const orders = [[], [0, 0], [0, 0, 0], [0, 0, 0, 9, 1], [0, 0, 0, 2, 1, 1]];
    const options = { keys: () => keys, clock: { nowMs: () => NOW * 1000 } };
    expect(orders.filter((octets) => signAnswer(Uint8Array.from(octets), options).length > 0)).toEqual([]);
  });
});
