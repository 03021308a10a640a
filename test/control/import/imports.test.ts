/** Large imports, made ready beside other changes: what comes of them is what comes of an import in its turn. */
import { describe, expect, test } from 'vitest';
import { type RunOptions } from '#control/api/control.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { rrsetOf } from '#zone/view.ts';
import { importsHere } from '../../support/import-here.ts';
import { type TestControl, TEST_ACTOR, bad, good, temporaryControl } from '../../support/temporary-control.ts';
import { TEST_KEK } from '../../support/temporary-store.ts';

const ZONE = nameOf('example.com.');
const OTHER = nameOf('other.example.');

/** A zone file with a line that stands for `hosts` names. How many is not seen at a glance, so it is read apart. */
function file(hosts: number, address = 'A 192.0.2.$'): string {
  return `
@ 3600 SOA ns1 host 10 7200 900 1209600 900
@ 3600 NS ns1
ns1 3600 A 192.0.2.1
$GENERATE (1-${hosts}) h$ 3600 ${address}
`;
}

const order = (text: string, more: object = {}) =>
  ({ kind: 'zone.import', zone: ZONE, text, file: 'a.zone', dnssec: true, ...more }) as const;

/** What is published of the zone, without what is random in it. */
function published({ writer }: TestControl, zone = ZONE) {
  const record = writer.zoneByName(zone);
  if (record === undefined) return undefined;
  const nodes = [...writer.view(record).ascend(writer.view(record).apexKey)].map(({ key, rrsets }) => [
    key,
    rrsets
      .filter(({ type }) => type !== TYPE.DNSKEY && type !== TYPE.CDS && type !== TYPE.CDNSKEY)
      .map(({ signatures, ...rest }) => ({ ...rest, signatures: signatures.length })),
  ]);
  const { serial, dnssec, nodeCount, denial } = record;
  return { serial, dnssec, nodeCount, denial, keys: record.keys.length, nodes };
}

/** Not of a key, which is random. */
const isFixed = (line: string) => !/ IN (CDS|CDNSKEY) /.test(line);

const setWww = { op: 'set', name: 'www', type: 'A', ttl: 60, records: ['192.0.2.9'] } as const;

describe('the same as in its turn', () => {
  const steps: readonly (readonly [string, readonly (readonly [string, object])[]])[] = [
    ['a new zone', [[file(40), {}]]],
    ['a new unsigned zone', [[file(40), { dnssec: false }]]],
    ['a new zone with NSEC3', [[file(40), { denial: 'nsec3' }]]],
    [
      'a zone that is there: names come, change and go',
      [
        [file(40), {}],
        [file(50, 'A 192.0.2.77'), {}],
        [file(5), {}],
      ],
    ],
    [
      'the same file again',
      [
        [file(40), {}],
        [file(40), {}],
      ],
    ],
    ['an ALIAS that an export has as a comment', [[`${file(5)};@ALIAS @ 300 target.example.\n`, {}]]],
    ['a file with faults', [[`${file(5)}h1 3600 CNAME @\nbad..name A 192.0.2.1\n`, {}]]],
    ['more records than the sender may bring', [[file(40), { bounds: { recordsMax: 10, generatedMax: 1000 } }]]],
  ];

  test.each(steps)('%s', async (_what, imports) => {
    const here = importsHere();
    const apart = temporaryControl(here);
    const inTurn = temporaryControl();
    for (const [text, more] of imports) {
      const results = await Promise.all([apart, inTurn].map((room) => room.run(order(text, more))));
      const [one, other] = results.map((result) =>
        result.ok
          ? { ...result.value, revision: 0, changeset: { ...result.value.changeset, added: [], deleted: [], omitted: 0 } }
          : result.problems,
      );
      expect(one).toEqual(other);
      expect(published(apart)).toEqual(published(inTurn));
    }
    expect(here.requests).toHaveLength(imports.length);
    expect(here.requests.length).toBeGreaterThan(0);
    const entries = [apart, inTurn].map(({ writer }) =>
      writer.audit(100).map(({ generation: _generation, hash: _hash, changes, ...entry }) => ({
        ...entry,
        // Digests of what is random are others.
        changes: changes?.map(({ omitted, before, after, ...each }) => ({
          ...each,
          before: before?.filter(isFixed),
          after: after?.filter(isFixed),
          omitted: omitted && { ...omitted, sizeBytes: 0, sha256: '' },
        })),
      })),
    );
    expect(entries[0]).toEqual(entries[1]);
  });

  test('a dry run writes nothing and says the same', async () => {
    const here = importsHere();
    const room = temporaryControl(here);
    const outcome = good(await room.run(order(file(40)), { dryRun: true }));
    expect(outcome).toMatchObject({ changed: true, created: true, dryRun: true, serial: 10 });
    expect(outcome.changeset.added.length).toBeGreaterThan(40);
    expect(published(room)).toBeUndefined();
    expect(room.writer.nextZoneId()).toBe(1);
  });
});

