import { describe, expect, test } from 'vitest';
import { UPDATE_FORWARDS_MAX, UPDATE_FORWARDS_PER_CLIENT_MAX, UPDATE_FORWARDS_PER_SECOND_MAX } from '#base/limits/update.ts';
import { RCODE } from '#dns/types.ts';
import { UpdateForwarder } from '#control/update/forward.ts';
import { type StreamExchanged, type StreamOrder } from '#control/outside/stream-exchange.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { signMessage, updateMessage } from '../../support/update-client.ts';

const NOW_MS = 1_800_000_000_000;
const zone = (id: number) => ({ id, name: `z${id}.test.` }) as ZoneRecord;
const message = (id = 0x1234, host = 'www') => {
  const secret = Buffer.alloc(32, 'primary').toString('base64');
  return signMessage(updateMessage('z1.test.', `add ${host} 300 A 192.0.2.1`, { id }), { name: 'theirs.', secret }, NOW_MS / 1000);
};

/** RFC 2136 §3.8: what a primary answers; the octets behind the header stand for its signature. */
const reply = ({ message: sent }: StreamOrder, rcode: number): StreamExchanged => ({
  reply: Uint8Array.of(sent[0]!, sent[1]!, 0xa8, rcode, 0, 0, 0, 0, 0, 0, 0, 1, 42),
});
type Exchange = (order: StreamOrder) => StreamExchanged | Promise<StreamExchanged>;

function room(exchange: Exchange, ips: readonly string[] = ['192.0.2.1', '192.0.2.2']) {
  const sent: StreamOrder[] = [];
  let nowMs = NOW_MS;
  const forwarder = new UpdateForwarder({
    primaries: () => ips.map((ip) => ({ ip, port: 53 })),
    access: () => ({ tls: undefined }),
    clock: { nowMs: () => nowMs },
    exchange: async (order) => {
      sent.push(order);
      return exchange(order);
    },
  });
  const send = async (octets = message(), { id = 1, from = '198.51.100.7' } = {}) => {
    const done = await forwarder.forward(zone(id), octets, from);
    return 'answer' in done ? [...done.answer] : done.failure;
  };
  return { send, sent, pass: (ms: number) => (nowMs += ms), asked: () => sent.map(({ server }) => server.ip) };
}

