/** The control room: every kind of command, what it refuses, what it leaves behind. The store and the signer are the real ones. */
import { inBody } from '#base/place.ts';
import { describe, expect, test } from 'vitest';
import { type RrsetOperation } from '#control/api/control.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { checkByReference } from '#dnssec/algorithm.ts';
import { verifyNodes } from '#dnssec/verify.ts';
import { nodeFlags, occlusion } from '#zone/node-flags.ts';
import { rrsetOf } from '#zone/view.ts';
import { bad, good, temporaryControl } from '../support/temporary-control.ts';
import { TEST_NOW_MS } from '../support/temporary-store.ts';

const ZONE = nameOf('example.');
const TEXT = `
@ 3600 SOA ns1 host 10 7200 900 1209600 300
@ 3600 NS ns1
ns1 3600 A 192.0.2.1
www 300 A 192.0.2.2
*.wild 300 TXT "w"
sub 3600 NS ns.sub
ns.sub 3600 A 192.0.2.3
`;
const DAY_MS = 86_400_000;

const change = (...operations: RrsetOperation[]) => ({ kind: 'rrsets.change', zone: ZONE, operations }) as const;
const setA = (name: string, address: string) => ({ op: 'set', name, type: 'A', ttl: 60, records: [address] }) as const;

/** Everything wrong with the stored zone's signatures and chain, by the reference implementation. */
function faults({ control, clock }: ReturnType<typeof temporaryControl>): unknown[] {
  const record = control.zones.find(ZONE)!;
  const view = control.zones.view(record);
  const below = occlusion(view);
  const nodes = [...view.ascend(view.apexKey)].map((node) => ({ node, flags: nodeFlags(node, view.apexKey, below(node.key)) }));
  const dnskeys = record.keys.map(({ dnskey }) => new Uint8Array(Buffer.from(dnskey, 'base64')));
  return verifyNodes(ZONE, nodes, dnskeys, { nowSeconds: clock.nowMs() / 1000, check: checkByReference, view });
}

describe('zone.import', () => {
  test('a new zone is signed from its first transaction, with one key, and told to the workers', async () => {
    const room = temporaryControl();
    const outcome = await room.load('example.', TEXT);
    expect(outcome).toMatchObject({ zone: 'example.', serial: 10, changed: true, created: true, revision: 1 });
    expect(room.control.zones.find(ZONE)).toMatchObject({ dnssec: 'on', serial: 10, keys: [{ flags: 257, algorithm: 13 }] });
    expect(faults(room)).toEqual([]);
    // That of the start may have gone out just before: then this one waits for its turn.
    await expect.poll(() => room.sent.at(-1)).toEqual({ kind: 'generation', generation: 1 });
  });

  test('dnssec off: no key, no NSEC', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT, { dnssec: false });
    expect(room.control.zones.find(ZONE)).toMatchObject({ dnssec: 'off', keys: [] });
    const apex = room.control.zones.view(room.control.zones.find(ZONE)!).node(ownerKey(ZONE));
    expect(rrsetOf(apex, TYPE.NSEC)).toBeUndefined();
  });

  test('the same file again changes nothing; a file with less deletes; RFC 1982: an older serial is counted up with a warning', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    expect(await room.load('example.', TEXT)).toMatchObject({ changed: false, serial: 10, revision: 1 });
    const less = await room.load('example.', TEXT.replace(' 10 7200', ' 9 7200').replace(/www.*\n/, ''));
    expect(less).toMatchObject({ changed: true, serial: 11 });
    expect(less.warnings.map(({ code }) => code)).toContain('ZONE_SERIAL');
    expect(less.changeset.deleted).toContain('www.example. 300 IN A 192.0.2.2');
    expect(faults(room)).toEqual([]);
    expect(await room.load('example.', TEXT.replace(' 10 7200', ' 500 7200'))).toMatchObject({ serial: 500 });
  });

  test('errors are all told, with their place, and nothing is stored', async () => {
    const room = temporaryControl();
    const problems = bad(
      await room.run({ kind: 'zone.import', zone: ZONE, text: `${TEXT}\nwww CNAME ns1\nx A 1.2.3\n`, file: 'x.zone', dnssec: true }),
    );
    expect(problems.map(({ code }) => code)).toEqual(expect.arrayContaining(['CNAME_OTHER_DATA']));
    expect(problems.map(({ at }) => at)).toContainEqual(expect.objectContaining({ kind: 'file', file: 'x.zone', line: 11 }));
    expect(room.control.zones.list()).toEqual([]);
  });
});

