/**
 * Every scenario against the oracle, the responder, and the whole path over UDP and TCP.
 * Not here: whether other servers answer the same (judges.test.ts).
 */
import { describe, expect, test } from 'vitest';
import { type ScenarioServer, askScenario, faultsOf } from '../support/scenario-check.ts';
import { inProcessServers, socketServers } from '../support/scenario-servers.ts';
import { type Scenario, type ScenarioQuery, SECTIONS, readScenarios } from '../support/scenario.ts';

const SCENARIOS = readScenarios();

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
