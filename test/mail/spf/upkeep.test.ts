/** One look at what SPF depends on, and the records beside the record: names, ages, limits. */
import { describe, expect, test } from 'vitest';
import { SPF_ALERTS_MAX, SPF_PARTS_MAX, SPF_REFRESH_MS_MIN, SPF_TREE_BYTES_MAX } from '#base/limits/spf.ts';
import { type TtlMemory, rememberTtl } from '#lifecycle/ttl-memory.ts';
import { assessDrift, keptTree } from '#mail/spf/drift.ts';
import { NO_SPF_STATE, type SpfGround, type SpfPart, type SpfState, settleSpfParts, spfTextOf } from '#mail/spf/parts.ts';
import { spfTree } from '#mail/spf/tree.ts';
import { NEW_SPF_WATCH, type SpfLookInput, lookAtSpf, spreadOf } from '#mail/spf/upkeep.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';
import { APEX, BASE, HOUR_MS, START_MS, policyOf, zoneOf } from '../../support/mail/mail-domain.ts';

const TTLS: TtlMemory = rememberTtl({}, 'spf', 3600, START_MS);
/** SOA REFRESH in BASE, and the TTL. */
const FORGOTTEN_MS = 7_200_000 + HOUR_MS;

function groundOf(spf: object, nowMs = START_MS, more: readonly string[] = []): SpfGround {
  return { domain: APEX, policy: policyOf({ spf }).spf, view: zoneOf([...BASE, ...more]), ttls: TTLS, nowMs };
}

const FLAT = { mechanisms: ['mx', 'include:esp.test'], flatten: ['esp.test'], all: '-all' };
const numbers = (count: number, third = 0) => Array.from({ length: count }, (_, at) => `10.${third}.${at * 2}.1`);
const stateOf = (networks: readonly string[], parts: readonly SpfPart[] = []): SpfState => ({
  sources: [{ include: 'esp.test', networks, seenAtMs: START_MS }],
  parts,
});

