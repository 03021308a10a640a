/** What is read of the names under an id without making anything of them. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { longestTtlOf } from '#store/upkeep/nodes-under.ts';
import { good, temporaryControl } from '../../support/temporary-control.ts';

test('RFC 7583 §3.2.1: the longest TTL of a zone is that of any of its RRsets, of no other zone, and follows its changes', async () => {
  const room = temporaryControl();
  const HEAD = '@ 300 SOA ns1 host 10 7200 900 1209600 300\n@ 300 NS ns1\nns1 60 A 192.0.2.1\n';
  await room.load('a.test.', `${HEAD}www 7200 TXT "x"\nwww 60 A 192.0.2.1\n`, { dnssec: false });
  await room.load('b.test.', `${HEAD}www 86400 A 192.0.2.1\n`, { dnssec: false });
  const longest = (zone: string) => longestTtlOf(room.writer, room.writer.zoneByName(nameOf(zone))!.id);
  expect([longest('a.test.'), longest('b.test.')]).toEqual([7200, 86_400]);
  const zone = nameOf('a.test.');
  const change = { op: 'delete', name: 'www', type: 'TXT' } as const;
  good(await room.run({ kind: 'rrsets.change', zone, operations: [change] }));
  expect(longest('a.test.')).toBe(300);
});
