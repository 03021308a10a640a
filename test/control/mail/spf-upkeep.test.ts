/** Looks at SPF as due work: first times, who is alerted of what, and a zone or policy that went. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WHOLE } from '#base/place.ts';
import { nameOf } from '#dns/name.ts';
import { StoreFailure } from '#store/failure.ts';
import { readSpfWatch, spfWatchWrite } from '#store/mail/spf-watch.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';
import { MAIL_ZONE_TEXT, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('post.example.');
const HOUR_MS = 3_600_000;
const ESP: Table = { 'esp.test': { txt: ['v=spf1 ip4:198.51.100.1 -all'] } };
const policyWith = (spf: object) => ({ mtaSts: { mode: 'off' }, dkim: { algorithms: [] }, spf });
const FLAT = policyWith({ mechanisms: ['mx', 'include:esp.test'], flatten: ['esp.test'] });

/** Zones with the policy; `state.world` is what others publish. */
async function house(names: readonly string[] = ['post.example.'], policy: object = FLAT) {
  const state = { world: ESP };
  const made = temporaryControl({ outside: { lookup: (name, type) => tableResolver(state.world).lookup(name, type) } });
  for (const name of names) {
    await made.load(name, MAIL_ZONE_TEXT, { dnssec: false });
    good(await made.run({ kind: 'mail.apply', zone: nameOf(name), policy }));
  }
  const source = made.control.lifecycles.sources.find(({ name }) => name === 'spf')!;
  const alert = vi.spyOn(made.control.events, 'alert');
  onTestFinished(() => void vi.restoreAllMocks());
  const idOf = (name: string) => made.control.zones.find(nameOf(name))!.id;
  return {
    ...made,
    state,
    source,
    alert,
    timeOf: (name: string) => readSpfWatch(made.writer, idOf(name))?.nextMs,
    /** As before the first look. */
    forget: () => made.writer.commit({ audit: { atMs: 0 }, documents: names.map((name) => spfWatchWrite(idOf(name), null)) }),
  };
}

describe('first times', () => {
  test('are spread over the next hour; the same zone has the same share of it', async () => {
    const names = Array.from({ length: 8 }, (_, at) => `z${at}.example.`);
    const made = await house(names);
    await made.forget();
    const nowMs = made.control.lifecycles.nowMs();
    good(await made.source.begin!());
    const first = names.map((name) => made.timeOf(name)! - nowMs);
    for (const afterMs of first) expect(afterMs).toBeGreaterThanOrEqual(0);
    expect(Math.max(...first)).toBeLessThanOrEqual(HOUR_MS);
    expect(new Set(first).size).toBe(names.length);
    await made.forget();
    good(await made.source.begin!());
    expect(names.map((name) => made.timeOf(name)! - nowMs)).toEqual(first);
  });

  test('a zone that has one keeps it, and nothing is written', async () => {
    const made = await house();
    const before = [made.timeOf('post.example.'), made.writer.generation()];
    good(await made.source.begin!());
    expect([made.timeOf('post.example.'), made.writer.generation()]).toEqual(before);
  });

  test('a policy that depends on nothing outside gets none', async () => {
    const made = await house(['post.example.'], policyWith({ mechanisms: ['ip4:192.0.2.1'] }));
    good(await made.source.begin!());
    expect(made.timeOf('post.example.')).toBeUndefined();
  });
});

describe('a look', () => {
  test('that finds nothing new alerts nobody and says nothing', async () => {
    const made = await house();
    expect(good(await made.source.work(ZONE))).toEqual([]);
    expect(made.alert).not.toHaveBeenCalled();
  });

  test('alerts once of an include that cannot be read, and says when it can be again', async () => {
    const made = await house();
    made.state.world = { 'esp.test': { servfail: true } };
    expect(good(await made.source.work(ZONE))).toMatchObject([
      { level: 'warn', event: 'mail.spf-kept', fields: { code: 'SPF_FLATTEN_KEPT' } },
    ]);
    expect(good(await made.source.work(ZONE))).toEqual([]);
    expect(made.alert.mock.calls).toMatchObject([['post.example.', [{ code: 'SPF_FLATTEN_KEPT' }]]]);
    made.state.world = ESP;
    expect(good(await made.source.work(ZONE))).toEqual([
      {
        level: 'info',
        event: 'mail.spf-recovered',
        text: 'include:esp.test can be read again',
        fields: { include: 'esp.test' },
      },
    ]);
    expect(made.alert).toHaveBeenCalledTimes(1);
  });

  test('that cannot be taken in alerts nobody of what it found', async () => {
    const made = await house();
    made.state.world = { 'esp.test': { servfail: true } };
    vi.spyOn(made.writer, 'commit').mockRejectedValue(new StoreFailure('STORE_FULL', WHOLE, 'no space'));
    expect(bad(await made.source.work(ZONE))).toMatchObject([{ code: 'STORE_FULL' }]);
    expect(made.alert).not.toHaveBeenCalled();
  });

  test('of a policy that went, or a zone that is not served, is a problem', async () => {
    const made = await house();
    good(await made.run({ kind: 'mail.remove', zone: ZONE, records: 'keep' }));
    expect(bad(await made.source.work(ZONE))).toMatchObject([{ code: 'MAIL_NO_POLICY' }]);
    expect(bad(await made.source.work(nameOf('gone.example.')))).toMatchObject([{ code: 'ZONE_NOT_FOUND' }]);
  });
});
