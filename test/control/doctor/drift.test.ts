/** RFC 1034 §4.3.5: a serial stands for one content of a zone; with the same serial, other records are others'. */
import { expect, test } from 'vitest';
import { judgeDrift } from '#control/doctor/drift.ts';
import { type MeantFacts, type ServedFacts, type ServedReply } from '#control/doctor/facts.ts';
import { nameOf } from '#dns/name.ts';
import { parseRdataText } from '#dns/registry.ts';
import { RCODE, TYPE, type RrType } from '#dns/types.ts';

const ZONE = nameOf('z.example.');

function rdataOf(type: RrType, text: string): Uint8Array {
  const read = parseRdataText(type, text, ZONE);
  if (!read.ok) throw new Error(text);
  return read.value;
}

const answer = (type: RrType, ...texts: readonly string[]): ServedReply => ({
  rcode: RCODE.NOERROR,
  isAuthoritative: true,
  records: texts.map((text) => ({ section: 'answer', owner: ZONE, type, ttl: 60, rdata: rdataOf(type, text) })),
});
const SILENT: ServedReply = { failure: 'does not answer' };

const meant = (more: Partial<MeantFacts> = {}): MeantFacts => ({
  ...{
    zone: ZONE,
    isSigned: false,
    serial: 7,
    otherSerials: [],
    keys: [],
    refreshSeconds: 0,
    selectors: [],
    isCut: false,
  },
  rrsets: [{ owner: ZONE, type: TYPE.MX, rdatas: [rdataOf(TYPE.MX, '10 mx')] }],
  ...more,
});
const served = (serial: number, ...rrsets: readonly ServedReply[]): ServedFacts => ({
  ...{ host: 'ns2.test.', ip: '192.0.2.2', keys: SILENT, missing: { name: ZONE, reply: SILENT } },
  soa: answer(TYPE.SOA, `ns host ${serial} 1 2 3 4`),
  rrsets,
});
const judge = (facts: MeantFacts, ...servers: readonly ServedFacts[]) =>
  judgeDrift({ meant: facts, served: servers }).map(({ verdict, evidence }) => `${verdict}: ${evidence}`);

test('the same records, in any case of names, are ours', () => {
  expect(judge(meant(), served(7, answer(TYPE.MX, '10 MX.Z.example.')))).toEqual([
    'passed: 1 RRsets at 1 name servers are those of the zone here',
  ]);
});

test('what is more and what is missing is said', () => {
  expect(judge(meant(), served(7, answer(TYPE.MX, '5 evil.test.')))).toEqual([
    'failed: z.example. MX with the same serial has 5 evil.test. and lacks 10 mx.z.example.',
  ]);
});

test('a server with another serial, or one that is silent, tells nothing', () => {
  const none = ['not_tested: no name server with the serial of the zone here could be compared'];
  expect(judge(meant(), served(6, answer(TYPE.MX, '5 evil.test.')))).toEqual(none);
  expect(judge(meant(), { ...served(7), soa: SILENT })).toEqual(none);
  expect(judge(meant(), served(7, SILENT))).toEqual(none);
});

test('when the zone changed during the look, a difference may be of either version', () => {
  const facts = meant({ otherSerials: [8] });
  expect(judge(facts, served(7, answer(TYPE.MX, '20 mx2')))).toEqual([
    'not_tested: the zone changed during the check, so records were not compared',
  ]);
  expect(judge(facts, served(7, answer(TYPE.MX, '10 mx')))).toEqual([
    'passed: 1 RRsets at 1 name servers are those of the zone here',
  ]);
  // An older version is none of these.
  expect(judge(meant({ otherSerials: [6] }), served(7, answer(TYPE.MX, '20 mx2')))[0]).toMatch(/^failed/);
});
