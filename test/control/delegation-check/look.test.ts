/** What the look asks and whom it does not ask; servers are functions, octets are written by hand. */
import { describe, expect, test } from 'vitest';
import { type DelegationLook, lookAtDelegation } from '#control/delegation-check/look.ts';
import { formatIpPort } from '#base/address.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { readReply, writeQuestion } from '#dns/reply.ts';
import { type ResolverAnswer } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';
import { zoneOf } from '../../support/random-zone.ts';

const ZONE = nameOf('z.example.');
const VIEW = zoneOf(
  'z.example.',
  '@ 300 SOA ns1 host 9 3600 600 86400 300\n@ 300 NS ns1\n@ 300 NS NS2.other.test.\n@ 300 NS alias.other.test.\n@ 300 NS inside.other.test.\nns1 300 A 193.0.14.1\n',
);
const ADDRESSES: Readonly<Record<string, readonly number[]>> = {
  'ns1.z.example.': [193, 0, 14, 1],
  'ns2.other.test.': [193, 0, 14, 2],
  'inside.other.test.': [10, 0, 0, 1],
};

/** A reply to the question with these records: owner, type, data. */
function reply(
  type: number,
  flags: number,
  answers: readonly [string, number, Uint8Array][],
  more: readonly [string, number, Uint8Array][] = [],
) {
  const question = writeQuestion(77, ZONE, type);
  const records = [...answers, ...more].map(([owner, rrType, data]) => {
    const fixed = Buffer.alloc(10);
    fixed.writeUInt16BE(rrType, 0);
    fixed.writeUInt16BE(1, 2);
    fixed.writeUInt32BE(300, 4);
    fixed.writeUInt16BE(data.length, 8);
    return Buffer.concat([nameOf(owner), fixed, data]);
  });
  // Behind the header and the question stands the OPT of the question.
  const end = 12 + ZONE.length + 4;
  const octets = Buffer.concat([question.subarray(0, end), ...records, question.subarray(end)]);
  octets.writeUInt16BE(flags, 2);
  octets.writeUInt16BE(answers.length, 6);
  octets.writeUInt16BE(more.length + 1, 10);
  const read = readReply(octets, 77, ZONE, type);
  return read === undefined ? { failure: 'no reply' } : { reply: read, octets: new Uint8Array(octets) };
}

const soa = Buffer.concat([
  nameOf('ns1.z.example.'),
  nameOf('host.z.example.'),
  Buffer.from('0000000900000e1000000258000151800000012c', 'hex'),
]);

function look(more: Partial<DelegationLook> = {}) {
  const asked: string[] = [];
  const ask =
    (transport: string): DelegationLook['askUdp'] =>
    (server, name, type) => {
      asked.push(`${transport} ${formatIpPort(server)} ${formatName(name)} ${type}`);
      if (type === TYPE.SOA) return Promise.resolve(reply(type, 0x8480, [['z.example.', TYPE.SOA, soa]]));
      if (type === TYPE.NS && server.ip === '193.0.14.9')
        return Promise.resolve(reply(type, 0x8000, [], [['ns1.z.example.', TYPE.A, Uint8Array.of(193, 0, 14, 1)]]));
      if (type === TYPE.NS) return Promise.resolve(reply(type, 0x8400, [['z.example.', TYPE.NS, nameOf('NS1.z.example.')]]));
      return Promise.resolve({ failure: 'does not answer' });
    };
  const lookup = (name: Uint8Array, type: number): Promise<ResolverAnswer> => {
    const text = formatName(name);
    if (type === TYPE.CNAME && text === 'alias.other.test.')
      return Promise.resolve({ kind: 'answer', rdatas: [nameOf('ns1.z.example.')], ttlSeconds: 60 });
    const address = ADDRESSES[text];
    if (type === TYPE.A && address !== undefined)
      return Promise.resolve({ kind: 'answer', rdatas: [Uint8Array.from(address)], ttlSeconds: 60 });
    return Promise.resolve({ kind: 'nodata' });
  };
  const given: DelegationLook = {
    resolver: { lookup },
    askUdp: ask('udp'),
    askTcp: ask('tcp'),
    parents: () => Promise.resolve([{ name: 'a.nic. 193.0.14.9', server: { ip: '193.0.14.9', port: 53, family: 4 } }]),
    mayAsk: (ip) => !ip.startsWith('10.'),
    ...more,
  };
  return { asked, given, run: () => lookAtDelegation({ zone: ZONE, view: VIEW, isSigned: true }, given) };
}

