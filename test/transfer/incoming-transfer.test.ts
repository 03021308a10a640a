/** Records of a transfer: where it ends, and what it is. Streams over a socket: test/control/secondary/fetch-zone.test.ts. */
import { describe, expect, test } from 'vitest';
import { IncomingTransfer } from '#transfer/incoming-transfer.ts';
import { ZONE, record, soa } from '../support/transfer-messages.ts';

/** Each list of lines is a message. */
function take(since: number | undefined, ...messages: readonly (readonly string[])[]) {
  const incoming = new IncomingTransfer({ apex: ZONE, since, recordsMax: 10 });
  for (const lines of messages) {
    const failure = incoming.take(lines.map(record));
    if (failure !== undefined) return failure;
  }
  const { result } = incoming;
  return result === undefined ? 'open' : `${result.kind} ${result.serial}`;
}

describe('RFC 5936 §2.2', () => {
  test.each<readonly [string, number | undefined, readonly (readonly string[])[], string | RegExp]>([
    ['a zone in one message', undefined, [[soa(1), '@ 60 NS ns', soa(1)]], 'whole 1'],
    ['one record in each message', undefined, [[soa(1)], ['@ 60 NS ns'], [soa(1)]], 'whole 1'],
    ['the SOA alone is no zone', undefined, [[soa(1)]], 'open'],
    ['more records than may be', undefined, [[soa(1), ...Array.from({ length: 10 }, () => 'x 1 A 192.0.2.1')]], /more than 10 records/],
  ])('%s', (_name, since, messages, result) => {
    expect(take(since, ...messages)).toMatch(result);
  });
});

describe('RFC 1995 §4', () => {
  test.each<readonly [string, number | undefined, readonly (readonly string[])[], string | RegExp]>([
    ['the SOA alone: up to date', 5, [[soa(5)]], 'current 5'],
    ['the SOA alone, older than here', 5, [[soa(4)]], 'current 4'],
    ['the SOA alone, newer: more comes', 5, [[soa(6)]], 'open'],
    ['RFC 1982 §3.2: newer over the wrap', 0xffff_fffe, [[soa(1), soa(0xffff_fffe), soa(1), soa(1)]], 'differences 1'],
    ['a whole zone in place of differences', 5, [[soa(6), '@ 60 NS ns', soa(6)]], 'whole 6'],
    ['a difference in many messages', 5, [[soa(6)], [soa(5)], ['x 1 A 192.0.2.1'], [soa(6), 'x 1 A 192.0.2.2'], [soa(6)]], 'differences 6'],
  ])('%s', (_name, since, messages, result) => {
    expect(take(since, ...messages)).toMatch(result);
  });
});
