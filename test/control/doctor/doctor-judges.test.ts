/**
 * Zonemaster judges the same worlds where it has the same test: it finds nothing in the sound one, and a fault where the
 * check finds one.
 */
import { afterEach, expect, test } from 'vitest';
import { FAULTS } from '../../support/doctor-faults.ts';
import { listenDns } from '../../support/dns-sockets.ts';
import {
  type Fault,
  NS1,
  NS2,
  PARENTS,
  ROOT_IP,
  WORLD_ZONE,
  doctorWorld,
  findingsOf,
} from '../../support/doctor-world.ts';
import { zonemaster } from '../../support/zonemaster.ts';

const MODULES = ['Consistency', 'Delegation', 'DNSSEC', 'Nameserver', 'Connectivity', 'Zone', 'Syntax'];

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});

/** A warning or worse; that servers have different NS records is a notice to it. */
function isFault(level: string, testcase: string): boolean {
  return ['WARNING', 'ERROR', 'CRITICAL'].includes(level) || (level === 'NOTICE' && testcase === 'CONSISTENCY04');
}

/** What both find: our checks, and the test cases of Zonemaster that find a fault. */
async function both(fault: Fault) {
  const world = await doctorWorld({ ...fault, nowMs: Date.now() });
  const addresses = await Promise.all(
    [NS1, NS2, ...PARENTS, ROOT_IP].map(async (ip) => {
      const { at, stop } = await listenDns((query, way) => world.respond(ip, query, way));
      ends.push(stop);
      return [{ name: ip, address: at.ip, port: at.port }, ip] as const;
    }),
  );
  const found = await zonemaster(WORLD_ZONE.replace(/\.$/, ''), ROOT_IP, addresses, MODULES);
  const cases = found.filter(({ level, testcase }) => isFault(level, testcase));
  return {
    ours: findingsOf(await world.check()),
    theirs: [...new Set(cases.map(({ testcase }) => testcase))].toSorted(),
  };
}

/**
 * A fault of the table, and the test case of Zonemaster that is about the same. Left out: a name server that is silent,
 * for which it waits ten seconds.
 */
const JUDGED: readonly (readonly [string, string])[] = [
  ['the parent names a stranger', 'DELEGATION07'],
  ['the parent lacks a name server', 'DELEGATION01'],
  ['the parent has old glue', 'CONSISTENCY05'],
  ['no TCP', 'CONNECTIVITY02'],
  ['a name server offers recursion', 'NAMESERVER01'],
  ['a name server does not have the zone', 'DELEGATION04'],
  ['a name server has an older version', 'CONSISTENCY01'],
  ['a name server has other NS records', 'CONSISTENCY04'],
  ['a name server strips signatures', 'DNSSEC08'],
  ['a DS that no key has', 'DNSSEC02'],
  ['a DS of a key that is gone, beside a good one', 'DNSSEC02'],
  ['one server of the parent lacks the DS', 'DNSSEC11'],
  ['a forged signature', 'DNSSEC09'],
  ['a name that is not there without proof', 'DNSSEC10'],
  ['one name server', 'DELEGATION01'],
  ['a name server without EDNS', 'CONNECTIVITY01'],
  ['a name server with other keys', 'DNSSEC09'],
  ['a DS by SHA-1 alone', 'DNSSEC01'],
];

test('the sound world has no fault', async () => {
  expect(await both({})).toEqual({ ours: [], theirs: [] });
});

test.each(JUDGED.map(([name, testcase]) => ({ name, testcase })))('$name: $testcase', async ({ name, testcase }) => {
  const [, fault, ...expected] = FAULTS.find(([each]) => each === name)!;
  const { ours, theirs } = await both(fault);
  expect(ours.toSorted()).toEqual(expected.toSorted());
  expect(theirs).toContain(testcase);
});
