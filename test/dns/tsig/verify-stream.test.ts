/** Signed streams, made by hand from RFC 8945 §4.3: what a client takes, and what it does not. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TsigStreamVerifier } from '#dns/tsig/verify-stream.ts';
import { TYPE } from '#dns/types.ts';
import { readKeys } from '#transfer/grants.ts';
import { HandSigner, message } from '../../support/transfer-messages.ts';
import { testKey } from '../../support/transfer-server.ts';

const NOW = 1_800_000_000;
const TEXT = testKey('k.example.');
const KEY = readKeys([TEXT]).find(nameOf('k.example.'))!;
const SECRET = Buffer.from(TEXT.secret, 'base64');
const REQUEST = Buffer.alloc(32, 7);
const plain = () => message({ id: 1, type: TYPE.AXFR, lines: [] });

/** Where the TSIG record of a message without other records begins. */
const at = plain().length;

function stream() {
  return { signer: new HandSigner('k.example.', SECRET, REQUEST), verifier: new TsigStreamVerifier(KEY, REQUEST) };
}

test('RFC 8945 §5.3.1: 99 messages in a row may be unsigned, and the next one signs them all', () => {
  const { signer, verifier } = stream();
  expect(verifier.take(signer.sign(plain(), NOW), at, NOW)).toBeUndefined();
  for (let each = 0; each < 99; each++) expect(verifier.take(signer.skip(plain()), 0, NOW)).toBeUndefined();
  expect(verifier.isSigned).toBe(false);
  expect(verifier.take(signer.sign(plain(), NOW), at, NOW)).toBeUndefined();
  expect(verifier.isSigned).toBe(true);
});

test('facts X2: the 100th in a row without a signature is not taken', () => {
  const { signer, verifier } = stream();
  expect(verifier.take(signer.sign(plain(), NOW), at, NOW)).toBeUndefined();
  for (let each = 0; each < 99; each++) expect(verifier.take(signer.skip(plain()), 0, NOW)).toBeUndefined();
  expect(verifier.take(signer.skip(plain()), 0, NOW)).toMatch(/too many messages without a signature/);
});

test('the first without a signature, and one that was left out', () => {
  const { signer, verifier } = stream();
  expect(verifier.take(plain(), 0, NOW)).toMatch(/without a signature/);
  expect(verifier.take(signer.sign(plain(), NOW), at, NOW)).toBeUndefined();
  signer.skip(plain());
  expect(verifier.take(signer.sign(plain(), NOW), at, NOW)).toMatch(/a signature that is wrong/);
});

test('§5.2.3: the clock; §5.4: errors of the server; octets that are no TSIG record', () => {
  expect(stream().verifier.take(stream().signer.sign(plain(), NOW), at, NOW + 300)).toBeUndefined();
  expect(stream().verifier.take(stream().signer.sign(plain(), NOW), at, NOW + 301)).toMatch(/differs by 301 s/);
  const bad = stream().signer.sign(plain(), NOW);
  // The error field is four octets before the end: two of error, two of the length of other data.
  bad.writeUInt16BE(17, bad.length - 4);
  expect(stream().verifier.take(bad, at, NOW)).toMatch(/answers BADKEY \(it does not know the key/);
  const other = new HandSigner('other.example.', SECRET, REQUEST).sign(plain(), NOW);
  expect(stream().verifier.take(other, at, NOW)).toMatch(/signs with another key/);
  expect(stream().verifier.take(other.subarray(0, other.length - 1), at, NOW)).toMatch(/malformed TSIG/);
});
