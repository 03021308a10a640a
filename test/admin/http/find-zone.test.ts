/** Guesses at the zone that was meant, and the zones that a sender may see. */
import { describe, expect, test } from 'vitest';
import { visibleZones } from '#admin/http/find-zone.ts';
import type { Rights } from '#control/api/tokens.ts';
import { type OwnerKey, nameOf, ownerKey } from '#dns/name.ts';
import type { ZoneRecord } from '#store/schema.ts';
import { type ProblemBody, bench } from '../../support/admin/bench.ts';

test('suggests what may have been meant', async () => {
  const { call } = await bench();
  const fixOf = async (zone: string) => (await call('GET', `/v1/zones/${zone}`)).json<ProblemBody>().fix;
  expect(await fixOf('exmaple.com')).toBe('did you mean example.com.?');
  expect(await fixOf('www.example.com')).toBe('it may be a name in the zone example.com.');
  expect(await fixOf('b%C3%BCcher.test')).toBe('write it as xn--bcher-kva.test');
});

describe('zones that a sender may see', () => {
  const names = Array.from({ length: 5000 }, (_, at) => `z${String(at).padStart(4, '0')}.test.`);
  const listed = names.map((name) => ({ record: { name } as ZoneRecord, apexKey: ownerKey(nameOf(name)) }));
  let lookUps = 0;
  const zones = {
    after: (key: OwnerKey | undefined, limit: number) => {
      lookUps++;
      return listed.filter(({ apexKey }) => key === undefined || apexKey > key).slice(0, limit);
    },
  };
  const shown = (scopes: Rights['scopes'], after?: string, limit?: number) => {
    lookUps = 0;
    const key = after === undefined ? undefined : ownerKey(nameOf(after));
    return Array.from(visibleZones({ zones }, { scopes, grants: [] }, key, limit), ({ record }) => record.name);
  };

  test('are looked up no further than they are wanted', () => {
    expect(shown(['admin'], undefined, 3)).toEqual(names.slice(0, 3));
    expect(lookUps).toBe(1);
    expect(shown(['admin'], 'z2499.test.', 1000)).toEqual(names.slice(2500, 3500));
    expect(lookUps).toBe(1);
  });

  test('are all there, once each and in order, without a limit', () => {
    expect(shown(['read'])).toEqual(names);
    expect(shown(['read'], 'z4999.test.')).toEqual([]);
    // After a zone that has gone meanwhile.
    expect(shown(['read'], 'z4998a.test.')).toEqual(['z4999.test.']);
  });

  test('are found behind any number that the sender may not see', () => {
    expect(shown(['zone:z4321.test.'], undefined, 2)).toEqual(['z4321.test.']);
    expect(shown(['signer:x'])).toEqual([]);
  });
});
