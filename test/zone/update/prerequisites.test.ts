import { describe, expect, test } from 'vitest';
import { RCODE } from '#dns/types.ts';
import { checkPrerequisites } from '#zone/update/prerequisites.ts';
import { type UpdateParts } from '../../support/update-client.ts';
import { rawRecord } from '../../support/update-client.ts';
import { nameOf } from '#dns/name.ts';
import { readLines, updateTestZone } from '../../support/update-zone.ts';

const view = updateTestZone();
const rcodeOf = (lines: string | UpdateParts) => checkPrerequisites(view, readLines(lines).prerequisites)?.rcode ?? RCODE.NOERROR;

describe('RFC 2136 §3.2: prerequisites', () => {
  test.each<[string, number]>([
    ['', RCODE.NOERROR],
    // §2.4.1: an RRset exists, whatever its records.
    ['yx www A', RCODE.NOERROR],
    ['yx www MX', RCODE.NXRRSET],
    ['yx nowhere A', RCODE.NXRRSET],
    // §2.4.2: with exactly these records.
    ['yx www A 192.0.2.80\nyx www A 192.0.2.81', RCODE.NOERROR],
    ['yx www A 192.0.2.81\nyx www A 192.0.2.80', RCODE.NOERROR],
    ['yx www A 192.0.2.80', RCODE.NXRRSET],
    ['yx www A 192.0.2.80\nyx www A 192.0.2.81\nyx www A 192.0.2.82', RCODE.NXRRSET],
    ['yx WWW A 192.0.2.80\nyx www A 192.0.2.81', RCODE.NOERROR],
    ['yx alias CNAME WWW.a.test.', RCODE.NOERROR],
    // §2.4.3: an RRset does not exist.
    ['nx www MX', RCODE.NOERROR],
    ['nx www A', RCODE.YXRRSET],
    // §2.4.4: a name is in use; an empty non-terminal is not.
    ['yx www', RCODE.NOERROR],
    ['yx nowhere', RCODE.NXDOMAIN],
    ['yx empty', RCODE.NXDOMAIN],
    // A wildcard is a name as any other: what it would answer does not exist.
    ['yx any.wild', RCODE.NXDOMAIN],
    ['yx *.wild', RCODE.NOERROR],
    // §2.4.5: a name is not in use.
    ['nx nowhere', RCODE.NOERROR],
    ['nx empty', RCODE.NOERROR],
    ['nx www', RCODE.YXDOMAIN],
    ['yx other.example. A', RCODE.NOTZONE],
    ['nx other.example.', RCODE.NOTZONE],
    // The first one that fails decides; records are compared last (§3.2.5).
    ['yx www A 192.0.2.9\nyx nowhere', RCODE.NXDOMAIN],
    ['nx www\nyx nowhere', RCODE.YXDOMAIN],
  ])('%j gives rcode %i', (lines, rcode) => {
    expect(rcodeOf(lines)).toBe(rcode);
  });

  const form = (...record: Parameters<typeof rawRecord>) => rcodeOf({ prerequisites: [rawRecord(...record)], updates: [] });
  const [owner, address] = [nameOf('www.a.test.'), Uint8Array.of(192, 0, 2, 80)];

  test('§3.2.5: FORMERR for a TTL, for data where there must be none, for other classes and types without data', () => {
    expect([form(owner, 1, 1, 5, address), form(owner, 1, 255, 5), form(owner, 1, 254, 5)]).toEqual([1, 1, 1]);
    expect([form(owner, 1, 255, 0, address), form(owner, 1, 254, 0, address)]).toEqual([1, 1]);
    expect([form(owner, 1, 3, 0, address), form(owner, 255, 1, 0), form(owner, 252, 1, 0)]).toEqual([1, 1, 1]);
  });
});
