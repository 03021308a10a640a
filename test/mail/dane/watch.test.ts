/** What the watch over mail hosts remembers and tells; looks are data. */
import { describe, expect, test } from 'vitest';
import { DANE_ALERT_EVERY_MS, DANE_HOSTS_MAX, DANE_LOOK_EVERY_MS, DANE_LOOK_SOON_MS } from '#base/limits/dane.ts';
import { type LiveRecord, type LiveVerdict } from '#mail/dane/live.ts';
import { type DaneWatch, type WatchedLook, hostsInTurn, takeLook } from '#mail/dane/watch.ts';

const NAME = 'mx1.example.com.:25';

const record = (object: string, stage: string, matches: boolean): LiveRecord => ({
  ...{ object, stage, matches },
  record: '3 1 1 00',
  why: '',
});
const OLD = record('tlsa-mx1-1', 'current', true);

function look(verdict: LiveVerdict, ...records: readonly LiveRecord[]): WatchedLook {
  const address = { ip: '192.0.2.25', verdict, text: 'presents the key X', certificates: [], records };
  return { host: 'mx1.example.com.', port: 25, verdict, text: '192.0.2.25 presents the key X', addresses: [address] };
}

const codes = (before: DaneWatch | undefined, nowMs: number, ...looks: readonly WatchedLook[]) => {
  const { watch, alerts, notices } = takeLook({ before, looks, all: looks, nowMs });
  return { watch, alerts: alerts.map(({ code }) => code), notices: notices.map(({ event }) => event) };
};

test('a host that is well is looked at again in an hour, and no one is told', () => {
  expect(codes(undefined, 1000, look('match', OLD))).toEqual({
    watch: { version: 1, nextMs: 1000 + DANE_LOOK_EVERY_MS, hosts: { [NAME]: { served: ['tlsa-mx1-1'] } } },
    alerts: [],
    notices: [],
  });
});

describe('RFC 7672 §2.2: a key that no record matches', () => {
  test('is an alert at once, then once a day, and looked at again soon', () => {
    const bad = look('no-match', { ...OLD, matches: false });
    const first = codes(undefined, 0, bad);
    expect(first).toMatchObject({ alerts: ['DANE_MISMATCH'], watch: { nextMs: DANE_LOOK_SOON_MS } });
    const second = codes(first.watch, DANE_ALERT_EVERY_MS - 1, bad);
    expect(second.alerts).toEqual([]);
    const third = codes(second.watch, DANE_ALERT_EVERY_MS, bad);
    expect(third.alerts).toEqual(['DANE_MISMATCH']);
    expect(codes(third.watch, DANE_ALERT_EVERY_MS + 1, bad).alerts).toEqual([]);
  });

  test('says what is presented and what helps', () => {
    const [alert] = takeLook({ before: undefined, looks: [look('no-match')], all: [look('no-match')], nowMs: 0 }).alerts;
    expect(alert).toMatchObject({
      severity: 'error',
      at: { kind: 'object' },
      message: '192.0.2.25 presents the key X: senders that go by DANE do not deliver there',
      fix: expect.stringContaining('waxseal tlsa next'),
    });
  });

  test('that a record matches again is told once; the next time is an alert again', () => {
    const bad = codes(undefined, 0, look('no-match'));
    const good = codes(bad.watch, 1, look('match', OLD));
    expect(good).toMatchObject({ alerts: [], notices: ['mail.tlsa-recovered'], watch: { nextMs: 1 + DANE_LOOK_EVERY_MS } });
    expect(codes(good.watch, 2, look('match', OLD)).notices).toEqual([]);
    expect(codes(good.watch, 3, look('no-match')).alerts).toEqual(['DANE_MISMATCH']);
  });

  test('a look that sees nothing is no alert, and no end of one', () => {
    expect(codes(undefined, 0, look('unseen'))).toMatchObject({ alerts: [], watch: { hosts: {}, nextMs: DANE_LOOK_EVERY_MS } });
    const bad = codes(undefined, 0, look('no-match'));
    const unseen = codes(bad.watch, 1, look('unseen'));
    expect(unseen).toMatchObject({ alerts: [], notices: [], watch: { hosts: bad.watch.hosts, nextMs: 1 + DANE_LOOK_SOON_MS } });
  });

  test('a host that has no records any more is forgotten', () => {
    const bad = codes(undefined, 0, look('no-match'));
    expect(codes(bad.watch, 1).watch.hosts).toEqual({});
  });
});

describe('RFC 7671 §8.1: a next key', () => {
  test.each(['published', 'visible'])('that is used while it is %s is an alert', (stage) => {
    const early = look('match', { ...OLD, matches: false }, record('tlsa-mx1-2', stage, true));
    expect(codes(undefined, 0, early).alerts).toEqual(['DANE_KEY_EARLY']);
  });

  test('that may be used and is seen in use is told once: the word that activates it is the operator’s', () => {
    const used = look('match', { ...OLD, matches: false }, record('tlsa-mx1-2', 'deployable', true));
    const first = codes(undefined, 0, used);
    expect(first).toMatchObject({ alerts: [], notices: ['mail.tlsa-seen'] });
    expect(codes(first.watch, 1, used).notices).toEqual([]);
  });

  test('while the record of the old one is on its way out, looks are soon', () => {
    const leaving = look('match', { ...OLD, stage: 'withdrawing', matches: false }, record('tlsa-mx1-2', 'current', true));
    expect(codes(undefined, 0, leaving).watch.nextMs).toBe(DANE_LOOK_SOON_MS);
  });
});

describe('a zone with many hosts', () => {
  const many = Array.from({ length: DANE_HOSTS_MAX * 2 + 3 }, (_, at) => ({ host: `mx${at}.example.com.`, port: 25 }));
  const lookAt = (hosts: readonly { readonly host: string; readonly port: number }[], verdict: LiveVerdict): WatchedLook[] =>
    hosts.map((host) => ({ ...look(verdict), ...host }));

  test('has some of them looked at in a turn, all of them in time, and what is known of the others stays', () => {
    const seen = new Set<string>();
    let watch: DaneWatch | undefined;
    for (let turn = 0; turn < 3; turn++) {
      const hosts = hostsInTurn(watch, many);
      expect(hosts).toHaveLength(DANE_HOSTS_MAX);
      hosts.forEach(({ host }) => seen.add(host));
      const step = takeLook({ before: watch, looks: lookAt(hosts, 'no-match'), all: many, nowMs: turn });
      expect(step.watch.nextMs).toBe(turn + DANE_LOOK_SOON_MS);
      ({ watch } = step);
    }
    expect(seen.size).toBe(many.length);
    expect(Object.keys(watch!.hosts)).toHaveLength(many.length);
  });

  test('with few all of them are looked at', () => expect(hostsInTurn(undefined, many.slice(0, 3))).toEqual(many.slice(0, 3)));
});