describe('rrsets.change', () => {
  test('signs only what it touches', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    const outcome = good(await room.run(change(setA('new', '192.0.2.9'))));
    expect(outcome).toMatchObject({ serial: 11, changed: true });
    const covered = outcome.changeset.added
      .filter((line) => line.includes(' IN RRSIG '))
      .map((line) => line.split(' ').slice(0, 5).join(' '));
    // SOA; the new A and its NSEC; the NSEC before it.
    expect(covered.toSorted()).toEqual(
      [
        'example. 3600 IN RRSIG SOA',
        'new.example. 300 IN RRSIG NSEC',
        'new.example. 60 IN RRSIG A',
        'example. 300 IN RRSIG NSEC',
      ].toSorted(),
    );
    expect(faults(room)).toEqual([]);
  });

  test('atomic: one bad operation, nothing changed, every problem with its pointer', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    const problems = bad(
      await room.run(
        change(
          setA('good', '192.0.2.9'),
          setA('bad', '192.0.2.999'),
          { op: 'set', name: 'x', type: 'NOPE', ttl: 1, records: ['1'] },
          setA('out.test.', '192.0.2.1'),
        ),
      ),
    );
    expect(problems.map(({ at }) => at)).toEqual([inBody('/1/records/0'), inBody('/2/type'), inBody('/3/name')]);
    expect(room.control.zones.find(ZONE)?.serial).toBe(10);
  });

  test('later operations see earlier ones; add and remove work on single records', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    const add = { op: 'add', name: 'www', type: 'A', records: ['192.0.2.7', '192.0.2.8'] } as const;
    const remove = { op: 'remove', name: 'www', type: 'A', records: ['192.0.2.2', '192.0.2.8'] } as const;
    good(await room.run(change(add, remove)));
    const view = room.control.zones.view(room.control.zones.find(ZONE)!);
    const www = rrsetOf(view.node(ownerKey(nameOf('www.example.'))), TYPE.A);
    expect(www?.rdatas).toEqual([new Uint8Array([192, 0, 2, 7])]);
    expect(www?.ttl).toBe(300);
  });

  test.each([
    [{ op: 'delete', name: '@', type: 'SOA' }, 'SOA_MISSING'],
    [{ op: 'delete', name: '@', type: 'NS' }, 'NS_MISSING'],
    [{ op: 'set', name: 'www', type: 'CNAME', ttl: 60, records: ['ns1'] }, 'CNAME_OTHER_DATA'],
    [{ op: 'set', name: 'www', type: 'SOA', ttl: 60, records: ['a b 1 2 3 4 5'] }, 'SOA_PLACE'],
    [{ op: 'set', name: '@', type: 'DNSKEY', ttl: 60, records: ['257 3 13 AAAA'] }, 'RRSET_MANAGED'],
    [{ op: 'set', name: 'www', type: 'NSEC', ttl: 60, records: ['a. A'] }, 'RRSET_MANAGED'],
    [{ op: 'set', name: 'www', type: 'ANY', ttl: 60, records: ['1'] }, 'TYPE_META'],
    [{ op: 'set', name: 'new', type: 'A', records: ['192.0.2.1'] }, 'TTL_MISSING'],
    [{ op: 'set', name: 'new', type: 'A', ttl: -1, records: ['192.0.2.1'] }, 'TTL_RANGE'],
    [{ op: 'set', name: 'new', type: 'A', ttl: 60, records: [] }, 'RECORDS_MISSING'],
    [
      { op: 'set', name: 'many', type: 'A', ttl: 60, records: Array.from({ length: 1001 }, (_, at) => `10.0.${at >> 8}.${at & 255}`) },
      'RRSET_RECORDS_LIMIT',
    ],
  ] satisfies [RrsetOperation, string][])('%j is refused: %s', async (operation, code) => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    expect(bad(await room.run(change(operation))).map((each) => each.code)).toContain(code);
    expect(room.control.zones.find(ZONE)?.serial).toBe(10);
  });

  test('a dry run gives the same changeset and writes nothing', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    const plan = good(await room.run(change(setA('new', '192.0.2.9')), { dryRun: true }));
    expect(plan).toMatchObject({ dryRun: true, changed: true, serial: 11 });
    expect(room.control.zones.find(ZONE)).toMatchObject({ serial: 10, revision: 1 });
    const done = good(await room.run(change(setA('new', '192.0.2.9'))));
    const unsigned = (lines: readonly string[]) => lines.filter((line) => !line.includes(' RRSIG '));
    expect(unsigned(done.changeset.added)).toEqual(unsigned(plan.changeset.added));
  });

  test('an occluding delegation unsigns what is below; removing it signs it again (RFC 4035 §2.2)', async () => {
    const room = temporaryControl();
    await room.load('example.', `${TEXT}a.deep 60 A 192.0.2.4\n`);
    const cut = good(await room.run(change({ op: 'set', name: 'deep', type: 'NS', ttl: 60, records: ['ns1'] })));
    expect(cut.warnings.map(({ code }) => code)).toContain('DATA_OCCLUDED');
    expect(faults(room)).toEqual([]);
    good(await room.run(change({ op: 'delete', name: 'deep', type: 'NS' })));
    expect(faults(room)).toEqual([]);
  });

  test('two changes at once are both done, one after the other', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    const outcomes = await Promise.all([room.run(change(setA('a', '192.0.2.9'))), room.run(change(setA('b', '192.0.2.9')))]);
    expect(outcomes.map((each) => good(each).serial)).toEqual([11, 12]);
    expect(faults(room)).toEqual([]);
  });
});