describe('RFC 7208 §5.2: records beside the record', () => {
  test('none while everything fits, and none without addresses', () => {
    expect(settleSpfParts(NO_SPF_STATE, groundOf(FLAT))).toEqual({ state: NO_SPF_STATE, events: [], problems: [] });
    expect(spfTextOf(policyOf({ spf: FLAT }).spf)).toBe('v=spf1 mx include:esp.test -all');
    const { state } = settleSpfParts(stateOf(['192.0.2.1']), groundOf(FLAT));
    expect(state).toMatchObject({ record: 'v=spf1 mx ip4:192.0.2.1 -all', parts: [] });
  });

  test('a text keeps its name and a name its text; names that others use are left alone', () => {
    const ground = groundOf({ ...FLAT, mechanisms: [...FLAT.mechanisms, 'include:_spf3.example.com'] }, START_MS, ['_spf1 60 TXT "x"']);
    const first = settleSpfParts(stateOf(numbers(75)), ground).state;
    expect(first.parts.map(({ number }) => number)).toEqual([2, 4, 5]);
    // Only what is after the first part changes.
    const second = settleSpfParts({ ...stateOf([...numbers(74), '10.1.0.1'], first.parts) }, { ...ground, nowMs: START_MS + 1 }).state;
    expect(second.parts.map(({ number, unusedSinceMs }) => [number, unusedSinceMs !== undefined])).toEqual([
      [2, false],
      [4, false],
      [5, true],
      [6, false],
    ]);
    expect(second.parts[0]).toEqual(first.parts[0]);
    expect(settleSpfParts(second, { ...ground, nowMs: START_MS + 1 }).state).toEqual(second);
  });

  test('one that nobody includes any more goes when caches have forgotten, and its name rests as long again', () => {
    const first = settleSpfParts(stateOf(numbers(45)), groundOf(FLAT));
    expect(first.events.map(({ event, object }) => `${event} ${object}`)).toEqual(['started _spf1', 'started _spf2']);
    const unused = settleSpfParts(stateOf(['192.0.2.1'], first.state.parts), groundOf(FLAT));
    expect(unused.nextDueMs).toBe(START_MS + FORGOTTEN_MS);
    const before = settleSpfParts(unused.state, groundOf(FLAT, START_MS + FORGOTTEN_MS - 1));
    expect(before.state.parts.every(({ goneSinceMs }) => goneSinceMs === undefined)).toBe(true);
    const gone = settleSpfParts(unused.state, groundOf(FLAT, START_MS + FORGOTTEN_MS));
    expect(gone.events.map(({ event, object }) => `${event} ${object}`)).toEqual(['finished _spf1', 'finished _spf2']);
    expect(gone.state.parts.every(({ goneSinceMs }) => goneSinceMs === START_MS + FORGOTTEN_MS)).toBe(true);
    // A cache that took it in the last moment holds it still: the same name with another text would be read as the old one.
    const again = settleSpfParts({ ...gone.state, sources: stateOf(numbers(45)).sources }, groundOf(FLAT, START_MS + FORGOTTEN_MS + 1));
    expect(again.state.parts.map(({ number, goneSinceMs }) => [number, goneSinceMs !== undefined])).toEqual([
      [1, true],
      [2, true],
      [3, false],
      [4, false],
    ]);
    expect(settleSpfParts(gone.state, groundOf(FLAT, START_MS + 2 * FORGOTTEN_MS)).state.parts).toEqual([]);
  });

  test('RFC 2181 §8: a TTL that was larger until now is waited for', () => {
    const ttls = rememberTtl(rememberTtl({}, 'spf', 86_400, START_MS), 'spf', 60, START_MS);
    const { state } = settleSpfParts(stateOf(numbers(45)), { ...groundOf(FLAT), ttls });
    expect(settleSpfParts(stateOf(['192.0.2.1'], state.parts), { ...groundOf(FLAT), ttls }).nextDueMs).toBe(START_MS + 86_400_000);
  });

  test('without SPF, or without the include, they stay as long as caches want them', () => {
    const { state } = settleSpfParts(stateOf(numbers(45)), groundOf(FLAT));
    for (const spf of [{ enabled: false }, { mechanisms: ['mx'] }]) {
      const after = settleSpfParts(state, groundOf(spf));
      expect(after.state.record).toBeUndefined();
      expect(after.state.sources).toEqual([]);
      expect(after.state.parts.every(({ unusedSinceMs }) => unusedSinceMs === START_MS)).toBe(true);
    }
  });

  test('all names in use: the record stays as it is until one is free', () => {
    const parts = Array.from({ length: SPF_PARTS_MAX - 2 }, (_, at): SpfPart => ({
      number: at + 3,
      text: `v=spf1 ${at}`,
      unusedSinceMs: START_MS,
    }));
    const first = settleSpfParts(stateOf(numbers(45), parts), groundOf(FLAT)).state;
    const full = settleSpfParts({ ...first, sources: stateOf(numbers(45, 1)).sources }, groundOf(FLAT, START_MS + 1));
    expect(full.problems).toMatchObject([{ code: 'SPF_FLATTEN_LARGE', severity: 'error' }]);
    expect(full.state).toMatchObject({ record: first.record, parts: first.parts });
    const after = settleSpfParts(full.state, groundOf(FLAT, START_MS + FORGOTTEN_MS + 1));
    expect(settleSpfParts(after.state, groundOf(FLAT, START_MS + 2 * FORGOTTEN_MS + 1)).problems).toEqual([]);
  });
});

