/** A new zone below or above one that is served here: nothing becomes bogus or hidden without a word. */
import { describe, expect, test } from 'vitest';
import { type ParentCare, type RunOptions } from '#control/api/control.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { verifyStore } from '#store/verify.ts';
import { rrsetOf } from '#zone/view.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const HEAD = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n';
const CHILD = `${HEAD}www 3600 A 192.0.2.2\n`;

async function under(parentText: string, dnssec = true): Promise<TestControl> {
  const room = temporaryControl();
  await room.load('b.test.', `${HEAD}${parentText}`, { dnssec });
  return room;
}

function child(room: TestControl, parent?: ParentCare, options: Partial<RunOptions> & { readonly dnssec?: boolean } = {}) {
  const { dnssec = true, ...run } = options;
  const care = parent === undefined ? {} : { parent };
  return room.run({ kind: 'zone.import', zone: nameOf('x.b.test.'), text: CHILD, file: 'x', dnssec, ...care }, run);
}

function records({ control }: TestControl, owner: string, type: RrType): string[] {
  const rrset = rrsetOf(control.zones.view(control.zones.find(nameOf('b.test.'))!).node(ownerKey(nameOf(owner))), type);
  return (rrset?.rdatas ?? []).map((rdata) => formatRdata(type, rdata));
}

