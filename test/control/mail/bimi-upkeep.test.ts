/** Evidence that ends: alerts as due work, and a metric for as long as it is there. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { LOGO, markCa } from '../../support/mail/mark-certificate.ts';
import { MAIL_ZONE_TEXT, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('post.example.');
const DAY_MS = 86_400_000;
const FAMILY = 'waxseal_bimi_evidence_expiry_timestamp_seconds';
const POLICY = {
  dkim: { algorithms: [] },
  spf: { enabled: false },
  dmarc: { policy: 'reject', ramp: { enabled: false }, rua: [] },
  mtaSts: { mode: 'off' },
  bimi: { hosted: true },
};

async function house() {
  const made = temporaryControl({ sources: ['bimi'] });
  await made.load('post.example.', MAIL_ZONE_TEXT);
  const logo = new Uint8Array(LOGO);
  const upload = async (days: number) => {
    const nowMs = made.clock.nowMs();
    const { chain } = markCa(nowMs).issue({ names: ['post.example'], logo: LOGO, toMs: nowMs + days * DAY_MS });
    good(await made.run({ kind: 'bimi.upload', zone: ZONE, selector: 'default', logo, evidence: chain }));
    return Math.floor((nowMs + days * DAY_MS) / 1000);
  };
  const alerts = () =>
    made.control.events.after(0, 1000).flatMap(({ kind, event, text }) => (kind === 'alert' ? [`${event} ${text}`] : []));
  const samples = () => made.control.metrics().find(({ name }) => name === FAMILY)!.samples;
  return { ...made, upload, alerts, samples };
}

test('a mark certificate that ends is told of three times, new evidence anew; the metric has its end', async () => {
  const made = await house();
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  expect(made.samples()).toEqual([]);
  const first = await made.upload(60);
  expect(made.samples()).toEqual([{ labels: { zone: 'post.example.', selector: 'default' }, value: first }]);
  await made.live(14 * DAY_MS);
  expect(made.alerts()).toEqual([]);
  await made.live(2 * DAY_MS);
  expect(made.alerts()).toEqual([expect.stringMatching(/^MAIL_BIMI_EVIDENCE BIMI logo of post.example: the evidence .* ends at /)]);
  await made.live(50 * DAY_MS);
  expect(made.alerts().map((each) => / ends | has ended /.exec(each)?.[0])).toEqual([' ends ', ' ends ', ' has ended ']);
  const second = await made.upload(46);
  await made.live(2 * DAY_MS);
  expect(made.alerts()).toHaveLength(4);
  expect(made.samples().map(({ value }) => value)).toEqual([second]);
  good(await made.run({ kind: 'bimi.remove', zone: ZONE, selector: 'default' }));
  expect(made.samples()).toEqual([]);
  await made.live(50 * DAY_MS);
  expect(made.alerts()).toHaveLength(4);
});

test('evidence that no policy hosts is told of only when one does', async () => {
  const made = await house();
  await made.upload(30);
  await made.live(8 * DAY_MS);
  expect(made.alerts()).toEqual([]);
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  await made.live(8 * DAY_MS);
  expect(made.alerts()).toHaveLength(1);
});
