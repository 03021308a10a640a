/** What a parent makes of CDS and CDNSKEY: the rules one by one, with keys and signatures of the child's own. */
import { describe, expect, test } from 'vitest';
import { checkByEngine } from '#dnssec/algorithm.ts';
import { type ChildAnswer, type SignedRecords, judgeChild } from '#dnssec/delegation/judge-child.ts';
import { CDNSKEY_DELETE, CDS_DELETE, dsRdata } from '#dnssec/ds.ts';
import { type SigningKey, engineKey } from '#dnssec/key.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { CHILD_VERIFICATIONS_MAX } from '#base/limits/dnssec.ts';
import { signedBy } from '../../support/signed-records.ts';

const CHILD = nameOf('kid.test.');
const NOW = 1_800_000_000;
const key = (seed: number): SigningKey => engineKey(new Uint8Array(32).fill(seed));
const [A, B, C] = [key(1), key(2), key(3)] as const;
const NONE: SignedRecords = { ttl: 60, rdatas: [], signatures: [] };
const dsOf = (...keys: readonly SigningKey[]) => keys.map(({ dnskey }) => dsRdata(CHILD, dnskey, 2));

interface Shape {
  /** Keys of DNSKEY, and those that sign it. */
  readonly keys?: readonly SigningKey[];
  readonly signers?: readonly SigningKey[];
  /** Keys that are asked for; a deletion with `cds` and `cdnskey`. */
  readonly asks?: readonly SigningKey[];
  readonly cds?: readonly Uint8Array[];
  readonly cdnskey?: readonly Uint8Array[];
  readonly askSigners?: readonly SigningKey[];
  readonly at?: number;
  readonly place?: string;
}

/** What a server says: a rollover from A to B, unless asked otherwise. */
function answer(shape: Shape = {}): ChildAnswer {
  const { keys = [A, B], signers = keys, asks = [B], askSigners = signers, at = NOW, place = 'ns 192.0.2.1' } = shape;
  const { cds = dsOf(...asks), cdnskey = asks.map(({ dnskey }) => dnskey) } = shape;
  const signed = (type: RrType, rdatas: readonly Uint8Array[], by: readonly SigningKey[]): SignedRecords =>
    rdatas.length === 0 ? NONE : signedBy({ owner: CHILD, type, ttl: 60, rdatas }, by, at);
  return {
    place,
    cds: signed(TYPE.CDS, cds, askSigners),
    cdnskey: signed(TYPE.CDNSKEY, cdnskey, askSigners),
    dnskey: signed(
      TYPE.DNSKEY,
      keys.map(({ dnskey }) => dnskey),
      signers,
    ),
  };
}

const judge = (answers: readonly ChildAnswer[], ds = dsOf(A), takenInception?: number) =>
  judgeChild({ child: CHILD, ds, answers, nowSeconds: NOW, takenInception });

describe('what is taken', () => {
  test('RFC 7344 §4.1: a new key, asked for by one that the DS names', () => {
    expect(judge([answer()])).toMatchObject({ kind: 'change', ds: dsOf(B) });
  });
  test('RFC 7344 §4: CDNSKEY alone makes SHA-256 digests, CDS alone is taken as it is', () => {
    expect(judge([answer({ cds: [] })])).toMatchObject({ kind: 'change', ds: dsOf(B) });
    const sha384 = [dsRdata(CHILD, B.dnskey, 4)];
    expect(judge([answer({ cds: sha384, cdnskey: [] })])).toMatchObject({ kind: 'change', ds: sha384 });
  });
  test('RFC 8078 §4: a deletion', () => {
    expect(judge([answer({ cds: [CDS_DELETE], cdnskey: [CDNSKEY_DELETE] })])).toMatchObject({ kind: 'change', ds: [] });
  });
  test('RFC 9615: without a DS it is a first one', () => {
    expect(judge([answer({ keys: [A], asks: [A] })], [])).toMatchObject({ kind: 'first', ds: dsOf(A) });
  });
  test('nothing asked for, and what is there already', () => {
    expect(judge([answer({ asks: [] })])).toMatchObject({ kind: 'none' });
    expect(judge([answer({ asks: [A] })])).toMatchObject({ kind: 'same' });
    expect(judge([answer({ cds: [CDS_DELETE], cdnskey: [CDNSKEY_DELETE] })], [])).toMatchObject({ kind: 'same' });
  });
});

