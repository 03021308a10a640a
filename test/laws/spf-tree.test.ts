/**
 * Laws between the parts of SPF: the tree's cost against evaluations, flattened records against the originals.
 */
import { describe, expect, test } from 'vitest';
import { evaluateSpf } from '#mail/spf/evaluate.ts';
import { flatten } from '#mail/spf/flatten.ts';
import { parseSpf } from '#mail/spf/parse.ts';
import { type SpfTree, spfTree } from '#mail/spf/tree.ts';
import { formatSpf } from '#mail/spf/spf.ts';
import { seededRandom } from '../support/random.ts';
import { DOMAINS, flattenableTable, randomSpfGraph } from '../support/spf-graph.ts';
import { tableResolver } from '../support/table-resolver.ts';

describe('the tree and the evaluation tell the same story', () => {
  const unlimited = { clock: { nowMs: () => 0 }, lookupsMax: 1000, voidsMax: 1000 };

  test('RFC 7208 §4.6.4: no client costs more than the tree says; one that nothing stops costs exactly that', async () => {
    let exact = 0;
    for (let seed = 1; seed <= 1500; seed++) {
      const { table, question } = randomSpfGraph(seededRandom(2_000_000 + seed), seed % 2 === 0);
      const tree = await spfTree('d0.test', tableResolver(table));
      const states = statesOf(tree);
      if (states.has('loop') || states.has('unvisited') || states.has('dynamic')) continue;
      const ours = await evaluateSpf(question, tableResolver(table), unlimited);
      // `%{p}` is charged once more than its term (§4.6.4), which a tree cannot know to be the first.
      const charged = ours.trace.some(({ term }) => /%\{p/i.test(term)) ? 1 : 0;
      expect(ours.lookups - charged, `seed ${seed}`).toBeLessThanOrEqual(tree.lookups);
      expect(ours.voids, `seed ${seed}`).toBeLessThanOrEqual(question.ip.includes(':') ? tree.voidsIpv6 : tree.voidsIpv4);
      const stops = ours.trace.filter(({ note, term }) => note.startsWith('matches') && !/^[-~?]all$/.test(term));
      const isWhole = stops.length === 0 && charged === 0 && !['none', 'permerror', 'temperror'].includes(ours.result);
      if (!isWhole) continue;
      exact++;
      expect(ours.lookups, `seed ${seed}`).toBe(tree.lookups);
    }
    expect(exact).toBeGreaterThan(200);
  });

  test('RFC 7208 §4.6.2: a flattened record gives every client the result of the original', async () => {
    const clients = [
      '192.0.2.1',
      '192.0.2.2',
      '192.0.2.77',
      '192.0.2.130',
      '198.51.100.7',
      '203.0.113.9',
      '2001:db8::1',
      '2001:db8::2',
      '2001:db8:1::7',
      '::1',
    ];
    let flattened = 0;
    let split = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const table = flattenableTable(seededRandom(3_000_000 + seed));
      const parsed = parseSpf(table['d0.test']?.txt?.[0] ?? '');
      if (!parsed.ok) throw new Error(`seed ${seed}: a bad record`);
      // Little room beside other TXT makes some of them split.
      const request = { domain: 'd0.test', record: parsed.value, chosen: DOMAINS, otherTxtBytes: seed % 3 === 0 ? 400 : 0, nowMs: 0 };
      const { record, parts, problems, sources } = await flatten(request, tableResolver(table), []);
      expect(problems.filter(({ code }) => code !== 'SPF_FLATTEN_MISSING')).toEqual([]);
      if (sources.length === 0) continue;
      flattened++;
      if (parts.length > 0) split++;
      const published = Object.fromEntries(
        [{ owner: 'd0.test', record }, ...parts].map((each) => [each.owner, { ...table[each.owner], txt: [formatSpf(each.record)] }]),
      );
      for (const ip of clients) {
        const question = { ip, sender: 'user@d0.test', helo: 'h1.test' };
        const before = await evaluateSpf(question, tableResolver(table), unlimited);
        const after = await evaluateSpf(question, tableResolver({ ...table, ...published }), unlimited);
        expect(before.result).not.toMatch(/error/);
        expect(after.result, `seed ${seed}, ${ip}: ${formatSpf(record)}`).toBe(before.result);
        if (parts.length === 0) expect(after.lookups).toBeLessThanOrEqual(before.lookups);
      }
    }
    expect(flattened).toBeGreaterThan(150);
    expect(split).toBeGreaterThan(10);
  });
});

function statesOf(tree: SpfTree, states = new Set<string>()): Set<string> {
  states.add(tree.state);
  for (const { below } of tree.branches) if (below !== undefined) statesOf(below, states);
  return states;
}