describe('one look', () => {
  const WORLD: Table = {
    'example.com': { mx: ['10 mx1.example.com'] },
    'mx1.example.com': { a: ['192.0.2.25'], aaaa: ['2001:db8::25'] },
    'esp.test': { txt: ['v=spf1 ip4:198.51.100.0/24 include:sub.test -all'] },
    'sub.test': { txt: ['v=spf1 ip4:203.0.113.1 -all'] },
  };
  const look = (changes: Table, more: Partial<SpfLookInput> & { readonly spf?: object } = {}) => {
    const { spf = FLAT, ...input } = more;
    const ground = { ...groundOf(spf), state: NO_SPF_STATE, watch: NEW_SPF_WATCH, wallOffsetMs: 0, ...input };
    return lookAtSpf(ground, tableResolver({ ...WORLD, ...changes }));
  };

  test('the same arguments give the same look, as plain data', async () => {
    const first = await look({});
    expect(first.sources).toEqual([{ include: 'esp.test', networks: ['198.51.100.0/24', '203.0.113.1'], seenAtMs: START_MS }]);
    expect(first.watch.tree).toMatchObject({ lookups: 1, voids: 0 });
    expect(JSON.parse(JSON.stringify(first))).toEqual(first);
    expect(await look({})).toEqual(first);
  });

  test('failures are tried again soon, then ever later, never later than usual', async () => {
    let watch = NEW_SPF_WATCH;
    const waits: number[] = [];
    for (let round = 0; round < 8; round++) {
      const failed = await look({ 'esp.test': { timeout: true } }, { watch });
      watch = failed.watch;
      waits.push(watch.nextMs - START_MS);
    }
    for (const [at, ms] of waits.entries()) {
      const fullMs = Math.min(HOUR_MS, SPF_REFRESH_MS_MIN * 2 ** at);
      expect(ms).toBeLessThanOrEqual(fullMs);
      expect(ms).toBeGreaterThan(fullMs * 0.79);
    }
    const { watch: again } = await look({}, { watch });
    expect(again.failures).toBe(0);
  });

  test('what is kept is bounded, whatever strangers publish', async () => {
    const wide = Object.fromEntries(
      Array.from({ length: 90 }, (_, at) => [
        `w${at}.test`,
        { txt: [`v=spf1 ${'a:very-long-name-of-a-host-that-is-not-there.example '.repeat(100)} -all`] },
      ]),
    );
    const text = `v=spf1 ${Object.keys(wide)
      .map((name) => `include:${name}`)
      .join(' ')} -all`;
    let watch = NEW_SPF_WATCH;
    const spf = { mechanisms: ['include:esp.test'] };
    for (let round = 0; round < SPF_ALERTS_MAX + 4; round++) {
      const changes = { ...wide, 'esp.test': { txt: [round % 2 === 0 ? text : 'v=spf1 include:w0.test -all'] } };
      ({ watch } = await look(changes, { watch, spf }));
    }
    expect(JSON.stringify(watch.tree).length).toBeLessThanOrEqual(SPF_TREE_BYTES_MAX);
    expect(watch.alerts).toHaveLength(SPF_ALERTS_MAX);
    expect(JSON.stringify(watch).length).toBeLessThanOrEqual(SPF_TREE_BYTES_MAX + 40_000);
  });

  test('a tree that is kept shows the same drift as the whole one', async () => {
    const before = await spfTree(
      'example.com',
      tableResolver({ ...WORLD, 'example.com': { txt: ['v=spf1 ip4:192.0.2.1 include:esp.test -all'] } }),
    );
    const now = await spfTree(
      'example.com',
      tableResolver({
        ...WORLD,
        'example.com': { txt: ['v=spf1 include:esp.test -all'] },
        'sub.test': { txt: ['v=spf1 a:gone.test include:new.test -all'] },
      }),
    );
    const { alerts, added, removed } = assessDrift(keptTree(before, 10_000), now);
    expect({ alerts, added, removed }).toEqual({ ...assessDrift(before, now), tree: undefined });
    expect(added).toEqual(['new.test (by sub.test)']);
  });

  test('what could not be looked up before is not new when it can be', async () => {
    const hidden = await look({ 'esp.test': { servfail: true } }, { spf: { mechanisms: ['include:esp.test'] } });
    const { alerts } = await look({}, { spf: { mechanisms: ['include:esp.test'] }, watch: hidden.watch });
    expect(alerts).toEqual([]);
  });

  test('ten thousand zones that start together do not look together', () => {
    const buckets = Array.from({ length: 60 }, () => 0);
    for (let at = 0; at < 10_000; at++) buckets[Math.floor(spreadOf(`zone${at}.example.`) * 60)]!++;
    expect(Math.max(...buckets)).toBeLessThan(260);
    expect(Math.min(...buckets)).toBeGreaterThan(90);
  });
});