describe('what is held', () => {
  const other = { place: 'ns 192.0.2.2' };
  test.for<[string, readonly ChildAnswer[], RegExp]>([
    [
      'RFC 9975 §3.1: one server asks for another key',
      [answer(), answer({ asks: [A], ...other })],
      /192\.0\.2\.2 has other CDS/,
    ],
    [
      'RFC 9975 §3.1: one server has no CDNSKEY',
      [answer(), answer({ cdnskey: [], ...other })],
      /192\.0\.2\.2 has other CDNSKEY/,
    ],
    ['RFC 7344 §4: CDS and CDNSKEY of different keys', [answer({ cdnskey: [A.dnskey] })], /not about the same keys/],
    [
      'RFC 7344 §4.1: signed by a key that the DS does not name',
      [answer({ askSigners: [B] })],
      /CDS is not signed by a key/,
    ],
    [
      'RFC 4035 §5.2: DNSKEY is not signed by the key of the DS',
      [answer({ signers: [B] })],
      /DNSKEY is not signed by a key/,
    ],
    ['a DNSKEY RRset without the key of the DS', [answer({ keys: [B] })], /no DNSKEY is one that the DS names/],
    ['RFC 7344 §4.1: a key that is not in DNSKEY', [answer({ asks: [C] })], /would break the delegation/],
    ['RFC 7344 §4.1: a key that does not sign DNSKEY', [answer({ signers: [A] })], /would break the delegation/],
    ['RFC 8078 §4: a deletion beside a key', [answer({ cds: [CDS_DELETE, ...dsOf(B)] })], /does not stand alone/],
    [
      'RFC 9905: SHA-1 only',
      [answer({ cds: [Uint8Array.of(1, 2, 13, 1, ...new Uint8Array(20))] })],
      /no digest of type 2 or 4/,
    ],
    ['signatures of another time', [answer({ at: NOW - 90 * 86_400 })], /DNSKEY is not signed by a key/],
    ['no server', [], /no name server/],
  ])('%s', ([, answers, why]) => {
    expect(judge(answers)).toEqual({ kind: 'held', text: expect.stringMatching(why) as string });
  });

  test('RFC 7344 §6.2: a request that is older than the one that was taken last', () => {
    const inception = (judge([answer()]) as { inception: number }).inception;
    expect(judge([answer()], dsOf(A), inception)).toMatchObject({ kind: 'change' });
    expect(judge([answer()], dsOf(A), inception + 1)).toMatchObject({ kind: 'held' });
  });

  test('more records than are looked at', () => {
    const many = Array.from({ length: 17 }, (_, at) => Uint8Array.of(0, at, 13, 2, ...new Uint8Array(32)));
    expect(judge([answer({ cds: many, cdnskey: [] })])).toMatchObject({ kind: 'held' });
  });
});

test('KeyTrap (CVE-2023-50387): at most so many signatures are checked, whatever the servers send', () => {
  let checks = 0;
  const good = answer();
  const trap = good.dnskey.signatures.flatMap((rrsig) =>
    Array.from({ length: 24 }, (_, at) => {
      const forged = Uint8Array.from(rrsig);
      forged[forged.length - 1]! ^= at + 1;
      return forged;
    }),
  );
  const answers = Array.from({ length: 26 }, (_, at) => ({
    ...good,
    place: `ns ${at}`,
    dnskey: { ...good.dnskey, signatures: trap },
  }));
  const verdict = judgeChild({
    child: CHILD,
    ds: dsOf(A, B),
    answers,
    nowSeconds: NOW,
    check: (...one) => {
      checks += 1;
      return checkByEngine(...one);
    },
  });
  expect(verdict).toMatchObject({ kind: 'held', text: expect.stringContaining('more than 16 signatures') as string });
  expect(checks).toBeLessThanOrEqual(CHILD_VERIFICATIONS_MAX);
});
