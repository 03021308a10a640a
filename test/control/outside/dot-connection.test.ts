/** RFC 7858, RFC 8467: questions to a recursive server over TLS, as they are written. */
import { expect, test } from 'vitest';
import { paddedQuestion } from '#control/outside/dot-connection.ts';
import { newQueryHead, parseQuery } from '#dns/message.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';

test('RFC 8467 §4.1: recursion, EDNS without DO, padded to 128 octets whatever the name', () => {
  for (const text of ['.', 'a.example.', 'mail.example.net.', `${'x'.repeat(63)}.${'y'.repeat(60)}.example.`]) {
    const octets = paddedQuestion(4711, nameOf(text), TYPE.MX);
    const head = newQueryHead();
    parseQuery(octets, octets.length, head);
    expect(octets.length % 128).toBe(0);
    expect(head).toMatchObject({
      id: 4711,
      verdict: 0,
      type: TYPE.MX,
      edns: true,
      dnssecOk: false,
      recursionDesired: true,
    });
  }
});