describe('the other commands', () => {
  test('zone.create makes a signed zone with SOA and NS, once', async () => {
    const room = temporaryControl();
    expect(good(await room.run({ kind: 'zone.create', zone: ZONE, dnssec: true }))).toMatchObject({ created: true, serial: 1 });
    expect(faults(room)).toEqual([]);
    expect(bad(await room.run({ kind: 'zone.create', zone: ZONE, dnssec: true }))[0]?.code).toBe('ZONE_EXISTS');
  });

  test('zone.remove takes everything with it, the keys too', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    const { id, keys } = room.control.zones.find(ZONE)!;
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    expect(room.control.zones.find(ZONE)).toBeUndefined();
    expect(room.writer.sealedSecret(id, keys[0]!.id)).toBeUndefined();
    expect(bad(await room.run({ kind: 'zone.remove', zone: ZONE }))[0]?.code).toBe('ZONE_NOT_FOUND');
  });

  test('zone.revert undoes a change with a new serial', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    good(await room.run(change({ op: 'delete', name: 'www', type: 'A' }, setA('new', '192.0.2.9'))));
    good(await room.run({ kind: 'zone.revert', zone: ZONE, serial: 11 }));
    const view = room.control.zones.view(room.control.zones.find(ZONE)!);
    expect(view.node(ownerKey(nameOf('www.example.')))).toBeDefined();
    expect(view.node(ownerKey(nameOf('new.example.')))).toBeUndefined();
    expect(room.control.zones.find(ZONE)?.serial).toBe(12);
    expect(faults(room)).toEqual([]);
  });

  test('zone.dnssec: off needs force, removes every trace; on makes a new key', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    expect(bad(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: false }))[0]?.code).toBe('DNSSEC_DS_PRESENT');
    const off = good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: false, force: true }));
    expect(off.changeset.deleted.some((line) => line.includes(' DNSKEY '))).toBe(true);
    const view = room.control.zones.view(room.control.zones.find(ZONE)!);
    for (const node of view.ascend(view.apexKey)) for (const rrset of node.rrsets) expect(rrset.signatures).toEqual([]);
    good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: true }));
    expect(faults(room)).toEqual([]);
  });

  test('If-Match: another revision is refused inside the serial writer', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    expect(bad(await room.run(change(setA('a', '192.0.2.9')), { ifRevision: 7 }))[0]?.code).toBe('PRECONDITION');
    expect(good(await room.run(change(setA('a', '192.0.2.9')), { ifRevision: 1 })).serial).toBe(11);
  });

  test('journal and audit log tell what was done, newest first; the audit chain holds', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    good(await room.run(change(setA('a', '192.0.2.9'))));
    const record = room.control.zones.find(ZONE)!;
    expect((await room.control.zones.changes(record, 10)).map(({ changeset }) => changeset.toSerial)).toEqual([11, 10]);
    expect(room.control.audit.entries(10).map(({ action }) => action)).toEqual(['rrsets.change', 'zone.import']);
    expect(room.control.audit.verify()).toEqual({ entries: 2, from: 1 });
  });
});

