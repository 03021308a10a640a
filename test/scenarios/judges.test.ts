/**
 * NSD, Knot and BIND judge what the scenarios expect. What a peer does otherwise is written in the scenario, and must really be otherwise.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PEER_KINDS } from '../support/peer-kinds.ts';
import { type Peer, startPeers } from '../support/peers.ts';
import { askScenario, faultsOf, hasExpectedAdditional, hasOptionalAdditional } from '../support/scenario-check.ts';
import { groupScenarios, peerServer, zonesFor } from '../support/scenario-servers.ts';
import { type ScenarioQuery, readScenarios } from '../support/scenario.ts';

describe.each(groupScenarios(readScenarios()).map((group, at) => ({ group, title: `group ${at + 1}` })))('peers, $title', ({ group }) => {
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
