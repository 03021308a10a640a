/**
 * Every scenario against the oracle, the responder, the whole path over UDP and TCP, and against NSD, Knot and BIND, which judge the
 * expectation itself. What a peer does otherwise is written in the scenario, and must really be otherwise.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PEER_KINDS, type Peer, startPeers } from '../support/peers.ts';
import { type ScenarioServer, askScenario, faultsOf, hasExpectedAdditional, hasOptionalAdditional } from '../support/scenario-check.ts';
import { groupScenarios, inProcessServers, peerServer, socketServers, zonesFor } from '../support/scenario-servers.ts';
import { type Scenario, type ScenarioQuery, SECTIONS, parseScenario } from '../support/scenario.ts';

const DIRECTORY = import.meta.dirname;
const SCENARIOS = readdirSync(DIRECTORY)
  .filter((file) => file.endsWith('.scn'))
  .toSorted()
  .map((file) => parseScenario(file, readFileSync(join(DIRECTORY, file), 'utf8')));

/** What is wrong with a server's answers to one scenario, told so that it can be read without the code. */
async function run(server: ScenarioServer, { queries }: Scenario): Promise<string[]> {
  const faults: string[] = [];
  for (const query of queries)
    for (const transport of query.transports) {
      const found = faultsOf(query, await askScenario(server, query, transport), false);
      if (found.length > 0) faults.push([`${query.title} (${server.name}, ${transport})`, ...found].join('\n  '));
    }
  return faults;
}

test('there are scenarios, each with its section, each question in one file only once', () => {
  expect(SCENARIOS.length).toBeGreaterThanOrEqual(40);
  const titles = SCENARIOS.flatMap(({ queries, file }) => queries.map(({ title }) => `${file} ${title}`));
  expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
});

describe('waxseal', () => {
  test.each(SCENARIOS)('$file: $rule', async (scenario) => {
    const servers = [...inProcessServers(scenario), ...(await socketServers(scenario))];
    const faults: string[] = [];
    for (const server of servers) faults.push(...(await run(server, scenario)));
    expect(faults.join('\n')).toBe('');
  });
});

describe.each(groupScenarios(SCENARIOS).map((group, at) => ({ group, title: `group ${at + 1}` })))('peers, $title', ({ group }) => {
  let peers: Peer[] = [];
  beforeAll(async () => {
    peers = await startPeers(PEER_KINDS, (kind) => zonesFor(kind, group));
  });
  afterAll(async () => {
    await Promise.all(peers.map((peer) => peer.stop()));
  });

  test.each(group)('$file: $rule', async (scenario) => {
    const faults: string[] = [];
    const judges = peers.filter(({ name }) => !scenario.cannotLoad.has(name));
    expect(judges.length).toBeGreaterThan(0);
    for (const query of scenario.queries) faults.push(...(await judge(query, judges)));
    expect(faults.join('\n')).toBe('');
  });
});

async function judge(query: ScenarioQuery, judges: readonly Peer[]): Promise<string[]> {
  const faults: string[] = [];
  const agree: boolean[] = [];
  for (const peer of judges) {
    const found: string[] = [];
    for (const transport of query.transports) {
      const reply = await askScenario(peerServer(peer), query, transport);
      found.push(...faultsOf(query, reply, true));
      agree.push(hasExpectedAdditional(query, reply));
    }
    const exception = query.exceptions.get(peer.name);
    if (exception === undefined && found.length > 0) faults.push([`${query.title} (${peer.name})`, ...found].join('\n  '));
    if (exception !== undefined && found.length === 0) faults.push(`${query.title}: ${peer.name} agrees: its exception can go`);
  }
  if (hasOptionalAdditional(query) && !agree.includes(true)) faults.push(`${query.title}: no peer gives this additional section`);
  return faults;
}

describe('the runner can fail', () => {
  test.each(SCENARIOS)('$file: an expectation that is changed is not met', async (scenario) => {
    const [lookup] = inProcessServers(scenario);
    for (const query of scenario.queries) {
      const [transport] = query.transports;
      const reply = await askScenario(lookup!, query, transport!);
      const unnoticed = spoiled(query).filter((expected) => faultsOf({ ...query, expected }, reply, false).length === 0);
      expect(unnoticed.map((expected) => ({ question: query.title, expected }))).toEqual([]);
    }
  });
});

/** The expectation with one thing changed: rcode, AA, EDE, a record too few, a record twice. */
function spoiled({ expected }: ScenarioQuery): ScenarioQuery['expected'][] {
  if (expected.rcode === undefined) return [{ ...expected, rcode: 'NOERROR' }];
  const aa = new Set(expected.flags);
  if (!aa.delete('AA')) aa.add('AA');
  const records = SECTIONS.flatMap((section) => {
    const lines = expected.sections[section];
    if (lines.length === 0) return [];
    return [lines.slice(1), [...lines, lines[0]!]].map((changed) => ({
      ...expected,
      sections: { ...expected.sections, [section]: changed },
    }));
  });
  return [
    { ...expected, rcode: expected.rcode === 'NOERROR' ? 'NXDOMAIN' : 'NOERROR' },
    { ...expected, flags: aa },
    { ...expected, ede: expected.ede === undefined ? 0 : undefined },
    ...records,
  ];
}
