/** RFC 8945 §5.3: queries signed with a key that only control has. What control does is in test/control/update/sign-answer.test.ts. */
import { describe, expect, test } from 'vitest';
import { ANSWER_IS_LATER } from '#answer/later-answer.ts';
import { newClientAddress, setClientAddress } from '#base/client-address.ts';
import { readHandedMessage } from '#base/ipc/handed-message.ts';
import { newQueryHead, parseQuery } from '#dns/message.ts';
import { nameOf } from '#dns/name.ts';
import { RCODE } from '#dns/types.ts';
import { SignedQueries } from '#transfer/signed-queries.ts';
import { type PassOn } from '#transfer/update-gate.ts';
import { signMessage } from '../support/update-client.ts';

const KEY = { name: 'certbot.', secret: Buffer.alloc(32, 'certbot').toString('base64') };
/** SOA of a.test with OPT, and in that 2,048 octets of padding or none. */
function bare(isLong = false): Uint8Array {
  const padding = isLong ? [0, 12, 8, 0, ...new Uint8Array(2048)] : [];
  const opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, padding.length >> 8, padding.length & 0xff, ...padding];
  return Uint8Array.of(0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, ...nameOf('a.test.'), 0, 6, 0, 1, ...opt);
}
const signed = (message: Uint8Array): Uint8Array => signMessage(message, KEY, 1_800_000_000);
const QUERY = signed(bare());

const ANSWER = Uint8Array.of(0x12, 0x34, 0x84, 0);

function room({ query = QUERY, length = ANSWER.length, hasPlace = true } = {}) {
  const passed: Parameters<PassOn['pass']>[0][] = [];
  const asked: Uint8Array[] = [];
  const queries = new SignedQueries({
    handOver: { pass: (order) => hasPlace && passed.push(order) > 0 },
    respond(octets, bytes, out) {
      asked.push(octets.slice(0, bytes));
      out.set(ANSWER);
      return length;
    },
  });
  const out = new Uint8Array(65_535);
  const client = newClientAddress();
  setClientAddress(client, '192.0.2.9');
  const ask = (transport: 'udp' | 'tcp' | 'tls' = 'udp') => {
    // The buffer is longer than the message, as that of a socket is.
    const octets = Uint8Array.of(...query, 7, 7, 7);
    const head = newQueryHead();
    parseQuery(octets, query.length, head);
    return queries.answer(octets, query.length, head, out, transport, client);
  };
  return { ask, queries, passed, asked, out };
}

describe('a query with a key that only control has', () => {
  test('is answered as without its signature; query and answer go to control', () => {
    const { ask, passed, asked } = room();
    expect(ask()).toBe(ANSWER_IS_LATER);
    // RFC 8945 §4.3.2: the record is taken off, and the additional section counts one less.
    expect(asked).toEqual([bare()]);
    expect(passed.map(({ name, client }) => [name, client])).toEqual([['sign-answer', '192.0.2.9']]);
    const { message, transport } = readHandedMessage(passed[0]!.body)!;
    expect([...message]).toEqual([0, QUERY.length, ...QUERY, 0x12, 0x34, 0x84, 0]);
    expect(transport).toBe('udp');
  });

  test('over TLS control hears TCP', () => {
    const { ask, passed } = room();
    ask('tls');
    expect(readHandedMessage(passed[0]!.body)!.transport).toBe('tcp');
  });

  test('two under way: each has its own answer; none when control has none', () => {
    const { ask, queries, passed } = room();
    const sent: string[] = [];
    for (const who of ['one', 'two', 'three']) {
      ask();
      queries.later((answer) => void sent.push(`${who} ${String(answer)}`));
    }
    passed[1]!.done({ answer: Uint8Array.of(2) });
    passed[0]!.done({ answer: Uint8Array.of(1) });
    passed[2]!.done({ why: 'timeout' });
    expect(sent).toEqual(['two 2', 'one 1', 'three ']);
  });

  test('an answer that the rate limit drops, or that another process makes, is not passed on', () => {
    for (const length of [0, ANSWER_IS_LATER]) {
      const { ask, passed } = room({ length });
      expect([ask(), passed]).toEqual([length, []]);
    }
  });

  test('no place at control, or an answer longer than a call: none over UDP, over TCP SERVFAIL', () => {
    expect(room({ hasPlace: false }).ask()).toBe(0);
    const tooLong = room({ query: signed(bare(true)), length: 65_535 });
    expect([tooLong.ask(), tooLong.passed]).toEqual([0, []]);
    const { ask, out } = room({ hasPlace: false });
    const length = ask('tcp');
    // The id and the question come back, OPT with EDE 14 (Not Ready); no TSIG, because the key is not here.
    expect(out.subarray(0, length)).toEqual(
      Uint8Array.of(
        ...[0x12, 0x34, 0x80, RCODE.SERVFAIL, 0, 1, 0, 0, 0, 0, 0, 1, ...nameOf('a.test.'), 0, 6, 0, 1],
        ...[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 6, 0, 15, 0, 2, 0, 14],
      ),
    );
  });
});
