/**
 * Every scenario that is asked over UDP, through AF_XDP over a veth pair, by IPv4 and by IPv6: store, responder, frames.
 * Not here: the other sockets, and that the runner can fail (scenarios.test.ts).
 */
import { type IpPort } from '#base/address.ts';
import { systemClock } from '#base/clock.ts';
import { Responder } from '#answer/respond.ts';
import { openReader } from '#store/reader.ts';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { NetworkLab } from '../support/network-lab.ts';
import { type ScenarioServer, askScenario, faultsOf } from '../support/scenario-check.ts';
import { groupScenarios } from '../support/scenario-servers.ts';
import { type Scenario, readScenarios } from '../support/scenario.ts';
import { temporaryControl } from '../support/temporary-control.ts';
import { serveXdp } from '../support/xdp-lab.ts';

let lab: NetworkLab;
beforeAll(async () => {
  lab = await NetworkLab.open();
});
afterAll(() => lab.close());

/** Groups: zones that one server can have at once. */
const GROUPS = groupScenarios(readScenarios()).map((scenarios, at) => ({ at, scenarios }));

async function responderOf(scenarios: readonly Scenario[]): Promise<Responder> {
  const server = temporaryControl({ nowMs: systemClock.nowMs() });
  for (const { zones } of scenarios)
    for (const zone of zones) await server.load(zone.name, zone.text, { dnssec: zone.signed, parent: 'ignore' });
  const reader = openReader(server.writer.dir);
  onTestFinished(() => reader.close());
  return new Responder(reader);
}

function throughXdp(to: IpPort): ScenarioServer {
  return { name: `AF_XDP, IPv${to.family}`, ask: (query, _, timeoutMs) => lab.one(to, query, { timeoutMs }) };
}

test.each(GROUPS)('group $at', async ({ scenarios }) => {
  const listen = [lab.at(4, 53), lab.at(6, 53)];
  const served = await serveXdp(lab, listen, await responderOf(scenarios));
  const servers = listen.map(throughXdp);
  const questions = scenarios.flatMap(({ queries, file }) =>
    queries.filter(({ transports }) => transports.includes('udp')).map((query) => ({ file, query })),
  );
  const faults: string[] = [];
  const ask = async (server: ScenarioServer, { file, query }: (typeof questions)[number]) => {
    const found = faultsOf(query, await askScenario(server, query, 'udp'), false);
    if (found.length > 0) faults.push([`${file}: ${query.title} (${server.name})`, ...found].join('\n  '));
  };
  // One family beside the other, and silence is waited for only once.
  for (const each of questions) await Promise.all(servers.map((server) => ask(server, each)));
  expect(faults.join('\n')).toBe('');
  expect(served.count('xdpQueries')).toBe(2 * questions.length);
});