describe('RFC 4035 §5.2: below a signed zone without NS for it', () => {
  test('a new zone is rejected, with both ways out; nothing is made', async () => {
    const room = await under('');
    const [problem] = bad(await child(room));
    expect(problem).toMatchObject({ code: 'ZONE_PARENT', message: expect.stringContaining('forgery') });
    expect(problem!.fix).toMatch(/--delegate.*--ignore-parent/);
    expect(room.control.zones.find(nameOf('x.b.test.'))).toBeUndefined();
    // zone.create is the same kind.
    const create = { kind: 'zone.create', zone: nameOf('y.b.test.'), dnssec: false } as const;
    expect(bad(await room.run(create))[0]?.code).toBe('ZONE_PARENT');
  });

  test('delegate: NS, glue and the DS of the key that was made go into the parent in the same transaction', async () => {
    const room = await under('');
    const made = good(await child(room, 'delegate'));
    expect(made.elsewhere?.map(({ zone }) => zone)).toEqual(['b.test.']);
    expect(room.control.zones.find(nameOf('b.test.'))!.revision).toBe(made.revision);
    expect(records(room, 'x.b.test.', TYPE.NS)).toEqual(['ns1.x.b.test.']);
    expect(records(room, 'ns1.x.b.test.', TYPE.A)).toEqual(['192.0.2.1']);
    const ds = room.control.zones.ds(room.control.zones.find(nameOf('x.b.test.'))!).find(({ digestType }) => digestType === 2)!;
    expect(records(room, 'x.b.test.', TYPE.DS)).toEqual([`${ds.keyTag} ${ds.algorithm} 2 ${ds.digest}`]);
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('delegate of an unsigned zone: no DS', async () => {
    const room = await under('');
    good(await child(room, 'delegate', { dnssec: false }));
    expect([records(room, 'x.b.test.', TYPE.NS).length, records(room, 'x.b.test.', TYPE.DS)]).toEqual([1, []]);
  });

  test('delegate needs a right to the parent', async () => {
    const room = await under('');
    const token = { actor: { kind: 'token', id: 't1', from: '' }, mayChange: () => false } as const;
    const before = room.control.zones.find(nameOf('b.test.'));
    const [problem] = bad(await child(room, 'delegate', token));
    expect(problem!.message).toContain('a right to the zone b.test.');
    expect(room.control.zones.find(nameOf('b.test.'))).toEqual(before);
  });

  test('ignore: the zone is made, and the warning says what is wrong', async () => {
    const room = await under('');
    expect(good(await child(room, 'ignore')).warnings).toMatchObject([{ code: 'ZONE_PARENT', severity: 'warning' }]);
    expect(room.control.zones.find(nameOf('x.b.test.'))).toBeDefined();
  });

  test('a dry run says the same and writes nothing', async () => {
    const room = await under('');
    expect(bad(await child(room, 'check', { dryRun: true }))[0]?.code).toBe('ZONE_PARENT');
    expect(good(await child(room, 'delegate', { dryRun: true })).elsewhere).toHaveLength(1);
    expect(room.control.zones.list()).toHaveLength(1);
  });
});

describe('records of the parent that a new zone would hide', () => {
  test.each([true, false])('are named, and stop it (parent signed: %s)', async (signed) => {
    const room = await under('mail.x 3600 A 192.0.2.9\nx 300 TXT "kept"\n', signed);
    const [problem] = bad(await child(room));
    expect(problem).toMatchObject({
      code: 'ZONE_PARENT',
      message: expect.stringContaining('x.b.test. TXT, mail.x.b.test. A'),
    });
    expect(bad(await child(room, 'delegate'))[0]!.message).toContain('mail.x.b.test. A');
  });

  test('not those that the new zone has too', async () => {
    const room = await under('www.x 3600 A 192.0.2.2\n', false);
    expect(good(await child(room)).warnings).toMatchObject([{ code: 'ZONE_PARENT' }]);
  });

  test('many are cut in the message, and it says so', async () => {
    const lines = Array.from({ length: 30 }, (_, index) => `h${index}.x 60 A 192.0.2.9`);
    const room = await under(lines.join('\n'), false);
    expect(bad(await child(room))[0]!.message).toMatch(/ and more$/);
  });
});

describe('a parent that has NS for it', () => {
  const NS = 'x 3600 NS ns1.x\nns1.x 3600 A 192.0.2.1\n';

  test('without DS: made, with a warning that it is taken for unsigned', async () => {
    expect(good(await child(await under(NS))).warnings).toMatchObject([{ code: 'ZONE_PARENT_DS' }]);
    expect(good(await child(await under(NS), 'check', { dnssec: false })).warnings).toEqual([]);
    expect(good(await child(await under(NS, false))).warnings).toEqual([]);
  });

  test('with the DS of another key: bogus at once, so it is rejected; delegate replaces the DS', async () => {
    const foreign = `1 13 2 ${'00'.repeat(32)}`;
    const room = await under(`${NS}x 3600 DS ${foreign}\n`);
    expect(bad(await child(room))[0]).toMatchObject({ code: 'ZONE_PARENT', message: expect.stringContaining('bogus') });
    expect(bad(await child(room, 'check', { dnssec: false }))[0]!.message).toContain('would not be signed');
    good(await child(room, 'delegate'));
    expect(records(room, 'x.b.test.', TYPE.DS)).not.toContain(foreign);
  });

  test('a cut above it: the zone belongs to the zone of another server', async () => {
    const room = await under(NS);
    const deep = { kind: 'zone.import', zone: nameOf('deep.x.b.test.'), text: HEAD, file: 'x', dnssec: true } as const;
    expect(good(await room.run(deep)).warnings).toEqual([]);
  });
});

test('removing a zone says what the zone above still has for it', async () => {
  const room = await under('');
  good(await child(room, 'delegate'));
  const { warnings } = good(await room.run({ kind: 'zone.remove', zone: nameOf('x.b.test.') }));
  expect(warnings).toContainEqual(
    expect.objectContaining({
      code: 'ZONE_PARENT',
      message: 'the zone b.test., served here, still has NS and DS for x.b.test.',
      fix: 'waxseal rrset delete b.test. x.b.test. NS; waxseal rrset delete b.test. x.b.test. DS',
    }),
  );
});

describe('a new zone above one that is served here', () => {
  function load(room: TestControl, text: string, parent?: ParentCare) {
    const care = parent === undefined ? {} : { parent };
    return room.run({ kind: 'zone.import', zone: nameOf('b.test.'), text: `${HEAD}${text}`, file: 'b', dnssec: true, ...care });
  }

  test('without NS for it is rejected; with NS it is made', async () => {
    const room = temporaryControl();
    await room.load('x.b.test.', CHILD);
    expect(bad(await load(room, ''))[0]).toMatchObject({
      code: 'ZONE_CHILD',
      message: expect.stringContaining('x.b.test.'),
    });
    expect(good(await load(room, '', 'ignore')).warnings).toMatchObject([{ code: 'ZONE_CHILD' }]);
    good(await room.run({ kind: 'zone.remove', zone: nameOf('b.test.') }));
    good(await load(room, 'x 3600 NS ns1.x\nns1.x 3600 A 192.0.2.1\n'));
  });

  test('asks only for the nearest ones below', async () => {
    const room = temporaryControl();
    await room.load('x.b.test.', `${CHILD}y 3600 NS ns1.y\nns1.y 3600 A 192.0.2.1\n`);
    await room.load('y.x.b.test.', HEAD);
    const messages = bad(await load(room, '')).map(({ message }) => message);
    expect(messages).toEqual([expect.stringContaining('the zone x.b.test.')]);
  });
});
