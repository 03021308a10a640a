/** CAA records and what they let a CA do: RFC 8659, RFC 8657. */
import { describe, expect, test } from 'vitest';
import { caaObjection } from '#certificate/caa.ts';
import { ROOT } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { TYPE } from '#dns/types.ts';

const ACCOUNT = 'https://ca.example/acct/1';

function objection(records: readonly string[], identities: readonly string[] = ['ca.example'], accountUrl?: string) {
  return objectionOf(records, { identities, ...(accountUrl === undefined ? {} : { accountUrl }) });
}

function objectionOf(records: readonly string[], request: Parameters<typeof caaObjection>[1]) {
  const rdatas = records.map((text) => {
    const parsed = parseRecordData(TYPE.CAA, text, ROOT);
    if (!parsed.ok) throw new Error(`${text}: ${parsed.problems[0]!.message}`);
    return parsed.value;
  });
  return caaObjection(rdatas, request);
}

const good = (what: string, ...given: Parameters<typeof objection>) =>
  test(`CAA: ${what}`, () => expect(objection(...given)).toBeUndefined());
const bad = (what: string, text: string, ...given: Parameters<typeof objection>) =>
  test(`CAA: ${what}`, () => expect(objection(...given)).toContain(text));

describe('RFC 8659 §4.2: issue', () => {
  good('no records', []);
  good('the CA by its name, in any case', ['0 issue "CA.Example"']);
  good('one of several', ['0 issue "other.example"', '0 issue "ca.example"']);
  good('one of the names of the CA', ['0 issue "pki.example"'], ['ca.example', 'pki.example']);
  good('other properties alone say nothing about issue', ['0 iodef "mailto:security@example.com"']);
  good('a CA that has no name cannot be compared', ['0 issue "other.example"'], []);
  bad('another CA', 'CAA allows "other.example", and the CA is ca.example', ['0 issue "other.example"']);
  bad('nobody', 'CAA allows ";"', ['0 issue ";"']);
  // RFC 8659 §4.3: issuewild is about wildcards, and issue about everything else.
  good('issuewild forbids wildcards only', ['0 issuewild ";"']);
});

describe('RFC 8659 §4.3: issuewild', () => {
  const wildcard = (...records: readonly string[]) => objectionOf(records, { identities: ['ca.example'], isWildcard: true });
  test('of a wildcard it counts in place of issue', () => {
    expect(wildcard('0 issue "ca.example"', '0 issuewild ";"')).toContain('CAA allows ";"');
    expect(wildcard('0 issue ";"', '0 issuewild "ca.example"')).toBeUndefined();
  });
  test('without it issue counts', () => {
    expect(wildcard('0 issue ";"')).toContain('CAA allows ";"');
    expect(wildcard('0 issue "ca.example"')).toBeUndefined();
  });
});

test('RFC 8657 §4: of a certificate that others ordered the method is not known', () => {
  const records = ['0 issue "ca.example; validationmethods=http-01"'];
  expect(objectionOf(records, { identities: ['ca.example'], isOfOthers: true })).toBeUndefined();
  expect(objectionOf(['0 issue ";"'], { identities: ['ca.example'], isOfOthers: true })).toContain('CAA allows ";"');
});

describe('RFC 8659 §4.1: critical', () => {
  bad('an unknown critical property stops every CA', 'critical CAA property "tbs"', ['128 tbs "Unknown"', '0 issue "ca.example"']);
  good('an unknown property that is not critical', ['0 tbs "Unknown"', '0 issue "ca.example"']);
  good('a known critical property', ['128 issue "ca.example"']);
});

describe('RFC 8657: parameters', () => {
  good('§3: our account', [`0 issue "ca.example; accounturi=${ACCOUNT}"`], ['ca.example'], ACCOUNT);
  good('§3: before there is an account the CA says so itself', [`0 issue "ca.example; accounturi=${ACCOUNT}"`]);
  bad(
    '§3: another account',
    'ours is https://ca.example/acct/1',
    ['0 issue "ca.example; accounturi=https://ca.example/acct/2"'],
    ['ca.example'],
    ACCOUNT,
  );
  good('§4: our method among others', ['0 issue "ca.example; validationmethods=http-01,dns-01"']);
  bad('§4: another method', 'this server uses dns-01', ['0 issue "ca.example; validationmethods=http-01"']);
});

test('records that are no CAA in wire form are not taken into account', () => {
  expect(
    caaObjection([new Uint8Array(), Uint8Array.of(0), Uint8Array.of(0, 0), Uint8Array.of(0, 9, 1)], { identities: ['ca.example'] }),
  ).toBeUndefined();
});
