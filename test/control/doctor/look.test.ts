/** Whom a check asks: never an address inside that the operator does not allow, whatever the zone says. */
import { expect, test } from 'vitest';
import { formatIpPort } from '#base/address.ts';
import { nameOf } from '#dns/name.ts';
import { checkClient } from '#control/doctor/client.ts';
import { lookAtZone } from '#control/doctor/look.ts';
import { meantFacts } from '#control/doctor/meant.ts';
import { type Resolver } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';
import { temporaryControl } from '../../support/temporary-control.ts';
import { tableResolver } from '../../support/table-resolver.ts';

const TEXT =
  '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\n@ 3600 NS ns.other.test.\nns1 3600 A 192.0.2.1\n';

async function look(table: Resolver) {
  const control = temporaryControl();
  const { writer } = control;
  await control.load('z.example.', TEXT);
  const record = writer.zoneByName(nameOf('z.example.'))!;
  const asked = new Set<string>();
  const ask = (server: Parameters<typeof formatIpPort>[0]) => {
    asked.add(formatIpPort(server));
    return Promise.resolve({ failure: 'does not answer' });
  };
  const { signal } = new AbortController();
  const client = checkClient({ resolver: table, askUdp: ask, askTcp: ask, signal });
  const hosts: string[] = [];
  const note = (host: string) => {
    hosts.push(host);
    return Promise.resolve({ addresses: [] });
  };
  const probes = { mailHost: note, webHost: note, mayAsk: (ip: string) => !ip.startsWith('10.') };
  const facts = await lookAtZone(writer.view(record), meantFacts(writer, record, 0), {
    client,
    probes,
    signal,
    label: 'x',
  });
  return { asked: [...asked].toSorted(), hosts, facts };
}

const table = tableResolver({
  'ns1.z.example': { a: ['193.0.14.1', '10.0.0.1'] },
  'ns.other.test': { a: ['10.0.0.2'] },
  'z.example': { mx: ['10 mx.other.test', '20 in.other.test'] },
  'mx.other.test': { a: ['193.0.14.25'] },
  'in.other.test': { a: ['10.0.0.25'] },
});
const withParent: Resolver = {
  lookup: (name, type) =>
    type === TYPE.NS && name.length === nameOf('example.').length
      ? Promise.resolve({ kind: 'answer', rdatas: [nameOf('ns.other.test.')], ttlSeconds: 60 })
      : table.lookup(name, type),
};

test('addresses inside are neither asked nor connected to: of name servers, of the parent, of mail hosts', async () => {
  const { asked, hosts, facts } = await look(withParent);
  expect(asked).toEqual(['193.0.14.1:53']);
  expect(hosts).toEqual(['mx.other.test']);
  expect(facts.parentDs).toEqual([{ place: 'ns.other.test 10.0.0.2', text: 'no host outside can reach it' }]);
  expect(facts.mail.hosts.map(({ host, inside }) => [host, inside])).toEqual([
    ['mx.other.test.', []],
    ['in.other.test.', ['10.0.0.25']],
  ]);
});

test('it asks outside for our own names too: the store is no witness', async () => {
  await look(withParent);
  for (const question of ['ns1.z.example 1', '_dmarc.z.example 16', 'z.example 257', 'z.example 6'])
    expect(table.asked).toContain(question);
});