describe('a store that fails', () => {
  test('no room: the change is refused as a problem, the zone stays, later changes work', async () => {
    let freeBytes = 1e12;
    const room = temporaryControl({ space: () => ({ freeBytes, totalBytes: 1e12, reserveBytes: 1e6, state: 'good' }) as never });
    await room.load('example.', TEXT);
    freeBytes = 0;
    expect(bad(await room.run(change(setA('a', '192.0.2.9'))))[0]?.code).toBe('STORE_FULL');
    expect(room.control.zones.find(ZONE)?.serial).toBe(10);
    freeBytes = 1e12;
    expect(good(await room.run(change(setA('a', '192.0.2.9')))).serial).toBe(11);
    expect(room.fatal).toEqual([]);
  });
});

describe('signature refresh', () => {
  test('nothing to do while there is time; then every signature is renewed before it ends, and the serial moves', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    const sweep = () => room.control.refreshable.refreshSlice(ZONE, ownerKey(ZONE), 1000);
    room.clock.pass(4 * DAY_MS);
    expect(good(await sweep())).toEqual({ renewed: 0, next: undefined, endsAt: expect.any(Number) });
    for (let day = 5; day <= 60; day++) {
      room.clock.pass(DAY_MS);
      good(await sweep());
      expect(faults(room)).toEqual([]);
    }
    expect(room.control.zones.find(ZONE)!.serial).toBeGreaterThan(15);
  });

  test('a sweep in slices reaches the whole zone', async () => {
    const room = temporaryControl();
    await room.load('example.', TEXT);
    room.clock.pass(8 * DAY_MS);
    let slices = 0;
    for (let from: string | undefined = ownerKey(ZONE); from !== undefined; slices++)
      from = good(await room.control.refreshable.refreshSlice(ZONE, from, 2)).next;
    expect(slices).toBeGreaterThan(2);
    expect(good(await room.control.refreshable.refreshSlice(ZONE, ownerKey(ZONE), 1000)).renewed).toBe(0);
    expect(faults(room)).toEqual([]);
  });
});

describe('tokens', () => {
  test('a token works until it is revoked or expires; a wrong secret never', async () => {
    const room = temporaryControl();
    const actor = { kind: 'socket', id: 'test', from: '' } as const;
    const { info, secret } = good(
      await room.control.tokens.create({ name: 'ci', scopes: ['zone:example.'], expiresAtMs: TEST_NOW_MS + 1000 }, actor),
    );
    expect(room.control.tokens.authenticate(secret, '')).toEqual(info);
    expect(
      room.control.tokens.authenticate(
        secret.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
        '',
      ),
    ).not.toHaveProperty('id');
    expect(JSON.stringify(room.control.tokens.list())).not.toContain(secret.slice(21));
    room.clock.set(TEST_NOW_MS + 1000);
    expect(room.control.tokens.authenticate(secret, '')).not.toHaveProperty('id');
    room.clock.set(TEST_NOW_MS);
    good(await room.control.tokens.revoke(info.id, actor));
    expect(room.control.tokens.authenticate(secret, '')).not.toHaveProperty('id');
    expect(bad(await room.control.tokens.revoke(info.id, actor))).toMatchObject([{ code: 'TOKEN_NOT_FOUND' }]);
  });
});
