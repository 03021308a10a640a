import { describe, expect, test } from 'vitest';
import { newQueryHead, parseQuery } from '#dns/message.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { readUpdate } from '#zone/update/message.ts';
import { rawRecord, updateMessage } from '../../support/update-client.ts';

const ZONE = 'a.test.';

function read(message: Uint8Array) {
  const head = newQueryHead();
  parseQuery(message, message.length, head);
  return readUpdate(message, message.length, head);
}

describe('RFC 2136 §2: sections', () => {
  test('records of both sections, with their names, types, classes, TTLs and data', () => {
    const message = updateMessage(
      ZONE,
      'yx www\nnx new A\nyx www A 192.0.2.1\nadd www 300 MX 10 mx.a.test.\ndel old\ndel www TXT "x"\ndel www MX',
    );
    const { zone, prerequisites, updates } = read(message)!;
    const shown = ({ owner, type, class: rrClass, ttl, rdata }: (typeof updates)[number]) =>
      `${formatName(owner)} ${type} ${rrClass} ${ttl} ${rdata.length}`;
    expect(formatName(zone)).toBe(ZONE);
    expect(prerequisites.map(shown)).toEqual(['www.a.test. 255 255 0 0', 'new.a.test. 1 254 0 0', 'www.a.test. 1 1 0 4']);
    expect(updates.map(shown)).toEqual([
      'www.a.test. 15 1 300 13',
      'old.a.test. 255 255 0 0',
      'www.a.test. 16 254 0 2',
      'www.a.test. 15 255 0 0',
    ]);
  });

  test('RFC 3597 §4: names in data of old types may be compressed, and come out whole', () => {
    // The target is a pointer to the name of the zone at octet 12.
    const record = rawRecord(nameOf('www.a.test.'), TYPE.CNAME, 1, 60, Uint8Array.of(2, 0x68, 0x69, 0xc0, 12));
    const { updates } = read(updateMessage(ZONE, { prerequisites: [], updates: [record] }))!;
    expect(formatName(updates[0]!.rdata)).toBe('hi.a.test.');
  });

  test('an owner may be compressed', () => {
    const record = Uint8Array.from([3, 0x77, 0x77, 0x77, 0xc0, 12, 0, 1, 0, 255, 0, 0, 0, 0, 0, 0]);
    const { updates } = read(updateMessage(ZONE, { prerequisites: [], updates: [record] }))!;
    expect(formatName(updates[0]!.owner)).toBe('www.a.test.');
  });
});

describe('RFC 2136 §3.1.1: FORMERR', () => {
  const bad = (record: Uint8Array) => read(updateMessage(ZONE, { prerequisites: [], updates: [record] }));

  test('ZTYPE is not SOA', () => {
    expect(read(updateMessage(ZONE, '', { zoneType: TYPE.A }))).toBeUndefined();
  });

  test('data that its type does not have', () => {
    expect(bad(rawRecord(nameOf(ZONE), TYPE.A, 1, 60, Uint8Array.of(1, 2, 3)))).toBeUndefined();
    expect(bad(rawRecord(nameOf(ZONE), TYPE.A, 254, 0, Uint8Array.of(1, 2, 3)))).toBeUndefined();
    expect(bad(rawRecord(nameOf(ZONE), TYPE.MX, 1, 60, Uint8Array.of(0, 10, 0xc0, 200)))).toBeUndefined();
  });

  test('the data of a deletion is left as it is: the pre-scan looks at it', () => {
    expect(bad(rawRecord(nameOf(ZONE), TYPE.A, 255, 0, Uint8Array.of(1)))?.updates[0]?.rdata.length).toBe(1);
  });
});