describe('whom it asks', () => {
  test('each address by UDP and TCP, at port 53; no alias, and no address inside', async () => {
    const { asked, run } = look();
    const facts = await run();
    expect([...new Set(asked.map((each) => each.split(' ')[1]!))].toSorted()).toEqual(['193.0.14.1:53', '193.0.14.2:53', '193.0.14.9:53']);
    expect(asked.filter((each) => each.startsWith('tcp'))).toEqual([
      `tcp 193.0.14.1:53 z.example. ${TYPE.SOA}`,
      `tcp 193.0.14.2:53 z.example. ${TYPE.SOA}`,
    ]);
    expect(facts.hosts.map(({ host, needsGlue, addresses }) => [host, needsGlue, addresses])).toEqual([
      ['ns1.z.example.', true, ['193.0.14.1']],
      ['ns2.other.test.', false, ['193.0.14.2']],
      ['alias.other.test.', false, []],
      ['inside.other.test.', false, []],
    ]);
    expect(facts.hosts[2]!.why).toMatch(/CNAME/);
    expect(facts.hosts[3]!.inside).toEqual(['10.0.0.1']);
  });

  test('a parent inside is not asked either', async () => {
    const { asked, run } = look({ mayAsk: (ip) => ip === '193.0.14.1' });
    expect((await run()).parent).toEqual([{ place: 'a.nic. 193.0.14.9', said: { failure: expect.stringContaining('not asked') } }]);
    expect(asked.some((each) => each.includes('193.0.14.9'))).toBe(false);
  });
});

describe('what it leaves out is told', () => {
  const lookup: DelegationLook['resolver']['lookup'] = (name, type) => {
    if (type === TYPE.AAAA) return Promise.resolve({ kind: 'timeout' });
    if (type !== TYPE.A || formatName(name) !== 'ns1.z.example.') return Promise.resolve({ kind: 'nodata' });
    const rdatas = [1, 2, 3, 4, 5].map((last) => Uint8Array.of(193, 0, 14, last));
    return Promise.resolve({ kind: 'answer', rdatas: [Uint8Array.of(10, 0, 0, 1), ...rdatas], ttlSeconds: 60 });
  };

  test('addresses inside, past the fourth, and of a family that cannot be looked up', async () => {
    const { run } = look({ resolver: { lookup } });
    const [host] = (await run()).hosts;
    expect(host).toMatchObject({ inside: ['10.0.0.1'], unasked: ['193.0.14.5'], failure: expect.stringMatching(/IPv6.*timeout/) });
    expect(host!.addresses).toHaveLength(4);
  });

  test('name servers past the thirteenth', async () => {
    const names = Array.from({ length: 15 }, (_, at) => `@ 300 NS n${at}.other.test.\n`).join('');
    const view = zoneOf('z.example.', `@ 300 SOA ns1 host 9 3600 600 86400 300\n${names}`);
    const { given } = look();
    const facts = await lookAtDelegation({ zone: ZONE, view, isSigned: true }, given);
    expect([facts.ns.length, facts.hosts.length, facts.nsUnasked?.length]).toEqual([15, 13, 2]);
  });
});

test('what it reads: flags, serial, EDNS, names in lower case, glue of the parent', async () => {
  const { run } = look();
  const { servers, parent, serial, ns } = await run();
  expect([serial, ns]).toEqual([9, ['alias.other.test.', 'inside.other.test.', 'ns1.z.example.', 'ns2.other.test.']]);
  expect(servers[0]).toMatchObject({
    udp: { rcode: 0, isAuthoritative: true, isRecursive: true, hasEdns: true, serial: 9, isSigned: false },
    ns: ['ns1.z.example.'],
    keys: { failure: 'does not answer' },
  });
  expect(parent).toEqual([{ place: 'a.nic. 193.0.14.9', said: { ns: [], glue: { 'ns1.z.example.': ['193.0.14.1'] } } }]);
});
