/** What alerts of a running server look at: its listeners and secondaries, and those that are behind. */
import { expect, test } from 'vitest';
import { type MetricFamily } from '#control/api/control.ts';
import { serverAlerts } from '#control/alerts/parts.ts';
import { secondariesWrite } from '#store/transfer/secondaries.ts';
import { fakeNameServer } from '../../support/fake-name-server.ts';
import { temporaryControl } from '../../support/temporary-control.ts';

const TEXT = '@ 60 IN SOA ns host 1 1 1 1 60\n@ IN NS ns\nns IN A 192.0.2.1\n';

test('each listener and each secondary is asked at its port, and what is behind is counted by address', async () => {
  const made = temporaryControl();
  const { control, writer, clock } = made;
  await made.load('example.com.', TEXT, { dnssec: false });
  const [own, secondary] = [await fakeNameServer(() => ({})), await fakeNameServer(() => ({}))];
  const { id } = writer.zones()[0]!;
  const entry = { ip: secondary.at.ip, port: secondary.at.port, addedAtMs: 0 };
  await writer.commit({ audit: { atMs: 0 }, documents: [secondariesWrite(id, [entry])] });
  let lookedAgain = 0;
  const parts = {
    ...{ writer, clock, events: control.events, settings: undefined, keeper: { state: () => undefined } },
    checks: { over: () => undefined },
    funnel: { change: () => expect.unreachable('nothing is written') } as never,
    time: { nowMs: () => clock.nowMs() } as never,
    resolver: { lookup: () => Promise.resolve({ kind: 'nxdomain' } as const) },
    publisher: { addresses: [`0.0.0.0:${own.at.port}`] },
    families: (): readonly MetricFamily[] => [],
    notifier: { behind: () => ['192.0.2.53', '192.0.2.53', '192.0.2.54'], lookAgain: () => (lookedAgain += 1) },
  };
  const alerts = serverAlerts(parts);
  await alerts.probe();
  expect([own.received.length, secondary.received.length, lookedAgain]).toEqual([1, 1, 1]);
  const values = (name: string) => alerts.metrics().find((each) => each.name === name)!.samples;
  expect(values('waxseal_probe_answered').map(({ labels }) => labels['server'])).toEqual([
    `127.0.0.1:${own.at.port}`,
    `127.0.0.1:${secondary.at.port}`,
  ]);
  expect(values('waxseal_secondaries_behind')).toEqual([
    { labels: { secondary: '192.0.2.53' }, value: 2 },
    { labels: { secondary: '192.0.2.54' }, value: 1 },
  ]);
  await Promise.all([own.close(), secondary.close()]);
});
