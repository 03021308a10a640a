/** RFC 2930: TKEY is not offered, and says so. The octets of questions and answers are written and read by hand. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { Responder } from '#answer/respond.ts';
import { nameOf } from '#dns/name.ts';
import { openReader } from '#store/reader.ts';
import { TransferAnswers } from '#transfer/answers.ts';
import { readKeys } from '#transfer/grants.ts';
import { signMessage } from '../support/update-client.ts';
import { temporaryControl } from '../support/temporary-control.ts';
import { testKey } from '../support/transfer-server.ts';

const NOW_MS = 1_800_000_000_000;
const NAME = '1234.sig-ns.example.';
const [TKEY, FORMERR, BADMODE] = [249, 1, 19];
const u16 = (value: number) => [value >> 8, value & 0xff];
const EDNS = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
/** RFC 2930 §2: inception, expiration. */
const TIMES = [0x6b, 0x49, 0xd2, 0, 0x6b, 0x49, 0xe0, 0x10];
const token = Array.from({ length: 90 }, (_, at) => at);

function rdata(mode: number, algorithm = 'gss-tsig.', key: readonly number[] = token): readonly number[] {
  return [...nameOf(algorithm), ...TIMES, ...u16(mode), 0, 0, ...u16(key.length), ...key, 0, 0];
}

function query(data: readonly number[] | undefined, { edns = false, section = 2, name = NAME } = {}): Uint8Array {
  const counts = [0, 0, edns ? 1 : 0];
  if (data !== undefined) counts[section]! += 1;
  const record = data === undefined ? [] : [...nameOf(name), ...u16(TKEY), 0, 255, 0, 0, 0, 0, ...u16(data.length), ...data];
  const head = [0x12, 0x34, 0, 0, 0, 1, ...counts.flatMap(u16)];
  return Uint8Array.from([...head, ...nameOf(name), ...u16(TKEY), 0, 255, ...record, ...(edns ? EDNS : [])]);
}

function room() {
  const reader = openReader(temporaryControl().dir);
  onTestFinished(() => reader.close());
  const log: string[] = [];
  const signed = new TransferAnswers({
    reader,
    respond: (...all) => responder.respond(...all),
    secondaries: { isGrantedWithoutKey: () => false, mayUseKey: () => true },
    nowMs: () => NOW_MS,
    count: () => undefined,
    log: (event, text) => void log.push(`${event} ${text}`),
  });
  signed.takeKeys(readKeys([testKey('k.')]));
  const responder: Responder = new Responder(reader, { signed });
  const client = { octets: Uint8Array.of(192, 0, 2, 9), length: 4 };
  const ask = (octets: Uint8Array, transport: 'udp' | 'tcp' = 'udp') => {
    const out = Buffer.alloc(65_535);
    return out.subarray(0, responder.respond(octets, octets.length, out, transport, client));
  };
  return { ask, log };
}

describe('RFC 2930 §2.6: BADMODE in the TKEY record of an answer with NOERROR', () => {
  const question = [...nameOf(NAME), ...u16(TKEY), 0, 255];
  const answer = (mode: number, algorithm = 'gss-tsig.') => {
    const data = [...nameOf(algorithm), ...TIMES, ...u16(mode), 0, BADMODE, 0, 0, 0, 0];
    return [...question, 0xc0, 12, ...u16(TKEY), 0, 255, 0, 0, 0, 0, ...u16(data.length), ...data];
  };

  test('GSS-TSIG (RFC 3645) and each other mode, and the log names the fix', () => {
    const { ask, log } = room();
    const { length } = query(rdata(3));
    const got = ask(query(rdata(3)));
    expect([...got]).toEqual([0x12, 0x34, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0, ...answer(3)]);
    expect(got.length).toBeLessThan(length);
    for (const mode of [1, 2, 4, 5, 65_535]) expect([...ask(query(rdata(mode, 'hmac-md5.')))].slice(12)).toEqual(answer(mode, 'hmac-md5.'));
    expect(log.slice(0, 2)).toEqual([
      'tsig.refused GSS-TSIG is not offered, but 192.0.2.9 asks for it; make a key: waxseal tsig generate NAME --zone ZONE --for update',
      expect.stringContaining('TKEY of mode 1 is not offered'),
    ]);
  });

  test('with EDNS: OPT with the extended error 21 behind it; the record in the answer section, as Windows 2000 has it', () => {
    const { ask } = room();
    const opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 6, 0, 15, 0, 2, 0, 21];
    for (const section of [0, 2])
      expect([...ask(query(rdata(3), { edns: true, section }))].slice(4)).toEqual([0, 1, 0, 1, 0, 0, 0, 1, ...answer(3), ...opt]);
  });

  test('signed with a key that is known: the same, signed', () => {
    const message = signMessage(query(rdata(5)), { name: 'k.', secret: testKey('k.').secret }, NOW_MS / 1000);
    const got = room().ask(message);
    expect([...got].slice(4, 12 + answer(5).length)).toEqual([0, 1, 0, 1, 0, 0, 0, 1, ...answer(5)]);
  });

  test('what is too long for UDP is truncated', () => {
    const long = `${'l'.repeat(63)}.${'l'.repeat(63)}.${'l'.repeat(63)}.${'l'.repeat(60)}.`;
    const asked = query(rdata(3, long, []), { name: long });
    const { ask } = room();
    expect(ask(asked, 'udp')[2]! & 2).toBe(2);
    expect(ask(asked, 'tcp')[7]).toBe(1);
  });
});

test('RFC 2930 §4: a query without the record, or with one that is cut, is FORMERR', () => {
  const { ask } = room();
  for (const data of [
    undefined,
    [],
    [...nameOf('gss-tsig.')],
    rdata(3, 'gss-tsig.', []).slice(0, -1),
    [192, 12, ...TIMES, 0, 3, 0, 0, 0, 0, 0, 0],
  ])
    expect(ask(query(data))[3]! & 0x0f).toBe(FORMERR);
});