describe('keys', () => {
  test('a new key is sealed under the key-encryption key, and signs the next change', async () => {
    const room = temporaryControl(importsHere());
    good(await room.run(order(file(10))));
    const again = temporaryControl({ in: (await closed(room)).dir });
    good(await again.run({ kind: 'rrsets.change', zone: ZONE, operations: [setWww] }));
    expect(published(again)?.keys).toBe(1);
  });

  test('the process gets the keys of the zone alone, and not the key-encryption key', async () => {
    const here = importsHere();
    const room = temporaryControl(here);
    await room.load('other.example.', file(1).replace(/\$GENERATE.*/, ''));
    good(await room.run(order(file(10))));
    good(await room.run(order(file(11))));
    const [first, second] = here.requests;
    expect(first!.secrets.size).toBe(0);
    const [key] = room.writer.zoneByName(ZONE)!.keys;
    expect([...second!.secrets.keys()]).toEqual([key!.id]);
    const all = Buffer.from(
      JSON.stringify(second, (_name, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value instanceof Map ? [...value] : value,
      ),
    );
    expect(all.includes(Buffer.from(TEST_KEK).toString('hex'))).toBe(false);
    expect(Buffer.from(second!.sessionKey).equals(Buffer.from(first!.sessionKey))).toBe(false);
  });

  test('a removed zone gets its key again', async () => {
    const room = temporaryControl(importsHere());
    good(await room.run(order(file(10))));
    const before = room.writer.zoneByName(ZONE)!.keys;
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    const { warnings } = good(await room.run(order(file(10))));
    expect(warnings.map(({ code }) => code)).toContain('ZONE_TAKEN_BACK');
    expect(room.writer.zoneByName(ZONE)!.keys).toEqual(before);
    good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [setWww] }));
  });
});

