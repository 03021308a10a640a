/** The operator hears of evidence that ends three times: weeks before, days before, and when it has ended. */
import { expect, test } from 'vitest';
import { type EvidenceTold, lookAtEvidence } from '#mail/bimi/evidence-end.ts';

const DAY_MS = 86_400_000;
const END_MS = 400 * DAY_MS;
const look = (upload: EvidenceTold, nowMs: number, selector: string | undefined = 'default') =>
  lookAtEvidence('post.example', { default: upload }, selector, nowMs);

test('45 days before, 7 days before, and at the end; each look says when the next one is', () => {
  let upload: EvidenceTold = { evidenceEndsMs: END_MS };
  const told: string[] = [];
  for (let nowMs = END_MS - 60 * DAY_MS; nowMs < END_MS + 30 * DAY_MS;) {
    const { uploads, alerts, nextMs } = look(upload, nowMs);
    for (const { severity, code, message } of alerts) {
      const daysLeft = (END_MS - nowMs) / DAY_MS;
      told.push(`${daysLeft} ${severity} ${code} ${/ends|has ended/.exec(message)?.[0]}`);
    }
    upload = uploads['default']!;
    expect(nextMs).toBeGreaterThan(nowMs);
    expect(nextMs - nowMs).toBeLessThanOrEqual(7 * DAY_MS);
    nowMs = nextMs;
  }
  expect(told).toEqual(['45 warning MAIL_BIMI_EVIDENCE ends', '7 warning MAIL_BIMI_EVIDENCE ends', '0 error MAIL_BIMI_EVIDENCE has ended']);
});

test('what a late look finds is told once: the nearest of what it missed', () => {
  const { uploads, alerts } = look({ evidenceEndsMs: END_MS }, END_MS + DAY_MS);
  expect(alerts).toMatchObject([{ severity: 'error', message: expect.stringContaining('has ended at 1971-02-05') }]);
  expect(look(uploads['default']!, END_MS + 2 * DAY_MS).alerts).toEqual([]);
});

test('the fix is the command, with the selector', () => {
  const uploads = { brand: { evidenceEndsMs: END_MS } };
  const { alerts } = lookAtEvidence('post.example', uploads, 'brand', END_MS - DAY_MS);
  expect(alerts[0]!.fix).toContain('waxseal bimi upload post.example logo.svg --evidence new.pem --selector brand');
});

test('without evidence, for a selector that the policy does not name, and without a policy there is nothing to tell', () => {
  expect(look({}, END_MS).alerts).toEqual([]);
  expect(look({ evidenceEndsMs: END_MS }, END_MS, 'other').alerts).toEqual([]);
  expect(lookAtEvidence('post.example', { default: { evidenceEndsMs: END_MS } }, undefined, END_MS).alerts).toEqual([]);
});
