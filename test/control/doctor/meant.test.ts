/** What the zone here says, as far as it is compared with what is seen outside. */
import { expect, test } from 'vitest';
import { CHECK_COMPARED_MAX, CHECK_FOLLOW_MS } from '#base/limits/outside.ts';
import { meantFacts } from '#control/doctor/meant.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { good, temporaryControl } from '../../support/temporary-control.ts';

const HEAD = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n';

async function meant(text: string, options: { readonly dnssec?: boolean } = {}) {
  const control = temporaryControl();
  const { writer } = control;
  await control.load('z.example.', HEAD + text, options);
  const facts = meantFacts(writer, writer.zoneByName(nameOf('z.example.'))!, control.clock.nowMs());
  const count = (owner: string, type: string): number | undefined =>
    facts.rrsets.find((each) => formatName(each.owner) === owner && typeName(each.type) === type)?.rdatas.length;
  return { facts, count };
}

test('keys of a signed zone, and none of another', async () => {
  const signed = await meant('');
  expect([signed.facts.isSigned, signed.facts.keys.length, signed.facts.serial]).toEqual([true, 1, 10]);
  expect(signed.facts.refreshSeconds).toBe(7 * 86_400);
  const plain = await meant('', { dnssec: false });
  expect([plain.facts.isSigned, plain.facts.keys]).toEqual([false, []]);
});

test('selectors with a key and aliases; revoked ones and the wildcard are none', async () => {
  const { facts } = await meant(
    's1._domainkey 60 TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="\n' +
      'old._domainkey 60 TXT "v=DKIM1; p="\nesp._domainkey 60 CNAME k1.esp.test.\n*._domainkey 60 TXT "v=DKIM1; p="\n' +
      'a.b._domainkey 60 TXT "broken"\n',
  );
  expect(facts.selectors.map(({ selector, text }) => [selector, text?.slice(0, 6)])).toEqual([
    ['a.b', 'broken'],
    ['esp', undefined],
    ['s1', 'v=DKIM'],
  ]);
});

test('RRsets that are there, that are not, and that come out of a wildcard (RFC 4592 §3.3.1)', async () => {
  const { count } = await meant('@ 60 MX 10 mx1\nmx1 60 A 192.0.2.2\n*.z.example. 60 TXT "any"\nwww 60 CNAME mx1\n');
  expect(count('z.example.', 'MX')).toBe(1);
  expect(count('z.example.', 'CAA')).toBe(0);
  expect(count('mx1.z.example.', 'A')).toBe(1);
  expect(count('_dmarc.z.example.', 'TXT')).toBe(1);
  // Records of others: behind an alias.
  expect(count('www.z.example.', 'A')).toBeUndefined();
});

test('what is below a delegation is not compared', async () => {
  const { count } = await meant('_dmarc 60 NS ns.other.test.\n');
  expect(count('_dmarc.z.example.', 'TXT')).toBeUndefined();
});

test('not more than so many', async () => {
  const many = Array.from({ length: 30 }, (_, at) => `s${at}._domainkey 60 TXT "v=DKIM1; k=ed25519; p=x"\n`).join('');
  const { facts } = await meant(many);
  expect([facts.rrsets.length, facts.isCut]).toEqual([CHECK_COMPARED_MAX, true]);
});

test('versions that the zone left less than two minutes ago: secondaries may have them still', async () => {
  const control = temporaryControl();
  const { writer, clock } = control;
  await control.load('z.example.', HEAD, { dnssec: false });
  const change = async (address: string): Promise<void> => {
    const operations = [{ op: 'set', name: 'www', type: 'A', ttl: 60, records: [address] }] as const;
    good(await control.run({ kind: 'rrsets.change', zone: nameOf('z.example.'), operations }));
  };
  const now = () => {
    const { serial, otherSerials } = meantFacts(writer, writer.zoneByName(nameOf('z.example.'))!, clock.nowMs());
    return [serial, ...otherSerials];
  };
  clock.pass(CHECK_FOLLOW_MS);
  expect(now()).toEqual([10]);
  await change('192.0.2.7');
  clock.pass(CHECK_FOLLOW_MS / 2);
  await change('192.0.2.8');
  expect(now()).toEqual([12, 11, 10]);
  clock.pass(CHECK_FOLLOW_MS / 2);
  expect(now()).toEqual([12, 11]);
  clock.pass(CHECK_FOLLOW_MS / 2);
  expect(now()).toEqual([12]);
});
