/** Policy hosts of other servers are looked at as due work, and what changes there is an event, an alert and a line. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { formatStsPolicy } from '#mail/mta-sts/record.ts';
import { type StsProbe } from '#control/outside/file-probes.ts';
import { readStsWatch } from '#store/mail/sts-watch.ts';
import { MAIL_ZONE_TEXT, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('one.example.');
const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];
const bodyOf = (mode: 'testing' | 'enforce') => formatStsPolicy({ mode, maxAgeSeconds: 86_400, mxPatterns: ['mx1.one.example'] });
const EXTERNAL = { mtaSts: { mode: 'external' as const, id: 'abc1' } };

/** A zone whose policy host is out there, and shows what `shown` says; a text with a blank first is a failure. */
async function house(policy: object, shown: () => string, more = '') {
  const asked: string[] = [];
  const probe: StsProbe = (url, certificateEnds) => {
    asked.push(url);
    certificateEnds?.(made.clock.nowMs() + 60 * DAY_MS);
    const text = shown();
    return text.startsWith(' ') ? Promise.reject(new Error(text.trim())) : Promise.resolve(text);
  };
  const made = temporaryControl({
    witnesses: { nameServers: new Map(), probes: new Map([['a probe', probe]]) },
    sources: ['mail', 'mta-sts'],
    policyHost: { addresses: ['192.0.2.80'], host: undefined, isServing: false },
  });
  await made.load('one.example.', `${MAIL_ZONE_TEXT}${more}`);
  made.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  const apply = async (given: object) => good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: given }));
  await apply(policy);
  const record = () => made.writer.zoneByName(ZONE)!;
  const alerts = () => made.control.events.after(0, 1000).filter(({ kind }) => kind === 'alert');
  return {
    ...made,
    asked,
    apply,
    watch: () => readStsWatch(made.writer, record().id),
    lines: () => made.control.mail.view(record())!.stsWatch,
    alerts,
  };
}

test('mode external: its body is looked at every hour, a change is an alert, and the status has a line', async () => {
  let body = bodyOf('testing');
  const made = await house(EXTERNAL, () => body);
  await made.live(5 * HOUR_MS + MINUTE_MS);
  expect(made.asked).toEqual(Array.from({ length: 6 }, () => 'https://mta-sts.one.example/.well-known/mta-sts.txt'));
  expect(made.lines()).toEqual([expect.stringContaining('mode testing seen 2026-01-01 05:')]);
  expect(made.lines()[0]).toContain('its certificate until 2026-03-02');
  expect(made.alerts()).toEqual([]);
  body = bodyOf('enforce');
  await made.live(HOUR_MS);
  expect(made.alerts()).toMatchObject([{ event: 'MAIL_STS_DRIFT', zone: 'one.example.' }]);
});

test('a change of the MX to a host that the policy does not allow is an alert at once, not in an hour', async () => {
  const made = await house(EXTERNAL, () => bodyOf('enforce'));
  await made.live(10 * MINUTE_MS);
  expect(made.alerts()).toEqual([]);
  const change = { op: 'set', name: '@', type: 'MX', ttl: 3600, records: ['10 mx2.one.example.'] } as const;
  good(await made.run({ kind: 'rrsets.change', zone: ZONE, operations: [change] }));
  await made.live(MINUTE_MS);
  expect(made.alerts()).toMatchObject([{ event: 'MAIL_STS_UNCOVERED', text: expect.stringContaining('mx2.one.example') }]);
  expect(made.lines()[0]).toContain('it does not allow mx2.one.example of the MX');
});

test('a host that cannot be fetched from: seconds between the first looks, one alert, and it recovers', async () => {
  let text = bodyOf('enforce');
  const made = await house(EXTERNAL, () => text);
  await made.live(MINUTE_MS);
  text = ' connect: refused';
  await made.live(HOUR_MS + 5 * MINUTE_MS);
  expect(made.asked.length).toBeGreaterThan(5);
  expect(made.alerts()).toMatchObject([{ event: 'MAIL_STS_UNREACHABLE' }]);
  expect(made.lines()[0]).toContain('senders cannot fetch the policy: connect: refused');
  text = bodyOf('enforce');
  await made.live(10 * MINUTE_MS);
  expect(made.lines()[0]).not.toContain('senders cannot');
  expect(made.alerts()).toHaveLength(1);
});

describe('a host put by hand that leads elsewhere', () => {
  const BY_HAND = 'mta-sts 3600 A 198.51.100.7\n';

  test('is watched once its id is announced: another policy than ours is an alert', async () => {
    let isWrong = false;
    const served = () => formatStsPolicy({ mode: 'testing', maxAgeSeconds: 86_400, mxPatterns: ['mx1.one.example'] });
    const made = await house(
      { mtaSts: { mode: 'testing' }, dkim: { algorithms: [] } },
      () => (isWrong ? bodyOf('enforce') : served()),
      BY_HAND,
    );
    await made.live(2 * HOUR_MS);
    expect(made.lines()).toEqual([expect.stringContaining('mode testing seen')]);
    isWrong = true;
    await made.live(HOUR_MS);
    expect(made.alerts()).toMatchObject([
      { event: 'MAIL_STS_DRIFT', text: expect.stringContaining('than the one whose id DNS announces') },
    ]);
  });

  test('the watch ends with the policy, and with the mode', async () => {
    const made = await house(EXTERNAL, () => bodyOf('testing'));
    await made.live(MINUTE_MS);
    expect(made.watch()).toBeDefined();
    await made.apply({ mtaSts: { mode: 'off' }, dkim: { algorithms: [] } });
    expect(made.watch()).toBeUndefined();
    await made.apply(EXTERNAL);
    expect(made.watch()).toBeDefined();
    good(await made.run({ kind: 'mail.remove', zone: ZONE, records: 'delete' }));
    expect(made.watch()).toBeUndefined();
    const { length } = made.asked;
    await made.live(DAY_MS);
    expect(made.asked).toHaveLength(length);
  });
});
