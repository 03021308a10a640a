/** Versions of a zone, what lies between them, and the way back: one change or all since a version. */
import { describe, expect, test } from 'vitest';
import { formatName, nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { formatRrset } from '#zone/changeset-text.ts';
import { isSignerType, rrsetOf } from '#zone/view.ts';
import { type RunOptions } from '#control/api/control.ts';
import { type VersionAsked } from '#control/api/history.ts';
import {
  MAIL_ZONE_TEXT,
  type TestControlOptions,
  bad,
  good,
  temporaryControl,
} from '../../support/temporary-control.ts';

const ZONE = nameOf('example.com.');
const serial = (value: number): VersionAsked => ({ kind: 'serial', serial: value });

async function bench(options: TestControlOptions = {}, dnssec = false) {
  const made = temporaryControl(options);
  await made.load('example.com.', MAIL_ZONE_TEXT, { dnssec });
  const { control, writer } = made;
  const record = () => writer.zoneByName(ZONE)!;
  const run = (...asked: Parameters<typeof made.run>) => made.run(...asked);
  const set = async (name: string, records: readonly string[], type = 'A') =>
    good(await run({ kind: 'rrsets.change', zone: ZONE, operations: [{ op: 'set', name, type, ttl: 60, records }] }));
  const remove = async (name: string, type = 'A') =>
    good(await run({ kind: 'rrsets.change', zone: ZONE, operations: [{ op: 'delete', name, type }] }));
  const rollBack = (to: VersionAsked, more: Partial<RunOptions> = {}) =>
    run({ kind: 'zone.rollback', zone: ZONE, to }, more);
  const diff = (from: VersionAsked, to?: VersionAsked) => control.zones.difference(record(), from, to, {});
  const lines = async (from: VersionAsked, to?: VersionAsked) => {
    const { deleted, added } = good(await diff(from, to)).changeset;
    const own = (each: string) => !each.includes(' SOA ');
    return [...deleted.filter(own).map((each) => `- ${each}`), ...added.filter(own).map((each) => `+ ${each}`)];
  };
  /** All records but the SOA and those that signing makes. */
  const text = () => {
    const view = control.zones.view(record());
    const nodes = [...view.ascend(view.apexKey)];
    const isSigned = record().dnssec === 'on';
    const all = nodes.flatMap(({ key, owner, rrsets }) =>
      rrsets
        .filter(({ type }) => type !== TYPE.SOA && !isSignerType(type, isSigned, key === view.apexKey))
        .flatMap((each) => formatRrset({ owner, ...each })),
    );
    return all.join('\n');
  };
  return { ...made, control, writer, record, run, set, remove, rollBack, diff, lines, text };
}

describe('diff', () => {
  test('of two versions is the net of what lies between, in both directions', async () => {
    const { set, remove, lines, record } = await bench();
    await set('www', ['192.0.2.7']);
    await set('gone', ['192.0.2.9']);
    await remove('gone');
    const { serial: last } = await set('www', ['192.0.2.8']);
    expect(await lines(serial(10))).toEqual(['+ www.example.com. 60 IN A 192.0.2.8']);
    expect(await lines(serial(11), serial(last))).toEqual([
      '- www.example.com. 60 IN A 192.0.2.7',
      '+ www.example.com. 60 IN A 192.0.2.8',
    ]);
    expect(await lines(serial(last), serial(10))).toEqual(['- www.example.com. 60 IN A 192.0.2.8']);
    expect(await lines({ kind: 'revision', revision: record().revision })).toEqual([]);
    expect(await lines(serial(12), serial(12))).toEqual([]);
  });

  test('a version that the journal does not have: how far it reaches, and where older ones are', async () => {
    const { diff } = await bench();
    const [problem] = bad(await diff(serial(9)));
    expect(problem).toMatchObject({ code: 'VERSION_NOT_KEPT', fix: expect.stringContaining('backups') });
    expect(problem!.message).toBe(
      'the journal of example.com. begins with the zone at serial 10, and has no version with serial 9',
    );
    expect(bad(await diff(serial(0))).map(({ code }) => code)).toEqual(['VERSION_NOT_KEPT']);
    expect(bad(await diff({ kind: 'revision', revision: 99 })).map(({ code }) => code)).toEqual(['VERSION_NOT_KEPT']);
  });

  test('beyond a pruned journal: the version before the oldest change is the last one that is known', async () => {
    const { set, diff, lines } = await bench({ journal: { entries: 2, bytes: 1e6, changesetBytes: 1e6 } });
    for (let octet = 1; octet <= 5; octet++) await set('www', [`192.0.2.${octet}`]);
    expect(await lines(serial(13))).toEqual([
      '- www.example.com. 60 IN A 192.0.2.3',
      '+ www.example.com. 60 IN A 192.0.2.5',
    ]);
    expect(bad(await diff(serial(12)))[0]!.message).toContain('reaches back to serial 13, 2 changes ago');
  });

  test('over a change that was too large for the journal nothing is compared; on either side of it all is', async () => {
    const { set, diff, lines } = await bench({ journal: { entries: 100, bytes: 1e6, changesetBytes: 1000 } });
    await set('www', ['192.0.2.1']);
    await set(
      'many',
      Array.from({ length: 250 }, (_, at) => `192.0.2.${at}`),
    );
    await set('www', ['192.0.2.2']);
    expect(bad(await diff(serial(11)))[0]).toMatchObject({
      code: 'VERSION_NOT_KEPT',
      message: expect.stringContaining('serial 12'),
    });
    expect(await lines(serial(12))).toEqual([
      '- www.example.com. 60 IN A 192.0.2.1',
      '+ www.example.com. 60 IN A 192.0.2.2',
    ]);
    expect(await lines(serial(10), serial(11))).toEqual(['+ www.example.com. 60 IN A 192.0.2.1']);
  });
});

describe('rollback', () => {
  test('goes back to a version as a new change: the same records, a higher serial', async () => {
    const { set, remove, rollBack, text, record } = await bench({}, true);
    await set('www', ['192.0.2.7']);
    const before = text();
    await set('www', ['192.0.2.8', '192.0.2.9']);
    await remove('mx1');
    const { serial: last } = await set('new', ['"text"'], 'TXT');
    const planned = good(await rollBack(serial(11), { dryRun: true }));
    expect(record().serial).toBe(last);
    const done = good(await rollBack(serial(11)));
    expect(done.changeset.added.filter((line) => !/ (?:RRSIG|NSEC|SOA) /.test(line))).toEqual(
      planned.changeset.added.filter((line) => !/ (?:RRSIG|NSEC|SOA) /.test(line)),
    );
    expect(done.serial).toBe(last + 1);
    expect(text()).toBe(before);
    expect(good(await rollBack(serial(last + 1))).changed).toBe(false);
  });

  test('with a revision that is not the newest any more (If-Match) nothing is changed', async () => {
    const { set, rollBack, record } = await bench();
    const { revision } = await set('www', ['192.0.2.7']);
    await set('www', ['192.0.2.8']);
    expect(bad(await rollBack(serial(10), { ifRevision: revision })).map(({ code }) => code)).toEqual(['PRECONDITION']);
    expect(record().serial).toBe(12);
  });

  test('the undo of one change names each RRset that was changed again since', async () => {
    const { run, set } = await bench();
    const operations = ['a', 'b', 'c'].map(
      (name) => ({ op: 'set', name, type: 'A', ttl: 60, records: ['192.0.2.1'] }) as const,
    );
    good(await run({ kind: 'rrsets.change', zone: ZONE, operations }));
    await set('a', ['192.0.2.2']);
    await set('c', ['192.0.2.3']);
    const problems = bad(await run({ kind: 'zone.revert', zone: ZONE, serial: 11 }));
    expect(problems.map(({ code }) => code)).toEqual(['CHANGESET_SUPERSEDED', 'CHANGESET_SUPERSEDED']);
    expect(problems.map(({ at }) => JSON.stringify(at)).join()).toMatch(/a\.example\.com.*c\.example\.com/);
  });

  test('brings back no DKIM key that was withdrawn, takes none that is published, and says so', async () => {
    const { run, set, rollBack, control, record } = await bench({ sources: ['mail'] });
    const apply = async (signers: readonly string[]) =>
      good(await run({ kind: 'mail.apply', zone: ZONE, policy: { dkim: { signers } } }));
    await apply(['mx1']);
    await set('www', ['192.0.2.7']);
    const { serial: to } = record();
    const selectors = () =>
      [...control.zones.view(record()).ascend(control.zones.view(record()).apexKey)]
        .filter(({ rrsets }) => rrsets.length > 0)
        .map(({ owner }) => formatName(owner))
        .filter((owner) => owner.includes('_domainkey'));
    const before = selectors();
    expect(before.length).toBeGreaterThan(0);
    good(await run({ kind: 'mail.remove', zone: ZONE, records: 'delete' }));
    await set('www', ['192.0.2.8']);
    expect(selectors()).toEqual([]);
    const done = good(await rollBack(serial(to)));
    expect(selectors()).toEqual([]);
    const left = done.warnings.filter(({ code }) => code === 'ROLLBACK_LEFT_OUT').map(({ message }) => message);
    for (const each of before) expect(left.join('\n')).toContain(each);
    expect(done.changeset.added.some((line) => line.startsWith('www.example.com. 60 IN A 192.0.2.7'))).toBe(true);
  });

  test('a DKIM record that was put by hand comes back, since this version notes who kept what', async () => {
    const { set, remove, rollBack, text } = await bench();
    await set('s1._domainkey.example.com.', ['"v=DKIM1; p=AAAA"'], 'TXT');
    const before = text();
    await remove('s1._domainkey.example.com.', 'TXT');
    good(await rollBack(serial(11)));
    expect(text()).toBe(before);
  });

  test('brings back no key of DNSSEC: DNSSEC stays as it is', async () => {
    const { run, set, rollBack, control, record } = await bench({}, true);
    const dnskeys = () => control.zones.ds(record()).map(({ keyTag }) => keyTag);
    await set('www', ['192.0.2.7']);
    good(await run({ kind: 'zone.dnssec', zone: ZONE, dnssec: false, force: true }));
    good(await run({ kind: 'zone.dnssec', zone: ZONE, dnssec: true }));
    const keys = dnskeys();
    good(await rollBack(serial(11)));
    expect(dnskeys()).toEqual(keys);
  });

  test('a zone that publishes CDS: neither diff nor undo is about it, and it stays', async () => {
    const { run, set, rollBack, control, record } = await bench({}, true);
    const cds = () => {
      const view = control.zones.view(record());
      return [TYPE.CDS, TYPE.CDNSKEY].map((type) =>
        rrsetOf(view.node(view.apexKey), type)?.rdatas.map((rdata) => rdata[2]),
      );
    };
    await set('www', ['192.0.2.7']);
    const before = record().serial;
    expect(cds()).not.toContainEqual([0]);
    // RFC 8078 §4: they ask for no DS from now on.
    good(await run({ kind: 'dnssec.leave', zone: ZONE }));
    expect(cds()[0]).toEqual([0]);
    const shown = good(
      await control.zones.difference(record(), serial(before), undefined, { withSigning: false }),
    ).changeset;
    expect([...shown.added, ...shown.deleted].filter((line) => !line.includes(' SOA '))).toEqual([]);
    const whole = good(await control.zones.difference(record(), serial(before), undefined, {}));
    expect(whole.changeset.added.filter((line) => / IN CD(?:S|NSKEY) /.test(line))).toHaveLength(2);
    good(await rollBack(serial(10)));
    expect(cds()[0]).toEqual([0]);
    // Nor does a sender with narrower rights hear that this is not its own.
    const mayTouch: RunOptions['mayTouch'] = (owner) => formatName(owner).startsWith('www.');
    good(await rollBack(serial(before), { mayTouch }));
    expect(cds()[0]).toEqual([0]);
  });

  test('CDS that was put by hand into a zone without signatures comes and goes with its undo, and is shown', async () => {
    const { run, set, rollBack, lines } = await bench();
    const text = '12345 13 2 ' + 'AB'.repeat(32);
    await set('@', [text], 'CDS');
    expect(await lines(serial(10))).toEqual([`+ example.com. 60 IN CDS ${text}`]);
    good(await rollBack(serial(10)));
    expect(await lines(serial(10))).toEqual([]);
    good(await run({ kind: 'zone.revert', zone: ZONE, serial: 12 }));
    expect(await lines(serial(10))).toEqual([`+ example.com. 60 IN CDS ${text}`]);
  });

  test('a sender with narrower rights may undo what is its own, and is not told of what is not', async () => {
    const { run, set, rollBack } = await bench();
    const mayTouch: RunOptions['mayTouch'] = (owner) => formatName(owner).startsWith('www.');
    await set('www', ['192.0.2.7']);
    good(await run({ kind: 'zone.revert', zone: ZONE, serial: 11 }, { mayTouch }));
    await set('secret', ['192.0.2.7']);
    const problems = [
      ...bad(await rollBack(serial(10), { mayTouch })),
      ...bad(await run({ kind: 'zone.revert', zone: ZONE, serial: 13 }, { mayTouch })),
    ];
    expect(problems.map(({ code }) => code)).toEqual(['AUTH_SCOPE', 'AUTH_SCOPE']);
    expect(JSON.stringify(problems)).not.toContain('secret');
  });

  test('a sender with narrower rights undoes no change of the SOA but its serial', async () => {
    const { run, rollBack } = await bench();
    const mayTouch: RunOptions['mayTouch'] = (owner) => formatName(owner).startsWith('www.');
    const soa = { op: 'set', name: '@', type: 'SOA', ttl: 60, records: ['ns1 other 11 7200 900 1209600 60'] } as const;
    const { serial: made } = good(await run({ kind: 'rrsets.change', zone: ZONE, operations: [soa] }));
    const problems = [
      ...bad(await run({ kind: 'zone.revert', zone: ZONE, serial: made }, { mayTouch })),
      ...bad(await rollBack(serial(10), { mayTouch })),
    ];
    expect(problems.map(({ code }) => code)).toEqual(['AUTH_SCOPE', 'AUTH_SCOPE']);
    good(await run({ kind: 'zone.revert', zone: ZONE, serial: made }));
  });
});

test('the managers of a change go with its entry in the journal, and with the zone', async () => {
  const { run, set, writer, record } = await bench({ journal: { entries: 3, bytes: 1e6, changesetBytes: 1e6 } });
  good(await run({ kind: 'mail.apply', zone: ZONE, policy: { dmarc: { policy: 'none' } } }));
  const ids = () => writer.documentIds(record().id, 'journal-managed');
  expect(ids()).toHaveLength(1);
  for (let octet = 1; octet <= 4; octet++) await set('www', [`192.0.2.${octet}`]);
  expect(ids()).toEqual([]);
});