describe('RFC 2136 §6: forwarding', () => {
  test('goes as it came but for an id of our own (RFC 8945 §5.5); the answer as it came, with the id of the client', async () => {
    const { send, sent } = room((order) => reply(order, RCODE.NXRRSET));
    const ids = new Set<string>();
    for (let at = 0; at < 8; at++) {
      expect(await send(message(0x1234))).toEqual([0x12, 0x34, 0xa8, RCODE.NXRRSET, 0, 0, 0, 0, 0, 0, 0, 1, 42]);
      expect(sent[at]!.message.subarray(2)).toEqual(message(0x1234).subarray(2));
      ids.add(String(sent[at]!.message.subarray(0, 2)));
    }
    expect(ids.size).toBeGreaterThan(4);
    expect(sent[0]!.server).toMatchObject({ ip: '192.0.2.1', port: 53 });
  });

  test.each<[string, Exchange]>([
    ['does not answer', () => ({ failure: 'does not answer' })],
    ['answers SERVFAIL (§4.3)', (order) => reply(order, RCODE.SERVFAIL)],
    ['answers NOTIMP (§4.3)', (order) => reply(order, RCODE.NOTIMP)],
    ['answers with another id', () => reply({ message: Uint8Array.of(0, 0) } as unknown as StreamOrder, 0)],
    ['answers a query', ({ message: [high, low] }) => ({ reply: Uint8Array.of(high!, low!, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0) })],
    ['answers with half a header', ({ message: [high, low] }) => ({ reply: Uint8Array.of(high!, low!, 0xa8) })],
  ])('§6.5: the next primary is tried when one %s', async (_what, first) => {
    const { send, asked } = room((order) => (order.server.ip === '192.0.2.1' ? first(order) : reply(order, RCODE.NOERROR)));
    expect((await send(message()))[3]).toBe(RCODE.NOERROR);
    expect(asked()).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  test('what a primary decides is decided: REFUSED and NOTAUTH go back, no other primary is tried', async () => {
    for (const rcode of [RCODE.REFUSED, RCODE.NOTAUTH, RCODE.YXDOMAIN]) {
      const { send, asked } = room((order) => reply(order, rcode));
      expect([(await send())[3], asked()]).toEqual([rcode, ['192.0.2.1']]);
    }
  });

  test('none answers: why, for the log; the SERVFAIL of one, signed, goes back', async () => {
    const none = room(({ server }) => ({ failure: server.ip === '192.0.2.1' ? 'does not answer over TCP' : 'does not answer' }));
    expect(await none.send()).toBe('192.0.2.1 does not answer over TCP; 192.0.2.2 does not answer');
    expect(await room(() => ({ failure: '' }), []).send()).toBe('the zone has no primaries');
    const one = room((order) => (order.server.ip === '192.0.2.1' ? reply(order, RCODE.SERVFAIL) : { failure: 'does not answer' }));
    expect((await one.send())[3]).toBe(RCODE.SERVFAIL);
  });
});

describe('limits', () => {
  function hanging() {
    const settle: (() => void)[] = [];
    const made = room((order) => new Promise((resolve) => void settle.push(() => resolve(reply(order, 0)))));
    return { ...made, settle };
  }
  const FULL = 'too many updates wait for the primaries';

  test('a message that comes again while the first is under way goes once, and each has its id', async () => {
    const { send, sent, settle } = hanging();
    // RFC 8945 §4.2: a forwarder on the way may have given it another id.
    const again = message(1).fill(2, 1, 2);
    const both = [send(message(1)), send(again)];
    await Promise.resolve();
    settle[0]!();
    expect((await Promise.all(both)).map((answer) => answer[1])).toEqual([1, 2]);
    expect(sent).toHaveLength(1);
  });

  test('a client, a zone and all together have so many under way; a place is free again after its answer', async () => {
    const { send, sent, settle } = hanging();
    const going: Promise<unknown>[] = [];
    for (let at = 0; at < UPDATE_FORWARDS_PER_CLIENT_MAX; at++) going.push(send(message(1, `a${at}`)));
    // Another zone, the same client; another client, the same zone.
    expect(await send(message(1, 'b'), { id: 2 })).toBe(FULL);
    expect(await send(message(1, 'b'), { from: '198.51.100.8' })).toBe(FULL);
    const others = UPDATE_FORWARDS_MAX - UPDATE_FORWARDS_PER_CLIENT_MAX;
    for (let at = 0; at < others; at++) going.push(send(message(1, `c${at}`), { id: 3, from: '198.51.100.9' }));
    expect(await send(message(), { id: 4, from: '198.51.100.10' })).toBe(FULL);
    expect(sent).toHaveLength(UPDATE_FORWARDS_MAX);
    for (const each of settle) each();
    await Promise.all(going);
    const late = send(message(), { id: 4, from: '198.51.100.10' });
    settle.at(-1)!();
    await Promise.resolve();
    settle.at(-1)!();
    expect(await late).toHaveLength(13);
  });

  test('so many in a second for one zone, half of them from one client', async () => {
    const { send, sent, pass } = room((order) => reply(order, 0));
    for (let at = 0; at < UPDATE_FORWARDS_PER_SECOND_MAX; at++) await send();
    expect(sent).toHaveLength(UPDATE_FORWARDS_PER_SECOND_MAX / 2);
    expect(await send()).toMatch(/^more than 100 updates in a second/);
    for (let at = 0; at < UPDATE_FORWARDS_PER_SECOND_MAX; at++) await send(message(), { from: '198.51.100.8' });
    expect(sent).toHaveLength(UPDATE_FORWARDS_PER_SECOND_MAX);
    expect(await send(message(), { from: '198.51.100.9' })).toMatch(/^more than/);
    expect(await send(message(), { id: 2, from: '198.51.100.9' })).toHaveLength(13);
    pass(1000);
    expect(await send()).toHaveLength(13);
  });
});
