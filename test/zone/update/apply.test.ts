import { describe, expect, test } from 'vitest';
import { formatName, nameOf } from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { type UpdateGuard, applyUpdates } from '#zone/update/apply.ts';
import { checkUpdates } from '#zone/update/prescan.ts';
import { rawRecord } from '../../support/update-client.ts';
import { readLines, updateTestZone } from '../../support/update-zone.ts';

const view = updateTestZone();

/** The RRsets that are different afterwards, one for each line. */
function changesOf(lines: string, guard: UpdateGuard = () => undefined): string[] {
  const applied = applyUpdates(view, readLines(lines).updates, guard);
  if ('rcode' in applied) return [`refused: ${applied.text}`];
  return applied.map(({ owner, type, rrset }) => {
    const data = rrset === null ? 'gone' : `${rrset.ttl} ${rrset.rdatas.map((each) => formatRdata(type, each)).join(', ')}`;
    return `${formatName(owner)} ${typeName(type)} ${data}`;
  });
}

describe('RFC 2136 §3.4.2.2: add', () => {
  test.each<[string, string[]]>([
    ['add new 300 A 192.0.2.9', ['new.a.test. A 300 192.0.2.9']],
    ['add www 300 A 192.0.2.9', ['www.a.test. A 300 192.0.2.9, 192.0.2.80, 192.0.2.81']],
    // There already.
    ['add www 300 A 192.0.2.80', []],
    // RFC 2181 §5.2: one TTL for the RRset, the last one.
    ['add www 60 A 192.0.2.80', ['www.a.test. A 60 192.0.2.80, 192.0.2.81']],
    // RFC 2181 §8: a TTL with its first bit set is 0.
    ['add new 2147483648 A 192.0.2.9', ['new.a.test. A 0 192.0.2.9']],
    // A CNAME where there is other data, and the reverse, is ignored.
    ['add www 300 CNAME alias', []],
    ['add alias 300 A 192.0.2.9', []],
    ['add alias 300 CNAME other', ['alias.a.test. CNAME 300 other.a.test.']],
    ['add new 300 CNAME www\nadd new 300 A 192.0.2.9', ['new.a.test. CNAME 300 www.a.test.']],
    // After what stood there is gone, it may come.
    ['del www\nadd www 300 CNAME ns1', ['www.a.test. A gone', 'www.a.test. TXT gone', 'www.a.test. CNAME 300 ns1.a.test.']],
    ['del alias CNAME\nadd alias 300 A 192.0.2.9', ['alias.a.test. CNAME gone', 'alias.a.test. A 300 192.0.2.9']],
    // SOA: newer or the same serial replaces, an older one is ignored, and so is one where there is none.
    ['add @ 60 SOA ns2 h 11 1 2 3 4', ['a.test. SOA 60 ns2.a.test. h.a.test. 11 1 2 3 4']],
    ['add @ 60 SOA ns2 h 10 1 2 3 4', ['a.test. SOA 60 ns2.a.test. h.a.test. 10 1 2 3 4']],
    ['add @ 60 SOA ns2 h 9 1 2 3 4', []],
    ['add @ 60 SOA ns2 h 4294967295 1 2 3 4', []],
    ['add www 60 SOA ns2 h 11 1 2 3 4', []],
    // The case of a name in data is no other record; it is taken over.
    ['add alias 300 CNAME WWW', ['alias.a.test. CNAME 300 WWW.a.test.']],
    // §1.1.5: of WKS the address and protocol decide.
    ['add w 60 WKS 192.0.2.1 6 25\nadd w 60 WKS 192.0.2.1 6 80', ['w.a.test. WKS 60 192.0.2.1 6 80']],
  ])('%j', (lines, changes) => {
    expect(changesOf(lines)).toEqual(changes);
  });
});

