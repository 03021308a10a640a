/** Signed messages and what is said of them: RFC 8945 §5.2 in its order, and every octet of a message counts. */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { assert, nat, property, uint8Array } from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { newQueryHead, parseQuery } from '#dns/message.ts';
import { nameOf } from '#dns/name.ts';
import { TSIG_ALGORITHMS, isMd5, shortestMacBytes, tsigAlgorithm } from '#dns/tsig/algorithm.ts';
import { type TsigKey, TsigKeys, tsigKey } from '#dns/tsig/key.ts';
import { tsigMac } from '#dns/tsig/mac.ts';
import { TSIG_ERROR, appendTsig, readTsig } from '#dns/tsig/record.ts';
import { TsigSigner, appendTsigError } from '#dns/tsig/sign.ts';
import { type TsigVerdict, verifyTsig } from '#dns/tsig/verify.ts';
import { TsigStreamVerifier } from '#dns/tsig/verify-stream.ts';
import { buildQuery } from '../../support/wire.ts';

const NOW = 1_800_000_000;

function key(name = 'a.key.', algorithm = 'hmac-sha256', macBytes?: number): TsigKey {
  return tsigKey(nameOf(name), tsigAlgorithm(algorithm)!, new Uint8Array(32).fill(7), macBytes);
}

/** A query for `www.a.test`, signed at `now`. */
function signed(by: TsigKey, now = NOW): Uint8Array {
  const query = buildQuery({ name: 'www.a.test.', type: 'A' });
  const out = new Uint8Array(512);
  out.set(query);
  return out.slice(0, new TsigSigner(by).sign(out, query.length, now));
}

function verify(message: Uint8Array, keys: readonly TsigKey[], now = NOW): TsigVerdict {
  const head = newQueryHead();
  parseQuery(message, message.length, head);
  return verifyTsig({ message, length: message.length, at: head.tsigAt, keys: new TsigKeys(keys), now });
}

function verdictText(verdict: TsigVerdict): string {
  return verdict.kind === 'invalid' ? `error ${verdict.error}${verdict.key === undefined ? '' : ' with a key'}` : verdict.kind;
}

/** The message with the MAC of its TSIG cut to `bytes`. */
function cutMac(message: Uint8Array, bytes: number): Uint8Array {
  const head = newQueryHead();
  parseQuery(message, message.length, head);
  const record = readTsig(message, head.tsigAt, message.length)!;
  const out = new Uint8Array(512);
  out.set(message.subarray(0, head.tsigAt));
  out[11]! -= 1;
  return out.slice(0, appendTsig(out, head.tsigAt, { ...record, mac: record.mac.subarray(0, bytes) }));
}

describe('RFC 8945 §5.2: key, MAC, time, length of the MAC', () => {
  test.each(TSIG_ALGORITHMS.map(({ name }) => name))('a message that %s signs is taken, in any case of its names', (algorithm) => {
    const message = signed(key('a.key.', algorithm));
    expect(verdictText(verify(message, [key('A.KEY.', algorithm)]))).toBe('valid');
  });

  test('another key, or the same name with another algorithm: BADKEY, and nothing to sign the answer with', () => {
    expect(verdictText(verify(signed(key()), [key('b.key.')]))).toBe(`error ${TSIG_ERROR.BADKEY}`);
    expect(verdictText(verify(signed(key()), [key('a.key.', 'hmac-sha512')]))).toBe(`error ${TSIG_ERROR.BADKEY}`);
  });

  test('±300 seconds are taken, ±301 are BADTIME with a key to sign the answer', () => {
    for (const off of [-300, 0, 300]) expect(verdictText(verify(signed(key(), NOW + off), [key()]))).toBe('valid');
    for (const off of [-301, 301, -NOW, 2 ** 40]) {
      expect(verdictText(verify(signed(key(), NOW + off), [key()]))).toBe(`error ${TSIG_ERROR.BADTIME} with a key`);
    }
  });

  test('a wrong secret is BADSIG before the time is looked at', () => {
    const other = tsigKey(nameOf('a.key.'), tsigAlgorithm('hmac-sha256')!, new Uint8Array(32).fill(8));
    expect(verdictText(verify(signed(key(), 0), [other]))).toBe(`error ${TSIG_ERROR.BADSIG}`);
  });

  test('§5.2.2.1 a MAC that is cut: impossible lengths are FORMERR, a right one is BADTRUNC unless the key allows it', () => {
    const message = signed(key());
    for (const bytes of [1, 9, 15]) expect(verdictText(verify(cutMac(message, bytes), [key()]))).toBe('malformed');
    for (const bytes of [16, 31])
      expect(verdictText(verify(cutMac(message, bytes), [key()]))).toBe(`error ${TSIG_ERROR.BADTRUNC} with a key`);
    expect(verdictText(verify(cutMac(message, 16), [key('a.key.', 'hmac-sha256', 16)]))).toBe('valid');
    // SHA-1: half of 20 is 10, and 10 is the fewest of all.
    expect(shortestMacBytes(20)).toBe(10);
    const sha1 = key('a.key.', 'hmac-sha1');
    expect(verdictText(verify(cutMac(signed(sha1), 9), [sha1]))).toBe('malformed');
    expect(verdictText(verify(cutMac(signed(sha1), 10), [sha1]))).toBe(`error ${TSIG_ERROR.BADTRUNC} with a key`);
    expect(verdictText(verify(cutMac(message, 10), [key()]))).toBe('malformed');
  });

  test('an empty MAC, as answers to unknown keys have, is BADSIG', () => {
    expect(verdictText(verify(cutMac(signed(key()), 0), [key()]))).toBe(`error ${TSIG_ERROR.BADSIG}`);
  });
});