describe('beside other changes', () => {
  /** A room in which the import of `text` is under way until `go`. */
  function waiting(options: { readonly importWaitMs?: number } = {}) {
    const begun = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    let each: () => unknown = () => undefined;
    const here = importsHere(async () => {
      begun.resolve();
      await gone.promise;
      await each();
    });
    const room = temporaryControl({ ...here, ...options });
    return { here, room, begun: begun.promise, go: () => gone.resolve(), onEach: (what: () => unknown) => (each = what) };
  }

  test('changes of other zones are made meanwhile; another of the zone waits for its end', async () => {
    const { room, begun, go } = waiting();
    await room.load('other.example.', file(1).replace(/\$GENERATE.*/, ''));
    const imported = room.run(order(file(30)));
    await begun;
    good(await room.run({ kind: 'rrsets.change', zone: OTHER, operations: [setWww] }));
    // A zone that is made meanwhile does not make the import stale.
    await room.load('third.example.', file(1).replace(/\$GENERATE.*/, ''));
    const after = room.run({ kind: 'rrsets.change', zone: ZONE, operations: [setWww] });
    go();
    const { revision } = good(await imported);
    expect(good(await after).revision).toBeGreaterThan(revision);
    expect(room.writer.zones().map(({ id, name }) => [name, id])).toEqual([
      ['example.com.', 2],
      ['other.example.', 1],
      ['third.example.', 3],
    ]);
  });

  test('a change of the zone that waits too long is turned away; upkeep does not wait', async () => {
    const { room, begun, go, here } = waiting({ importWaitMs: 20 });
    await room.load('example.com.', file(3).replace(/\$GENERATE.*/, ''));
    const imported = room.run(order(file(30)));
    await begun;
    const change = { kind: 'rrsets.change', zone: ZONE, operations: [setWww] } as const;
    const [why] = bad(await room.run(change));
    expect(why).toMatchObject({ code: 'IMPORT_UNDER_WAY', message: expect.stringContaining('an import of example.com. is under way') });
    good(await room.run(change, { actor: { kind: 'system', id: 'upkeep', from: '' } }));
    go();
    // Upkeep has changed the zone: the import is made again, on the zone as it is now.
    good(await imported);
    expect(here.requests).toHaveLength(2);
    const record = room.writer.zoneByName(ZONE)!;
    const view = room.writer.view(record);
    expect(
      rrsetOf(
        [...view.ascend(view.apexKey)].find(({ key }) => key.includes('www')),
        TYPE.A,
      ),
    ).toBeUndefined();
  });

  test('a zone that changes under every try is left as it is', async () => {
    const { room, go, here, onEach } = waiting();
    await room.load('example.com.', file(3).replace(/\$GENERATE.*/, ''));
    let last = 0;
    onEach(async () => {
      const records = [`192.0.2.${++last}`];
      const operations = [{ ...setWww, records }];
      good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations }, { actor: { kind: 'system', id: 'upkeep', from: '' } }));
    });
    go();
    const before = await room.run(order(file(30)));
    expect(bad(before)).toMatchObject([{ code: 'IMPORT_OVERTAKEN' }]);
    expect(here.requests).toHaveLength(3);
    expect(published(room)?.nodeCount).toBe(3);
  });

  test('a process that fails: the zone is as it was, the problem says so', async () => {
    const room = temporaryControl({ runImport: () => Promise.reject(new Error('its process has ended early (SIGKILL)')) });
    const [why] = bad(await room.run(order(file(30))));
    expect(why).toMatchObject({ code: 'IMPORT_FAILED', message: expect.stringMatching(/SIGKILL.*nothing was changed/) });
    expect(published(room)).toBeUndefined();
    // It is not held any more.
    expect(bad(await room.run({ kind: 'zone.remove', zone: ZONE }))).toMatchObject([{ code: 'ZONE_NOT_FOUND' }]);
  });

  test('a client that goes ends it', async () => {
    const here = importsHere(
      (_request, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('it was stopped')))),
    );
    const room = temporaryControl(here);
    const gone = new AbortController();
    const imported = room.run(order(file(30)), { signal: gone.signal });
    await Promise.resolve();
    setTimeout(() => gone.abort(), 5);
    expect(bad(await imported)).toMatchObject([{ code: 'IMPORT_FAILED', message: expect.stringContaining('it was stopped') }]);
    expect(published(room)).toBeUndefined();
  });

  test('conditions are looked at before the work, and again in the turn', async () => {
    const { room, begun, go, here } = waiting();
    await room.load('example.com.', file(3).replace(/\$GENERATE.*/, ''));
    const revision = room.writer.zoneByName(ZONE)!.revision;
    const options: Partial<RunOptions> = { ifRevision: revision - 1 };
    expect(bad(await room.run(order(file(30)), options))).toMatchObject([{ code: 'PRECONDITION' }]);
    expect(here.requests).toHaveLength(0);
    const imported = room.run(order(file(30)), { ifRevision: revision });
    await begun;
    good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [setWww] }, { actor: { kind: 'system', id: 'x', from: '' } }));
    go();
    expect(bad(await imported)).toMatchObject([{ code: 'PRECONDITION' }]);
    expect(published(room)?.nodeCount).toBe(3);
  });

  test('the parent here is changed with it only by who may', async () => {
    for (const mayChange of [() => false, () => true]) {
      const room = temporaryControl(importsHere());
      await room.load('com.', file(1).replace(/\$GENERATE.*/, ''), { parent: 'ignore' });
      const result = await room.run(order(file(10), { parent: 'delegate' }), { actor: { ...TEST_ACTOR, kind: 'token' }, mayChange });
      const parent = room.writer.zoneByName(nameOf('com.'))!;
      const ds = rrsetOf(
        [...room.writer.view(parent).ascend(room.writer.view(parent).apexKey)].find(({ key }) => key.includes('example')),
        TYPE.DS,
      );
      expect([result.ok, ds !== undefined]).toEqual([mayChange(), mayChange()]);
    }
  });
});

async function closed(room: TestControl): Promise<TestControl> {
  await room.control.close();
  return room;
}

test.each([
  ['a short file', file(3).replace(/\$GENERATE.*/, ''), false],
  ['few by $GENERATE', file(3).replace(/\(1-3\)/, '1-1999'), false],
  ['many by $GENERATE', file(3).replace(/\(1-3\)/, '1-2000'), true],
  ['many by $generate', file(3).replace(/\$GENERATE \(1-3\)/, '$generate 1-2000'), true],
  ['many by several lines', file(3).replace(/\$GENERATE.*/, '$GENERATE 1-999 a$ A 192.0.2.1\n$GENERATE 1-1001 b$ A 192.0.2.1'), true],
  ['a quoted range', file(3).replace(/\(1-3\)/, '"1-9"'), true],
  ['a long file', `${file(3).replace(/\$GENERATE.*/, '')};${'x'.repeat(64 * 1024)}\n`, true],
])('%s has a process of its own, or not', async (_what, text, isApart) => {
  const here = importsHere();
  await temporaryControl(here).run(order(text, { dnssec: false }));
  expect(here.requests).toHaveLength(isApart ? 1 : 0);
});
