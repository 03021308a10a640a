/** ALIAS in zone files: exports, imports, zones that come back. */
import { describe, expect, test } from 'vitest';
import { ALIAS_ZONE, ALIAS_ZONE_TEXT, LB, alias, aliasLab } from '../../support/alias-lab.ts';
import { bad, good } from '../../support/temporary-control.ts';

describe('zone files', () => {
  test('an export has the ALIAS as a comment, and an import reads it back with its addresses, also of a removed zone', async () => {
    const made = await aliasLab({ 'lb.test.': LB });
    good(await made.change(alias('@', 'lb.test.')));
    const text = made.exported();
    expect(text).toContain(';@ALIAS example. 300 lb.test.\n');
    expect(text).toContain('example.\t120\tIN\tA\t8.8.8.8\n');
    const again = await made.load('example.', text);
    expect(again.changed).toBe(false);
    good(await made.run({ kind: 'zone.remove', zone: ALIAS_ZONE }));
    made.world['lb.test.'] = 'servfail';
    good(await made.run({ kind: 'zone.restore', zone: ALIAS_ZONE }));
    expect(made.show('example.')).toEqual(['60 8.8.8.8 8.8.8.9 alias', '60 2600::1 alias', '300 lb.test. manual']);
    expect(await made.look()).toBe(1);
  });

  test('a file of PowerDNS has it as a record; fixed addresses beside that are rejected; a file without it takes it away', async () => {
    const made = await aliasLab({ 'lb.test.': LB });
    const given = `${ALIAS_ZONE_TEXT}\n@ 300 IN ALIAS lb.test.\n`;
    expect(
      bad(
        await made.run({
          kind: 'zone.import',
          zone: ALIAS_ZONE,
          text: `${given}@ 300 A 8.8.8.8\n`,
          file: 'x',
          dnssec: true,
        }),
      ),
    ).toMatchObject([{ code: 'ALIAS_CLASH' }, { severity: 'warning' }]);
    await made.load('example.', given);
    await made.look();
    expect(made.show('example.')).toEqual(['120 8.8.8.8 8.8.8.9 alias', '120 2600::1 alias', '300 lb.test. manual']);
    const without = await made.load('example.', ALIAS_ZONE_TEXT);
    expect(without.warnings.map(({ code }) => code)).toContain('ALIAS_REMOVED');
    expect(made.show('example.')).toEqual([]);
  });
});