test('every bit of the message counts: no flip is taken for valid', () => {
  const message = signed(key());
  for (let at = 0; at < message.length; at++)
    for (let bit = 0; bit < 8; bit++) {
      const flipped = message.slice();
      flipped[at]! ^= 1 << bit;
      const head = newQueryHead();
      parseQuery(flipped, flipped.length, head);
      if (head.tsigAt === 0) continue;
      const verdict = verify(flipped, [key()]);
      // Names are compared without case, and the id is the sender's (§4.2: the original id counts).
      const isCase = verdict.kind === 'valid' && bit === 5;
      const isId = verdict.kind === 'valid' && at < 2;
      expect({ at, bit, kind: isCase || isId ? 'valid by rule' : verdict.kind }).not.toEqual({ at, bit, kind: 'valid' });
    }
});

test('RFC 8945 §10.1: all octets of a MAC are compared, wherever it is wrong: by timingSafeEqual and nothing else', () => {
  const compare = vi.spyOn(crypto, 'timingSafeEqual');
  syncBuiltinESMExports();
  onTestFinished(() => {
    compare.mockRestore();
    syncBuiltinESMExports();
  });
  const head = newQueryHead();
  const message = signed(key());
  parseQuery(message, message.length, head);
  const { mac } = readTsig(message, head.tsigAt, message.length)!;
  const macAt = Buffer.from(message).indexOf(mac);
  for (const wrong of [0, 15, 31]) {
    const spoiled = message.slice();
    spoiled[macAt + wrong]! ^= 1;
    expect(verdictText(verify(spoiled, [key()]))).toBe(`error ${TSIG_ERROR.BADSIG}`);
    // The messages of a stream too.
    expect(new TsigStreamVerifier(key(), new Uint8Array(32)).take(spoiled, head.tsigAt, NOW)).toMatch(/wrong/);
  }
  expect(compare.mock.calls.map(([one, other]) => [one.byteLength, other.byteLength])).toEqual(Array.from({ length: 6 }, () => [32, 32]));
});

test('any octets in place of the record have a verdict', () => {
  const message = signed(key());
  const head = newQueryHead();
  parseQuery(message, message.length, head);
  assert(
    property(uint8Array({ maxLength: 120 }), nat(), (octets, keep) => {
      const mixed = new Uint8Array([...message.subarray(0, head.tsigAt + (keep % 20)), ...octets]);
      const verdict = verifyTsig({ message: mixed, length: mixed.length, at: head.tsigAt, keys: new TsigKeys([key()]), now: NOW });
      expect(['malformed', 'invalid']).toContain(verdict.kind);
    }),
    { numRuns: 3000 },
  );
});

test('RFC 8945 §5.1: TSIG anywhere but at the end is a fault of the message', () => {
  const message = signed(key());
  const head = newQueryHead();
  parseQuery(message, message.length, head);
  const record = message.slice(head.tsigAt);
  const twice = new Uint8Array([...message, ...record]);
  twice[11]! += 1;
  parseQuery(twice, twice.length, head);
  expect(head.verdict).toBe(1);
});

test('§5.2.3 BADTIME tells both times, and is signed; BADKEY and BADSIG have no MAC', () => {
  const message = signed(key(), NOW - 1000);
  const verdict = verify(message, [key()]);
  if (verdict.kind !== 'invalid') throw new Error('a message that is too old was taken');
  const out = new Uint8Array(512);
  out.set(message.subarray(0, 12));
  out.fill(0, 4, 12);
  const length = appendTsigError(out, 12, verdict, NOW);
  const record = readTsig(out, 12, length)!;
  expect(record.timeSigned).toBe(NOW - 1000);
  expect([...record.other]).toEqual([0, 0, 0x6b, 0x49, 0xd2, 0x00]);
  out[11]! -= 1;
  expect(record.mac).toEqual(tsigMac(key(), { message: out, length: 12, additional: 0, variables: record, prior: verdict.record.mac }));
  const unknown = verify(message, []);
  if (unknown.kind !== 'invalid') throw new Error('a message of an unknown key was taken');
  out.fill(0, 4);
  const bare = readTsig(out, 12, appendTsigError(out, 12, unknown, NOW))!;
  expect({ error: bare.error, mac: bare.mac.length }).toEqual({ error: TSIG_ERROR.BADKEY, mac: 0 });
});

test('MD5 is known by its names, and not offered', () => {
  expect(isMd5('HMAC-MD5.SIG-ALG.REG.INT.')).toBe(true);
  expect(tsigAlgorithm('hmac-md5')).toBeUndefined();
});
