/** RFC 9615 §4.2: what counts as validated, and that every name server outside of the child must agree. */
import { expect, test } from 'vitest';
import { type SignalCheckOptions, signalCheck } from '#control/delegation/signal-check.ts';
import { type ChildAnswer } from '#dnssec/delegation/judge-child.ts';
import { type Reply } from '#dns/reply.ts';
import { nameOf } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { markCopied } from '../../support/delegation-control.ts';
import { temporaryControl } from '../../support/temporary-control.ts';

const CHILD = nameOf('kid.test.');
const HOSTS = [nameOf('a.op.example.'), nameOf('ns.kid.test.')];
const CDS = Uint8Array.of(1, 2, 13, 2, ...new Uint8Array(32));
const KEY = Uint8Array.of(1, 1, 3, 13, ...new Uint8Array(64));
const set = (rdata: Uint8Array) => ({ ttl: 60, rdatas: [rdata], signatures: [] });
const ANSWER: ChildAnswer = { place: 'a', cds: set(CDS), cdnskey: set(KEY), dnskey: set(KEY) };

const reply = (rdata: Uint8Array, more: Partial<Reply> = {}): { readonly reply: Reply } => ({
  reply: {
    rcode: 0,
    isAuthoritative: false,
    isTruncated: false,
    isValidated: true,
    records: [{ ttl: 60, rdata }],
    count: 1,
    ...more,
  },
});

function check(validated: SignalCheckOptions['validated'], hosts = HOSTS) {
  const { writer } = temporaryControl();
  return signalCheck({ writer, validated })(CHILD, hosts, ANSWER);
}

test('a resolver on this machine that has validated both: sure', async () => {
  const asked: number[] = [];
  const sure = await check((_name, type) => {
    asked.push(type);
    return Promise.resolve(reply(type === TYPE.CDS ? CDS : KEY));
  });
  expect(sure).toBeUndefined();
  // The host within the child proves nothing, and is not asked about.
  expect(asked).toEqual([TYPE.CDS, TYPE.CDNSKEY]);
});

test.for<[string, SignalCheckOptions['validated'], RegExp]>([
  ['no resolver', undefined, /no resolver on this machine validates/],
  ['no AD', () => Promise.resolve(reply(CDS, { isValidated: false })), /is not signed/],
  ['another record', () => Promise.resolve(reply(KEY)), /is not what the child has/],
  ['none', () => Promise.resolve(reply(CDS, { records: [], count: 0 })), /is not what the child has/],
  ['SERVFAIL', () => Promise.resolve(reply(CDS, { rcode: 2 })), /nothing that validates/],
  ['too many', () => Promise.resolve(reply(CDS, { count: 500 })), /more records than are looked at/],
  ['no answer', () => Promise.resolve({ failure: 'does not answer' }), /does not answer/],
])('%s: not sure, and the reason names the signal', async ([, validated, why]) => {
  const unsure = await check(validated);
  expect(unsure).toMatch(why);
  expect(unsure).toContain('_dsboot.kid.test._signal.a.op.example. CDS');
});

test('without a name server outside of the child there is no one to vouch for it', async () => {
  expect(await check(() => Promise.resolve(reply(CDS)), [HOSTS[1]!])).toMatch(/no name server outside of it/);
});

test('RFC 9615 §4.2: records of a signed zone of ours count, those of a copy are for the resolver to validate', async () => {
  const room = temporaryControl();
  const { writer } = room;
  const signal = '_dsboot.kid.test._signal.a';
  const records = `${signal} 60 CDS ${formatRdata(TYPE.CDS, CDS)}\n${signal} 60 CDNSKEY ${formatRdata(TYPE.CDNSKEY, KEY)}\n`;
  await room.load('op.example.', `@ 60 SOA a host 1 3600 600 86400 60\n@ 60 NS a\na 60 A 192.0.2.1\n${records}`);
  const look = () => signalCheck({ writer, validated: undefined })(CHILD, HOSTS, ANSWER);
  expect(await look()).toBeUndefined();
  markCopied(writer, 'op.example.');
  expect(await look()).toMatch(/no resolver on this machine validates/);
});
