/** What is taken of what primaries send, and what is not. Signing: keeper.test.ts. */
import { describe, expect, test } from 'vitest';
import { type ZoneRecord } from '#store/schema.ts';
import { receivedZone } from '#zone/received-zone.ts';
import { takeIn } from '#control/secondary/take-in.ts';
import { ZONE, record, soa } from '../../support/transfer-messages.ts';

const BASE = ['@ 60 NS ns', 'ns 60 A 192.0.2.1'];
const times = { createdAtMs: 0, changedAtMs: 0, revision: 1, nodeCount: 2 };
const zone: ZoneRecord = { id: 1, name: 'z.example.', dnssec: 'off', serial: 1, keys: [], secondary: { mode: 'copy' }, ...times };
const view = receivedZone(ZONE, [soa(1), ...BASE].map(record)).zone;
const SIGNATURE = '13 2 60 20300101000000 20200101000000 1 z.example. AAAA';

async function whole(...lines: readonly string[]) {
  const received = { kind: 'whole', serial: 2, records: [soa(2), ...lines].map(record) } as const;
  const taken = await takeIn({ record: zone, view, received, recordsPerRrsetMax: 100 });
  return 'failure' in taken ? taken.failure : { dnssec: taken.part.received?.dnssec, notes: taken.notes };
}

describe('a whole zone', () => {
  test('RFC 4035 §2: is signed when its SOA is and it has a chain', async () => {
    expect(await whole(...BASE)).toEqual({ dnssec: 'off', notes: [] });
    expect(await whole(...BASE, `@ 60 RRSIG SOA ${SIGNATURE}`)).toEqual({ dnssec: 'off', notes: [] });
    expect(await whole(...BASE, `@ 60 RRSIG SOA ${SIGNATURE}`, '@ 60 NSEC ns NS SOA RRSIG NSEC')).toEqual({ dnssec: 'on', notes: [] });
  });

  test.each<readonly [string, readonly string[], RegExp]>([
    ['RFC 1034 §4.2.1: no NS', ['x 60 A 192.0.2.1'], /cannot be served: .*no NS/],
    ['RFC 1034 §3.6.2: CNAME and other data', [...BASE, 'c 60 CNAME ns', 'c 60 A 192.0.2.1'], /cannot be served: .*CNAME/],
    ['RFC 9276 §3.2: 151 iterations', [...BASE, '@ 0 NSEC3PARAM 1 0 151 -'], /151 iterations, and 150 are the most/],
    ['RFC 8976 §4: a digest of another zone', [...BASE, `@ 60 ZONEMD 2 1 1 ${'ab'.repeat(48)}`], /ZONEMD/],
  ])('%s is not taken', async (_name, lines, failure) => {
    expect(await whole(...lines)).toMatch(failure);
  });

  test('RFC 1912 §2.8: one whose own name servers have no address is taken, as BIND, Knot and NSD do', async () => {
    expect(await whole('@ 60 NS ns')).toEqual({ dnssec: 'off', notes: [] });
    expect(await whole('@ 60 NS ns.d', 'd 60 DNAME other.')).toMatchObject({ dnssec: 'off' });
  });

  test('what no answer has is left out and said', async () => {
    expect(await whole(...BASE, `ns 60 RRSIG TXT ${SIGNATURE}`)).toMatchObject({
      notes: [expect.stringMatching(/1 RRSIG records that cover nothing/)],
    });
  });
});

describe('differences', () => {
  const taken = (deleted: readonly string[], added: readonly string[], fromSerial = 1) => {
    const difference = {
      fromSerial,
      toSerial: 2,
      deleted: [soa(fromSerial), ...deleted].map(record),
      added: [soa(2), ...added].map(record),
    };
    const received = { kind: 'differences', serial: 2, differences: [difference] } as const;
    return takeIn({ record: zone, view, received, recordsPerRrsetMax: 100 });
  };
  test('are taken where they fit what is here', async () => {
    const result = await taken(['ns 60 A 192.0.2.1'], ['ns 60 A 192.0.2.2']);
    expect(result).toMatchObject({ part: { received: { plan: { changed: true, nodes: { size: 2 } } } } });
  });

  test('else the whole zone is needed', async () => {
    expect(await taken([], [], 7)).toMatchObject({ failure: expect.stringMatching(/to another serial/), needsWhole: true });
    expect(await taken(['x 60 A 192.0.2.1'], [])).toMatchObject({ failure: expect.stringMatching(/do not fit/), needsWhole: true });
    expect(await taken(['@ 60 NS ns'], [])).toMatchObject({ failure: expect.stringMatching(/no NS/), needsWhole: true });
  });
});
