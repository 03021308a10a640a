import { describe, expect, test } from 'vitest';
import { ADMIT } from '#answer/defence/rate-limit.ts';
import { ANSWER_IS_LATER } from '#answer/later-answer.ts';
import { readHandedMessage } from '#base/ipc/handed-message.ts';
import { newClientAddress, setClientAddress } from '#base/client-address.ts';
import { newQueryHead, parseQuery } from '#dns/message.ts';
import { equalNames, nameOf } from '#dns/name.ts';
import { tsigAlgorithm } from '#dns/tsig/algorithm.ts';
import { tsigKey } from '#dns/tsig/key.ts';
import { TsigSigner } from '#dns/tsig/sign.ts';
import { EDE, OPCODE, RCODE, TYPE } from '#dns/types.ts';
import { readKeyNames, readKeys } from '#transfer/grants.ts';
import { type PassOn, UpdateGate } from '#transfer/update-gate.ts';
import { testKey } from '../support/transfer-server.ts';

const NOW_MS = 1_800_000_000_000;
const ZONE = [...nameOf('a.test.')];
/** UPDATE of a.test without sections; with OPT. */
function update({ opt = true, sig = false, zone = ZONE, rrClass = 1 } = {}): Uint8Array {
  const additional = (opt ? 1 : 0) + (sig ? 1 : 0);
  return Uint8Array.from([
    ...[0x12, 0x34, OPCODE.UPDATE << 3, 0, 0, 1, 0, 0, 0, 0, 0, additional],
    ...[...zone, 0, TYPE.SOA, 0, rrClass],
    ...(opt ? [0, 0, TYPE.OPT, 4, 208, 0, 0, 0, 0, 0, 0] : []),
    ...(sig ? [0, 0, TYPE.SIG, 0, 255, 0, 0, 0, 0, 0, 0] : []),
  ]);
}

function signed(name: string, message = update()): Uint8Array {
  const secret = new Uint8Array(Buffer.from(testKey(name).secret, 'base64'));
  const signer = new TsigSigner(tsigKey(nameOf(name), tsigAlgorithm('hmac-sha256')!, secret));
  const out = new Uint8Array(message.length + signer.bytes);
  out.set(message);
  return out.subarray(0, signer.sign(out, message.length, NOW_MS / 1000));
}

type Order = Parameters<PassOn['pass']>[0];

function room({ hasPlace = true, admitted = 0 } = {}) {
  const passed: Order[] = [];
  const log: string[] = [];
  const answers: number[] = [];
  let nowMs = NOW_MS;
  const gate = new UpdateGate({
    handOver: { pass: (order) => hasPlace && passed.push(order) > 0 },
    isSecondary: (apex) => equalNames(apex, nameOf('second.test.')),
    nowMs: () => nowMs,
    count: () => undefined,
    countAnswer: (rcode) => void answers.push(rcode),
    log: (event, text) => void log.push(`${event} ${text}`),
    admitError: () => admitted,
  });
  const keys = [testKey('transfer.'), { name: 'update.' }];
  gate.takeKeys(readKeys(keys), readKeyNames(keys));
  const client = newClientAddress();
  setClientAddress(client, '192.0.2.9');
  const ask = (message: Uint8Array, transport: 'udp' | 'tcp' = 'udp') => {
    const head = newQueryHead();
    parseQuery(message, message.length, head);
    const out = new Uint8Array(65_535);
    const length = gate.answer(message, message.length, head, out, transport, client);
    return length > 0 ? out.slice(0, length) : length;
  };
  const rcode = (message: Uint8Array, transport?: 'udp' | 'tcp') => {
    const answer = ask(message, transport);
    return typeof answer === 'number' ? answer : answer[3]! & 0x0f;
  };
  return { gate, passed, log, answers, ask, rcode, pass: (ms: number) => (nowMs += ms) };
}

/** Text of the extended error in an answer whose OPT is last. */
const textOf = (answer: number | Uint8Array) => Buffer.from(answer as Uint8Array).toString('latin1');

describe('RFC 3007 §1.3: an UPDATE that is not signed', () => {
  test('is REFUSED with the reason, and the log names the fix once a minute, with their number', () => {
    const { ask, rcode, log, pass } = room();
    expect(rcode(update())).toBe(RCODE.REFUSED);
    expect(textOf(ask(update(), 'tcp'))).toContain('UPDATE needs a TSIG signature');
    expect(log).toEqual([
      'update.refused UPDATE of a.test. from 192.0.2.9 refused: it is not signed; ' +
        'make a key: waxseal tsig generate NAME --zone a.test. --for update',
    ]);
    pass(60_000);
    ask(update());
    expect(log[1]).toContain('(and 1 more since the last such line)');
  });

  test('SIG(0) is not offered', () => {
    const { ask, log } = room();
    expect(textOf(ask(update({ opt: true, sig: true }), 'tcp'))).toContain('SIG(0), which is not offered');
    expect(log[0]).toContain('SIG(0)');
  });

  test('over UDP the answer has the code of the reason alone: whoever forges an address sends hardly less', () => {
    const answer = room().ask(update()) as Uint8Array;
    expect([...answer.subarray(-6)]).toEqual([0, 15, 0, 2, 0, EDE.PROHIBITED]);
    expect(answer.length).toBe(update().length + 6);
  });

  test('refusals are under the rate limit of errors', () => {
    expect(room({ admitted: ADMIT.DROP }).ask(update())).toBe(0);
    const short = room({ admitted: ADMIT.TRUNCATE }).ask(update()) as Uint8Array;
    expect([short.length, short[2]! & 2]).toEqual([update().length, 2]);
  });

  test('without EDNS the answer has none', () => {
    const answer = room().ask(update({ opt: false })) as Uint8Array;
    expect([answer.length, answer[11]]).toEqual([12 + ZONE.length + 4, 0]);
  });
});