describe('RFC 2136 §3.4.2.3–4: delete', () => {
  test.each<[string, string[]]>([
    ['del www A', ['www.a.test. A gone']],
    ['del www A 192.0.2.80', ['www.a.test. A 300 192.0.2.81']],
    ['del www A 192.0.2.80\ndel www A 192.0.2.81', ['www.a.test. A gone']],
    ['del alias CNAME WWW', ['alias.a.test. CNAME gone']],
    ['del www', ['www.a.test. A gone', 'www.a.test. TXT gone']],
    // What is not there is no error.
    ['del www MX', []],
    ['del nowhere', []],
    ['del www A 192.0.2.99', []],
    ['del empty', []],
    // The SOA stays, and the NS of the apex as an RRset; one NS after the other, but not the last.
    ['del @', ['a.test. MX gone']],
    ['del @ SOA', []],
    ['del @ NS', []],
    ['del @ NS ns1', ['a.test. NS 3600 ns2.a.test.']],
    ['del @ NS ns1\ndel @ NS ns2', ['a.test. NS 3600 ns2.a.test.']],
    ['del @ SOA ns1 host 10 7200 900 1209600 300', []],
    // Gone and back: nothing has changed.
    ['del www A\nadd www 300 A 192.0.2.80\nadd www 300 A 192.0.2.81', []],
    ['add new 300 A 192.0.2.9\ndel new', []],
  ])('%j', (lines, changes) => {
    expect(changesOf(lines)).toEqual(changes);
  });

  test('NS of a name below the apex may all go', () => {
    expect(changesOf('add sub 60 NS ns.sub\ndel sub NS ns.sub')).toEqual([]);
  });
});

describe('the guard', () => {
  test('is asked for each step, and for each RRset of a name that is deleted', () => {
    const asked: string[] = [];
    changesOf('add www 300 A 192.0.2.9\ndel www\ndel alias CNAME www', ({ kind, owner, type, isOfName }) => {
      asked.push(`${kind} ${formatName(owner)} ${typeName(type)}${isOfName ? ' of name' : ''}`);
      return undefined;
    });
    expect(asked).toEqual([
      'add www.a.test. A',
      'name www.a.test. ANY',
      'clear www.a.test. A of name',
      'clear www.a.test. TXT of name',
      'remove alias.a.test. CNAME',
    ]);
  });

  test('stops all, or leaves out one RRset of a name', () => {
    const refusal = { rcode: RCODE.REFUSED, text: 'no TXT', owner: nameOf('www.a.test.'), type: TYPE.TXT };
    expect(changesOf('del www', ({ type }) => (type === TYPE.TXT ? refusal : undefined))).toEqual(['refused: no TXT']);
    expect(changesOf('del www', ({ type }) => (type === TYPE.TXT ? 'skip' : undefined))).toEqual(['www.a.test. A gone']);
  });
});

describe('RFC 2136 §3.4.1: pre-scan', () => {
  const rcode = (...record: Parameters<typeof rawRecord>) =>
    checkUpdates(view, readLines({ prerequisites: [], updates: [rawRecord(...record)] }).updates)?.rcode ?? RCODE.NOERROR;
  const [owner, address, none] = [nameOf('www.a.test.'), Uint8Array.of(192, 0, 2, 80), new Uint8Array(0)];
  const [IN, NONE, ANY] = [1, 254, 255];

  test.each<[string, number, Parameters<typeof rawRecord>]>([
    ['an addition', 0, [owner, TYPE.A, IN, 5, address]],
    ['out of the zone', RCODE.NOTZONE, [nameOf('www.b.test.'), TYPE.A, IN, 5, address]],
    ['above the zone', RCODE.NOTZONE, [nameOf('test.'), TYPE.A, ANY, 0]],
    ['an addition of ANY', 1, [owner, TYPE.ANY, IN, 5, none]],
    ['an addition of AXFR', 1, [owner, TYPE.AXFR, IN, 5, none]],
    ['an addition of MAILB', 1, [owner, TYPE.MAILB, IN, 5, none]],
    ['a deletion of an RRset with a TTL', 1, [owner, TYPE.A, ANY, 5]],
    ['a deletion of an RRset with data', 1, [owner, TYPE.A, ANY, 0, address]],
    ['a deletion of type AXFR', 1, [owner, TYPE.AXFR, ANY, 0]],
    ['a deletion of a name', 0, [owner, TYPE.ANY, ANY, 0]],
    ['a deletion of a record with a TTL', 1, [owner, TYPE.A, NONE, 5, address]],
    ['a deletion of a record of type ANY', 1, [owner, TYPE.ANY, NONE, 0, none]],
    ['a deletion of a record', 0, [owner, TYPE.A, NONE, 0, address]],
    ['class CH', 1, [owner, TYPE.A, 3, 0, address]],
  ])('%s: rcode %i', (_, wanted, record) => {
    expect(rcode(...record)).toBe(wanted);
  });
});
