/** RFC 8463 §3: mail signed by RSA and Ed25519, and receivers that report it once for each signature. */
import { expect, test } from 'vitest';
import { type DmarcRow } from '#mail/reports/dmarc-record.ts';
import { withoutRepeats } from '#mail/reports/repeats.ts';
import { reportRow } from '../../support/mail/report-rows.ts';

const isEd25519 = (selector: string) => selector.startsWith('e');
const own = (selector: string) => [{ domain: 'post.example', selector }];
const passed = (messages: number, given: Partial<DmarcRow> = {}) =>
  reportRow('192.0.2.1', { messages, isDkimAligned: true, signatures: own('r1'), ...given });
const unread = (messages: number, given: Partial<DmarcRow> = {}) => reportRow('192.0.2.1', { messages, failed: own('e1'), ...given });
const counts = (...rows: DmarcRow[]) => withoutRepeats(rows, isEd25519).map(({ messages, isDkimAligned }) => [messages, isDkimAligned]);

test('a failure of the Ed25519 signature alone repeats what passed by RSA', () => {
  expect(counts(passed(10), unread(10))).toEqual([[10, true]]);
  // The receiver could not read some of them for another reason too.
  expect(counts(unread(12), passed(10))).toEqual([
    [2, false],
    [10, true],
  ]);
  expect(counts(passed(4), passed(6), unread(7), unread(3))).toEqual([
    [4, true],
    [6, true],
  ]);
});

test.each<[string, DmarcRow]>([
  ['from another address', reportRow('192.0.2.2', { messages: 10, failed: own('e1') })],
  ['of another author', unread(10, { author: 'news.post.example' })],
  ['of the RSA signature', unread(10, { failed: own('r1') })],
  ['of both', unread(10, { failed: [...own('e1'), ...own('r1')] })],
  ['without any signature', unread(10, { failed: [] })],
])('a failure %s is mail of its own', (_what, row) => {
  expect(counts(passed(10), row)).toEqual([
    [10, true],
    [10, false],
  ]);
});

test('where a row has both signatures nothing is repeated, and what SPF aligned is no failure', () => {
  expect(counts(passed(10, { failed: own('e1') }), unread(10))).toHaveLength(2);
  expect(counts(passed(10), unread(10, { isSpfAligned: true }))).toHaveLength(2);
  // A domain that signs with Ed25519 alone fails where that cannot be read.
  expect(counts(unread(10))).toEqual([[10, false]]);
});
