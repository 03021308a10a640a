/** One look at what SPF depends on. */
import { describe, expect, test } from 'vitest';
import { SPF_ALERTS_MAX, SPF_REFRESH_MS_MIN, SPF_TREE_BYTES_MAX } from '#base/limits/spf.ts';
import { type TtlMemory, rememberTtl } from '#lifecycle/ttl-memory.ts';
import { NO_SPF_STATE, type SpfGround } from '#mail/spf/parts.ts';
import { NEW_SPF_WATCH, type SpfLookInput, lookAtSpf, spreadOf } from '#mail/spf/upkeep.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';
import { APEX, BASE, HOUR_MS, START_MS, policyOf, zoneOf } from '../../support/mail/mail-domain.ts';

const TTLS: TtlMemory = rememberTtl({}, 'spf', 3600, START_MS);

function groundOf(spf: object, nowMs = START_MS, more: readonly string[] = []): SpfGround {
  return { domain: APEX, policy: policyOf({ spf }).spf, view: zoneOf([...BASE, ...more]), ttls: TTLS, nowMs };
}

const FLAT = { mechanisms: ['mx', 'include:esp.test'], flatten: ['esp.test'], all: '-all' };

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
