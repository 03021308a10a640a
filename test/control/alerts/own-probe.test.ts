/** What is made of answers that come, are late, and do not come; one real name server on loopback. */
import { expect, onTestFinished, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { PROBE_ANSWERS } from '#base/limits/alerts.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { OwnProbe } from '#control/alerts/own-probe.ts';
import { fakeNameServer } from '../../support/fake-name-server.ts';

const ZONE = nameOf('example.com.');
const server = (at: number) => ({ server: ipPort(`192.0.2.${at}`, 53), zone: ZONE });
const ANSWER = { reply: {} } as never;
const SILENT = { failure: 'does not answer' };

function lab(count: number, serversMax?: number) {
  const silent = new Set<string>();
  const asked: string[] = [];
  let nowMs = 0;
  let servers = Array.from({ length: count }, (_, at) => server(at + 1));
  const probe = new OwnProbe({
    servers: () => servers,
    nowMs: () => nowMs,
    ask: ({ ip }) => (asked.push(ip), Promise.resolve(silent.has(ip) ? SILENT : ANSWER)),
    ...(serversMax === undefined ? {} : { serversMax }),
  });
  const minutes = async (many: number) => {
    for (let at = 0; at < many; at++) {
      await probe.probe();
      nowMs += 60_000;
    }
  };
  const values = (name: string) => {
    const { samples } = probe.families().find((each) => each.name === name)!;
    return Object.fromEntries(samples.map(({ labels, value }) => [labels['server'] ?? '', value]));
  };
  return { silent, asked, minutes, values, keep: (many: number) => (servers = servers.slice(0, many)) };
}

test('a server that does not answer is silent; wholly down is since the last of them fell silent', async () => {
  const { silent, minutes, values } = lab(2);
  await minutes(1);
  expect(values('waxseal_probe_answered')).toEqual({ '192.0.2.1:53': 1, '192.0.2.2:53': 1 });
  silent.add('192.0.2.1');
  await minutes(10);
  expect(values('waxseal_probe_answered')).toEqual({ '192.0.2.1:53': 0, '192.0.2.2:53': 1 });
  expect(values('waxseal_probe_all_down_seconds')).toEqual({ '': 0 });
  silent.add('192.0.2.2');
  await minutes(31);
  expect(values('waxseal_probe_all_down_seconds')).toEqual({ '': 31 * 60 });
  silent.delete('192.0.2.1');
  await minutes(1);
  expect(values('waxseal_probe_all_down_seconds')).toEqual({ '': 0 });
});

test('the average is that of an hour: none is told before, and a missing answer counts as twenty seconds', async () => {
  const { silent, minutes, values } = lab(1);
  await minutes(PROBE_ANSWERS - 1);
  expect(values('waxseal_probe_average_seconds')).toEqual({});
  silent.add('192.0.2.1');
  await minutes(PROBE_ANSWERS / 2);
  const half = values('waxseal_probe_average_seconds')['192.0.2.1:53']!;
  expect(half).toBeGreaterThan(9.9);
  expect(half).toBeLessThan(10.4);
});

test('of many servers others are asked in each minute, and one that goes is forgotten', async () => {
  const { asked, minutes, values, keep } = lab(5, 2);
  await minutes(5);
  expect(asked).toHaveLength(10);
  expect(new Set(asked).size).toBe(5);
  keep(1);
  await minutes(1);
  expect(Object.keys(values('waxseal_probe_answered'))).toEqual(['192.0.2.1:53']);
});

test('a real server is asked over UDP for the SOA of its zone', async () => {
  const name = await fakeNameServer((_owner, type) => (type === TYPE.SOA ? { rcode: 5 } : undefined));
  onTestFinished(() => name.close());
  const probe = new OwnProbe({ servers: () => [{ server: name.at, zone: ZONE }], nowMs: () => 0 });
  await probe.probe();
  expect(name.received).toHaveLength(1);
  // REFUSED is an answer: the server is there.
  expect(probe.families()[0]!.samples).toEqual([{ labels: { server: `127.0.0.1:${name.at.port}` }, value: 1 }]);
});

test('a stop waits for no silent server, and that server does not count as silent', async () => {
  const name = await fakeNameServer(() => undefined);
  onTestFinished(() => name.close());
  const probe = new OwnProbe({ servers: () => [{ server: name.at, zone: ZONE }], nowMs: () => 0 });
  const stopping = new AbortController();
  const startedMs = performance.now();
  const probed = probe.probe(stopping.signal);
  setTimeout(() => stopping.abort(), 50);
  await probed;
  // Well below SHUTDOWN_MS; without the signal it is PROBE_WAIT_MS.
  expect(performance.now() - startedMs).toBeLessThan(5000);
  expect(probe.families()[0]!.samples).toEqual([]);
  // Nothing more is asked after it.
  const asked = name.received.length;
  await probe.probe(stopping.signal);
  expect([name.received.length, probe.families()[0]!.samples]).toEqual([asked, []]);
});
