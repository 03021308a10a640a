/** Trees of includes and redirects, and what they cost. */
import { describe, expect, test } from 'vitest';
import { drawSpfTree } from '#mail/spf/draw.ts';
import { treeWith } from '../../support/mail/spf-world.ts';

describe('RFC 7208 §4.6.4: the tree', () => {
  test('costs with all that is below, drawn', async () => {
    expect(drawSpfTree(await treeWith())).toBe(
      [
        'example.com: 10 look-ups, 1 void, 142 octets of TXT with the name',
        '├─ mx                                            1',
        '├─ a:www.example.com                             1  finds nothing for IPv6 clients',
        '├─ include:_spf.mailer.example                   4',
        '│  ├─ include:_a.mailer.example                  1',
        '│  │  ├─ ip4:198.51.100.0/24',
        '│  │  └─ ~all',
        '│  ├─ include:_b.mailer.example                  2',
        '│  │  ├─ ip4:203.0.113.0/24',
        '│  │  ├─ a:gone.mailer.example                   1  finds nothing',
        '│  │  └─ ~all',
        '│  └─ ~all',
        '├─ include:crm.example                           4',
        '│  ├─ exists:%{i}.spf.crm.example                1  may find nothing',
        '│  └─ redirect=_spf.%{d}                         2',
        '│     ├─ ptr                                     1  may find nothing',
        '│     └─ -all',
        '├─ ip4:192.0.2.1 … ip6:2001:db8::1 (3 networks)',
        '└─ -all',
      ].join('\n'),
    );
  });

  test('as plain data', async () => {
    const found = await treeWith();
    expect(found).toMatchObject({ state: 'record', lookups: 10, voids: 1, voidsIpv4: 3, voidsIpv6: 4 });
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });

  test('what stands behind all is not counted, nor a redirect beside it (§5.1, §6.1)', async () => {
    expect(await treeWith({ 'example.com': { txt: ['v=spf1 a redirect=crm.example -all mx mx'] } })).toMatchObject({ lookups: 1 });
  });

  test('circles, records that are none, names that depend on the message', async () => {
    const found = await treeWith({
      'example.com': {
        txt: [
          'v=spf1 include:b.example include:none.example include:two.example include:bad.example include:%{l}.example include:slow.example -all',
        ],
      },
      'b.example': { txt: ['v=spf1 include:EXAMPLE.com -all'] },
      'two.example': { txt: ['v=spf1 -all', 'v=spf1 +all'] },
      'bad.example': { txt: ['v=spf1 moo -all'] },
      'slow.example': { timeout: true },
    });
    expect(found.branches.map(({ below }) => below?.state)).toEqual([
      'record',
      'none',
      'multiple',
      'malformed',
      'dynamic',
      'unresolved',
      undefined,
    ]);
    expect(found.branches[0]?.below?.branches[0]?.below?.state).toBe('loop');
    expect(found.lookups).toBeGreaterThan(10);
    expect(drawSpfTree(found)).toContain('a circle: costs more than 10 look-ups');
  });

  test('includes that fan out without end are cut off', async () => {
    const fan = Object.fromEntries(
      Array.from({ length: 12 }, (_, at) => [
        `f${at}.example`,
        { txt: [`v=spf1 include:f${at + 1}.example include:f${at + 1}.example -all`] },
      ]),
    );
    const started = performance.now();
    const found = await treeWith({ ...fan, 'example.com': { txt: ['v=spf1 include:f0.example -all'] } });
    expect(found.lookups).toBeGreaterThan(90);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
