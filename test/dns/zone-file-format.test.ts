/** Writing zone files: what we write we read back the same. Not here: BIND and ldns read it (zone-file-format-judges.test.ts). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { loadZone } from '#zone/assemble.ts';
import { checkZone } from '#zone/check.ts';
import { memoryZone, zoneRrsets } from '#zone/zone.ts';
import { APEX, exportOf, rrsetOf, zones } from '../support/zone-arbitraries.ts';

describe('RFC 1035 §5.1: parse∘format = id', () => {
  test('a zone that is exported and imported is the same', () => {
    fc.assert(
      fc.property(zones, (zone) => {
        const loaded = loadZone(exportOf(zone), { file: 'export', origin: APEX, signed: true });
        if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
        expect([...zoneRrsets(memoryZone(APEX, loaded.value))]).toEqual([...zoneRrsets(zone)]);
      }),
      { numRuns: 150 },
    );
  });
});

describe('what is written', () => {
  const signature = Uint8Array.from([
    ...[0, TYPE.A, 13, 2, 0, 0, 14, 16],
    ...Array.from({ length: 10 }, () => 1),
    ...APEX,
    ...Array.from({ length: 64 }, () => 7),
  ]);
  const signed = memoryZone(APEX, [
    rrsetOf('@', 'NS', 3600, ['ns.example.']),
    { ...rrsetOf('@', 'DNSKEY', 3600, [`257 3 13 ${'A'.repeat(86)}==`]), manager: 'dnssec' as const },
    rrsetOf('@', 'SOA', 3600, ['ns.example. host.example. 1 3600 600 86400 300']),
    { ...rrsetOf('ns', 'A', 60, ['192.0.2.1']), signatures: [signature] },
    { ...rrsetOf('ns', 'NSEC', 300, ['example. A RRSIG NSEC']), manager: 'dnssec' as const },
  ]);

  test('the SOA is first, one record on each line', () => {
    const lines = [...formatZoneFile(signed.ascend(signed.apexKey), { signed: false })];
    expect(lines).toEqual([
      'example.\t3600\tIN\tSOA\tns.example. host.example. 1 3600 600 86400 300\n',
      'example.\t3600\tIN\tNS\tns.example.\n',
      'ns.example.\t60\tIN\tA\t192.0.2.1\n',
    ]);
  });

  test('`signed` adds RRSIG, NSEC and DNSKEY; an import leaves them out again', () => {
    const text = exportOf(signed, true);
    expect(text.match(/\t(?:RRSIG|NSEC|DNSKEY)\t/g)).toHaveLength(3);
    const loaded = loadZone(text, { file: 'export', origin: APEX, signed: true });
    expect(loaded.ok && loaded.warnings.map(({ code }) => code)).toEqual(['DNSSEC_DROPPED']);
    expect(loaded.ok && checkZone(APEX, loaded.value)).toEqual([]);
  });
});
