/**
 * Laws of SPF upkeep. What is published in place of includes gives every client what the includes gave, with mailauth as the judge; and
 * while others change their records at random, a receiver with a cache finds every record that one it holds includes, as it was then.
 */
import { describe, expect, test } from 'vitest';
import { type TtlMemory, rememberTtl } from '#lifecycle/ttl-memory.ts';
import { NO_SPF_STATE, type SpfGround, type SpfState, partOwner, publishedParts, settleSpfParts, spfTextOf } from '#mail/spf/parts.ts';
import { NEW_SPF_WATCH, lookAtSpf } from '#mail/spf/upkeep.ts';
import { nameOf } from '#dns/name.ts';
import { pick, type Random, seededRandom } from '../support/random.ts';
import { askMailauth } from '../support/mailauth-spf.ts';
import { DOMAINS, flattenableTable } from '../support/spf-graph.ts';
import { type Table, tableResolver } from '../support/table-resolver.ts';
import { BASE, START_MS, policyOf, zoneOf } from '../support/mail/mail-domain.ts';

const APEX = nameOf('own.test.');

/** A client's address near those that the records name. */
function clientOf(random: Random): string {
  const last = Math.floor(random() * 256);
  return pick(random, [
    `192.0.2.${last}`,
    `192.0.2.${last}`,
    `198.51.100.${last}`,
    '192.0.2.1',
    '2001:db8::1',
    '2001:db8::2',
    `2001:db8:1::${last}`,
  ]);
}

function groundOf(spf: object, nowMs: number, ttls: TtlMemory, otherTxt: string): SpfGround {
  const view = zoneOf([...BASE, `@ 60 TXT "${otherTxt}"`], APEX);
  return { domain: APEX, policy: policyOf({ spf }, APEX).spf, view, ttls, nowMs };
}

const recordsOf = (state: SpfState, ground: SpfGround): Table => ({
  'own.test': { txt: [spfTextOf(ground.policy, state)] },
  ...Object.fromEntries(publishedParts(state).map(({ number, text }) => [partOwner(number, APEX), { txt: [text] }])),
});

describe('RFC 7208 §4.6.2', () => {
  test('mailauth gives every client the same result with the addresses as with the includes', async () => {
    let compared = 0;
    let split = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const random = seededRandom(4_000_000 + seed);
      const table = flattenableTable(random);
      const flatten = DOMAINS.filter(() => random() < 0.4);
      const mechanisms = [...flatten.map((domain) => `${pick(random, ['', '', '?', '~'])}include:${domain}`), 'ip4:203.0.113.9'];
      const all = pick(random, ['-all', '~all', '?all']);
      const ground = groundOf({ mechanisms, flatten, all }, START_MS, {}, 'x'.repeat(seed % 3 === 0 ? 240 : 1));
      const input = { ...ground, state: NO_SPF_STATE, watch: NEW_SPF_WATCH, wallOffsetMs: 0 };
      const { sources, watch } = await lookAtSpf(input, tableResolver(table));
      expect(watch.failing).toEqual([]);
      const { state } = settleSpfParts({ ...NO_SPF_STATE, sources }, ground);
      if (state.parts.length > 0) split++;
      const before = { ...table, ...recordsOf(NO_SPF_STATE, ground) };
      const after = { ...table, ...recordsOf(state, ground) };
      for (let round = 0; round < 10; round++) {
        const question = { ip: clientOf(random), sender: 'user@own.test', helo: 'h1.test' };
        const theirs = await askMailauth({ table: before, question });
        // More than ten look-ups or two voids: that is what flattening is for.
        if (theirs.result === 'permerror') continue;
        compared++;
        const flattened = await askMailauth({ table: after, question });
        expect(flattened.result, `seed ${seed} ${question.ip}: ${JSON.stringify(after)}`).toBe(theirs.result);
      }
    }
    expect(compared).toBeGreaterThan(800);
    expect(split).toBeGreaterThan(10);
  });
});

describe('RFC 7208 §5.2, RFC 2181 §8', () => {
  test('whatever a cache holds of us, what it includes is there as it was', () => {
    let versions = 0;
    let replaced = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const random = seededRandom(5_000_000 + seed);
      let nowMs = START_MS;
      let ttls: TtlMemory = {};
      let state: SpfState = NO_SPF_STATE;
      /** Records given out: how they read, and until when a cache may hold them. */
      const held = new Map<string, { untilMs: number; record: Table }>();
      /** Parts given out on their own. */
      let heldParts: { untilMs: number; owner: string; text: string }[] = [];
      for (let step = 0; step < 60; step++) {
        nowMs += Math.floor(random() * 3_600_000);
        const ttlSeconds = pick(random, [300, 3600, 7200]);
        ttls = rememberTtl(ttls, 'spf', ttlSeconds, nowMs);
        const ground = groundOf({ mechanisms: ['include:esp.test'], flatten: ['esp.test'] }, nowMs, ttls, 'x');
        const networks = Array.from(
          { length: pick(random, [3, 45, 45, 80]) },
          () => `10.${Math.floor(random() * 9)}.${Math.floor(random() * 256)}.1`,
        );
        const sources = random() < 0.6 ? [{ include: 'esp.test', networks, seenAtMs: nowMs }] : state.sources;
        state = settleSpfParts({ ...state, sources }, ground).state;
        const records = recordsOf(state, ground);
        const text = spfTextOf(ground.policy, state);
        for (const [key, { untilMs, record }] of held) {
          if (untilMs <= nowMs) held.delete(key);
          else for (const [owner, entry] of Object.entries(record)) if (owner !== 'own.test') expect(records[owner]).toEqual(entry);
        }
        const included = Object.entries(records).filter(([owner]) => text.includes(`include:${owner}`));
        if (!held.has(text)) versions++;
        heldParts = heldParts.filter(({ untilMs }) => untilMs > nowMs);
        for (const [owner, { txt = [] }] of included)
          for (const each of heldParts) if (each.owner === owner) expect([each.text]).toEqual(txt);
        for (const [owner, { txt = [] }] of Object.entries(records))
          heldParts.push({ untilMs: nowMs + ttlSeconds * 1000, owner, text: txt[0]! });
        const parts = Object.fromEntries(included);
        held.set(text, { untilMs: nowMs + ttlSeconds * 1000, record: parts });
        if (Object.keys(records).length > included.length + 1) replaced++;
      }
    }
    expect(versions).toBeGreaterThan(500);
    expect(replaced).toBeGreaterThan(500);
  });
});