describe('RFC 8945 §5.2: whose key it is', () => {
  test('a key that there is not: NOTAUTH with BADKEY, not signed', () => {
    const { ask, passed, log } = room();
    const answer = ask(signed('stranger.')) as Uint8Array;
    expect(answer[3]! & 0x0f).toBe(RCODE.NOTAUTH);
    expect([...answer.subarray(-6)]).toEqual([0x12, 0x34, 0, 17, 0, 0]);
    expect(log[0]).toContain('tsig.refused UPDATE from 192.0.2.9 refused: BADKEY (key stranger., hmac-sha256.)');
    expect(passed).toEqual([]);
  });

  test('ADR 0007: a key for transfers opens no UPDATE, and the answer is signed', () => {
    const { ask, passed } = room();
    const answer = ask(signed('transfer.')) as Uint8Array;
    expect([answer[3]! & 0x0f, answer[11]]).toEqual([RCODE.REFUSED, 2]);
    expect(textOf(answer)).toContain('the key transfer. is not for UPDATE');
    expect(passed).toEqual([]);
  });

  test('ADR 0007: a key for UPDATE is not here: the message goes to control as it came, with where it came from', () => {
    const { gate, ask, passed, answers } = room();
    const message = signed('UPDATE.');
    expect(ask(message)).toBe(ANSWER_IS_LATER);
    const sent: Uint8Array[] = [];
    gate.later((answer) => void sent.push(answer));
    expect(passed.map(({ name, client }) => [name, client])).toEqual([['update', '192.0.2.9']]);
    const handed = readHandedMessage(passed[0]!.body);
    expect(handed).toEqual({ transport: 'udp', address: Uint8Array.of(192, 0, 2, 9), message });
    const answer = Uint8Array.of(0x12, 0x34, 0xa8, RCODE.YXDOMAIN);
    passed[0]!.done({ answer });
    expect([sent, answers]).toEqual([[answer], [RCODE.YXDOMAIN]]);
  });

  test('two messages under way: each has its own answer', () => {
    const { gate, ask, passed } = room();
    const sent: string[] = [];
    for (const who of ['one', 'two']) {
      ask(signed('update.'));
      gate.later(([octet]) => void sent.push(`${who} ${octet}`));
    }
    passed[1]!.done({ answer: Uint8Array.of(2, 0, 0, 0) });
    passed[0]!.done({ answer: Uint8Array.of(1, 0, 0, 0) });
    expect(sent).toEqual(['two 2', 'one 1']);
  });
});

describe('RFC 2136 §6, RFC 8945 §5.5: a zone that comes from primaries', () => {
  const zone = [...nameOf('second.test.')];

  test('signed with a key that is not here, or with one that is: the message goes to control as it came', () => {
    const { ask, passed, log } = room();
    for (const key of ['stranger.', 'transfer.', 'update.'])
      expect([key, ask(signed(key, update({ zone })))]).toEqual([key, ANSWER_IS_LATER]);
    expect(readHandedMessage(passed[0]!.body)!.message).toEqual(signed('stranger.', update({ zone })));
    expect([passed.length, log]).toEqual([3, []]);
  });

  test('a key that is here, and a wrong signature: NOTAUTH here', () => {
    const { rcode, passed } = room();
    const message = signed('transfer.', update({ zone }));
    message[13]! ^= 0x20;
    expect([rcode(message), passed]).toEqual([RCODE.NOTAUTH, []]);
  });

  test('not signed, or of another class: as in any other zone', () => {
    const { rcode, passed } = room();
    expect(rcode(update({ zone }))).toBe(RCODE.REFUSED);
    expect(rcode(update({ zone, sig: true }))).toBe(RCODE.REFUSED);
    expect(rcode(signed('stranger.', update({ zone, rrClass: 3 })))).toBe(RCODE.NOTAUTH);
    expect(passed).toEqual([]);
  });
});

describe('control does not answer', () => {
  const outcome = (why: string, transport: 'udp' | 'tcp') => {
    const { gate, ask, passed } = room();
    ask(signed('update.'), transport);
    let got: Uint8Array | undefined;
    gate.later((answer) => (got = answer));
    passed[0]!.done({ why });
    return got!.length === 0 ? 'none' : got![3]! & 0x0f;
  };

  test('what was not carried out is SERVFAIL over TCP; over UDP the client sends it again', () => {
    expect(['overloaded', 'expired', 'unknown'].map((why) => outcome(why, 'tcp'))).toEqual(Array.from({ length: 3 }, () => RCODE.SERVFAIL));
    expect(outcome('overloaded', 'udp')).toBe('none');
  });

  test('what may have been carried out has no answer', () => {
    expect([outcome('gone', 'tcp'), outcome('timeout', 'tcp'), outcome('timeout', 'udp')]).toEqual(['none', 'none', 'none']);
  });

  test('no place: SERVFAIL with the reason over TCP, nothing over UDP', () => {
    const { ask, rcode } = room({ hasPlace: false });
    expect(rcode(signed('update.'), 'udp')).toBe(0);
    expect(rcode(signed('update.'), 'tcp')).toBe(RCODE.SERVFAIL);
    const answer = ask(signed('update.'), 'tcp') as Uint8Array;
    expect(answer[12 + ZONE.length + 4 + 16]).toBe(EDE.NOT_READY);
  });
});

test('RFC 2136 §3.1.1: what is malformed is FORMERR', () => {
  const { rcode } = room();
  const cut = update();
  expect(rcode(cut.subarray(0, cut.length - 3))).toBe(RCODE.FORMERR);
  expect(rcode(Uint8Array.from([0, 1, OPCODE.UPDATE << 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]))).toBe(RCODE.FORMERR);
});
