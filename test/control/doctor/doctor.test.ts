/**
 * A zone as strangers meet it: the sound world has no finding, each fault of delegation, servers, records and mail is
 * found by its name, and a check has an end and a place among others.
 */
import { describe, expect, test } from 'vitest';
import { AREAS } from '#control/doctor/checks.ts';
import { CHECKS_MAX } from '#base/limits/outside.ts';
import { Doctor } from '#control/doctor/doctor.ts';
import { nameOf } from '#dns/name.ts';
import { NOTES, testFaults } from '../../support/doctor-faults.ts';
import { WORLD_ZONE, doctorWorld, findingsOf } from '../../support/doctor-world.ts';
import { temporaryControl } from '../../support/temporary-control.ts';

test('the sound world has no finding, and each area says what was seen', async () => {
  const results = await (await doctorWorld()).check();
  expect(findingsOf(results)).toEqual([]);
  expect([...new Set(results.map(({ area }) => area))].toSorted()).toEqual([...AREAS].toSorted());
  expect(results.every(({ evidence, rfc }) => evidence.length > 3 && /^(?:RFC \d|draft-)/.test(rfc))).toBe(true);
});

testFaults('delegation', 'servers', 'drift', 'addresses', 'mail', 'spf', 'dkim', 'dmarc', 'tls-rpt', 'bimi', 'caa');

describe('what is no fault, and worth knowing', () => {
  test.each(NOTES.map(([name, fault, note]) => ({ name, fault, note })))('$name', async ({ fault, note }) => {
    const results = await (await doctorWorld(fault)).check();
    expect(findingsOf(results)).toEqual([]);
    expect(results.map(({ check, verdict }) => `${check} ${verdict}`)).toContain(note);
  });
});

test('worst first', async () => {
  const world = await doctorWorld({ resolver: { 'post.example. CAA': 'timeout', 'post.example. TXT': ['"x"'] } });
  const verdicts = (await world.check()).map(({ verdict }) => verdict);
  expect(verdicts.slice(0, 3)).toEqual(['failed', 'not_tested', 'passed']);
});

test('who answers nothing at all holds a check up for its time only, and what it asked was not tested', async () => {
  const world = await doctorWorld();
  const doctor = world.doctorOf({
    outside: { lookup: () => new Promise(() => {}) },
    ask: { udp: () => new Promise(() => {}), tcp: () => new Promise(() => {}) },
    limitMs: 50,
  });
  const report = await doctor.check(world.record());
  expect(report).toMatchObject({ ok: true, value: { zone: WORLD_ZONE, serial: 10 } });
  const results = report.ok ? report.value.results : [];
  expect(results.filter(({ verdict }) => verdict !== 'not_tested')).toEqual([]);
  expect(results.find(({ check }) => check === 'spf')).toMatchObject({ verdict: 'not_tested' });
});

test('a name that the world does not know: nothing of it passes for secure', async () => {
  const world = await doctorWorld();
  const doctor = world.doctorOf({ outside: { lookup: () => Promise.resolve({ kind: 'nxdomain' }) } });
  const report = await doctor.check(world.record());
  const of = (area: string) => (report.ok ? report.value.results.filter((each) => each.area === area) : []);
  expect(of('dnssec').map(({ check, verdict }) => [check, verdict])).toEqual([['chain-of-trust', 'not_tested']]);
  expect(of('delegation').map(({ check, verdict }) => [check, verdict])).toContainEqual(['no-address', 'failed']);
});

test('one check of a zone at a time, and not too many of all', async () => {
  const control = temporaryControl();
  const { writer, clock } = control;
  const names = Array.from({ length: CHECKS_MAX + 1 }, (_, at) => `z${at}.example.`);
  for (const name of names)
    await control.load(name, '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns.other.test.\n', { dnssec: false });
  const outside = { lookup: () => new Promise<never>(() => {}) };
  const witnesses = { nameServers: new Map(), probes: new Map() };
  const doctor = new Doctor({
    writer,
    clock,
    outside,
    witnesses,
    random: (bytes) => new Uint8Array(bytes),
    limitMs: 50,
  });
  const [last, ...records] = names.map((name) => writer.zoneByName(nameOf(name))!).toReversed();
  const running = records.map((record) => doctor.check(record));
  expect(doctor.check(records[0]!)).toBe(running[0]);
  expect(await doctor.check(last!)).toMatchObject({ ok: false, problems: [{ code: 'ZONE_CHECK_BUSY' }] });
  await Promise.all(running);
  expect((await doctor.check(last!)).ok).toBe(true);
});

test('a catalog is not on the internet', async () => {
  const world = await doctorWorld();
  const report = await world.doctor.check({ ...world.record(), isCatalog: true });
  expect(report).toMatchObject({ ok: true, value: { verdict: 'good_not_tested', results: [{ check: 'delegated' }] } });
});
