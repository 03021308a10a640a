/** How receivers say that mail was forwarded, and how they say other things in like words. */
import { expect, test } from 'vitest';
import { readXml } from '#base/xml.ts';
import { isForwarding } from '#mail/reports/forwarding.ts';
import { LeftOutList } from '#mail/reports/left-out.ts';
import { child } from '#mail/reports/report-xml.ts';

function judged(reasons: string, results = ''): { isForwarded: boolean; leftOut: LeftOutList } {
  const root = readXml(`<record><policy_evaluated>${reasons}</policy_evaluated><auth_results>${results}</auth_results></record>`, 16);
  if ('wrong' in root) throw new Error(root.wrong);
  const leftOut = new LeftOutList();
  return { isForwarded: isForwarding(root, child(root, 'policy_evaluated'), leftOut), leftOut };
}

const reason = (type: string, comment?: string) =>
  `<reason><type>${type}</type>${comment === undefined ? '' : `<comment>${comment}</comment>`}</reason>`;

test.each([
  // RFC 9990 §A and RFC 7489 §C.
  reason('mailing_list'),
  reason('trusted_forwarder'),
  reason('forwarded'),
  reason('Forwarded', 'looks like it'),
  // The second of several.
  reason('local_policy', 'known sender') + reason('mailing_list'),
  // RFC 8617 §7.2.2, and as receivers write it.
  reason('local_policy', 'arc=pass as[2].d=lists.example.net as[2].s=a as[1].d=other.example as[1].s=b remote-ip[1]=192.0.2.1'),
  reason('local_policy', 'ARC: pass'),
  reason('other', 'arc_pass'),
  // Words.
  reason('other', 'Forwarded by a known forwarder'),
  reason('local_policy', 'mailing list traffic'),
  reason('other', 'Mailman list, SRS rewritten'),
  reason('local_policy', 'auto-forwarding detected'),
])('%s is forwarding', (reasons) => {
  expect(judged(reasons).isForwarded).toBe(true);
});

test.each([
  '<arc><result>pass</result></arc>',
  '<arc>pass</arc>',
  '<arc><cv>pass</cv><domain>lists.example.net</domain></arc>',
  '<extension><arc><result>PASS</result></arc></extension>',
])('ARC among the results, %s, is forwarding', (results) => {
  expect(judged('', results).isForwarded).toBe(true);
});

test.each([
  '',
  reason('local_policy'),
  reason('sampled_out', 'pct=50'),
  reason('policy_test_mode'),
  reason('other', 'whitelisted sender'),
  reason('local_policy', 'arc=fail'),
  reason('local_policy', 'arc=none'),
  reason('other', 'march pass'),
  reason('other', 'not forwarded'),
  reason('local_policy', 'message was not from a mailing list'),
  reason('other', 'forwarded: no'),
  reason('other', 'straightforward'),
])('%s is not', (reasons) => {
  expect(judged(reasons).isForwarded).toBe(false);
});

test.each([
  '<dkim><domain>arc.example</domain><result>pass</result></dkim>',
  '<arc><result>fail</result></arc>',
  '<spf><result>pass</result></spf>',
])('the results %s say nothing of it', (results) => {
  expect(judged('', results).isForwarded).toBe(false);
});

test('a type that no document knows is named, and its words still count', () => {
  const { isForwarded, leftOut } = judged(reason('arc_override', 'arc=pass'));
  expect([isForwarded, leftOut.list()]).toEqual([true, [{ what: 'override type "arc_override" is not one', times: 1, amount: 0 }]]);
});
