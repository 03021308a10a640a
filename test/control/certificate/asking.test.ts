/** What a CA, name servers and the zone may do wrong: the certificate in use stays, and the state says what is wrong and what helps. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { DELEGATED, HOST, TEST_NOW_MS, ZONE, certificateHouse } from '../../support/acme/certificate-house.ts';
import { type Lie, MockCa } from '../../support/acme/mock-ca.ts';
import { bad, good } from '../../support/temporary-control.ts';

const DAY_MS = 86_400_000;

/** A house with a certificate in use, whose next one is ordered now. */
async function renewing(spoil: (ca: MockCa) => void) {
  const made = await certificateHouse();
  await made.want();
  await made.live(60_000);
  const first = made.certificate()!;
  spoil(made.ca);
  // The directory is read again after an hour.
  await made.live(2 * 3_600_000);
  await made.want();
  await made.live(5 * 60_000);
  return { ...made, first };
}

describe('a CA that lies', () => {
  const lies: [Lie, string, string][] = [
    ['name', 'CERTIFICATE_WRONG', `it is for evil.example, not for ${HOST}`],
    ['key', 'CERTIFICATE_WRONG', 'it is for another key'],
    ['expired', 'CERTIFICATE_WRONG', 'it has expired'],
    ['early', 'CERTIFICATE_WRONG', 'it is not valid before'],
    ['garbage', 'CERTIFICATE_WRONG', 'it contains no certificate'],
    ['order-name', 'ACME_ANSWER', `an order that is not for ${HOST}`],
    ['elsewhere', 'ACME_ANSWER', 'a directory without newNonce, newAccount and newOrder on the same server'],
    ['redirect', 'ACME_UNREACHABLE', 'the CA leads elsewhere (HTTP status 302); that is not followed'],
  ];
  for (const [lie, code, text] of lies)
    test(`about ${lie}: ${code}; the certificate in use stays, and nothing is half installed`, async () => {
      const made = await renewing((ca) => (ca.lie = lie));
      expect(made.certificate()).toEqual(made.first);
      const { failure, lines, coming } = made.view()!;
      expect(failure).toMatchObject({ code });
      expect(failure!.message).toContain(text);
      expect(failure!.retryAtMs).toBeGreaterThan(made.clock.nowMs());
      expect(lines.join('\n')).toContain('tried again');
      expect(coming).toBe(made.object()!.stage);
      // It mends its ways: the next try succeeds without anybody's help.
      made.ca.lie = undefined;
      await made.live(2 * DAY_MS);
      expect(made.certificate()!.keyVersion).toBeGreaterThan(made.first.keyVersion);
      expect(made.ca.liveMax).toBe(1);
    });
});

describe('a CA that does not answer', () => {
  test('is asked less and less often, and the same order goes on when it is back', async () => {
    const made = await certificateHouse();
    await made.want();
    await made.live(1000);
    made.ca.outage = 'silent';
    const before = made.ca.asked.length;
    await made.live(DAY_MS / 2);
    // Each try is three, and the last tries are a quarter of an hour apart.
    expect(made.ca.asked.length - before).toBeLessThan(240);
    expect(made.view()!.failure).toMatchObject({ code: 'ACME_UNREACHABLE', message: 'the CA does not answer: the connection is refused' });
    made.ca.outage = undefined;
    await made.live(1_200_000);
    expect(made.certificate()).toBeDefined();
    expect(made.ca.orders).toHaveLength(1);
  });

  test('is left for the next directory before there is an order', async () => {
    const second = new MockCa({ nowMs: () => TEST_NOW_MS, texts: (name) => made.texts(name), directory: 'https://second.example/dir' });
    const made = await certificateHouse({
      cas: [second],
      settings: { directories: ['https://ca.example/directory', 'https://second.example/dir'] },
    });
    made.ca.outage = 'fault';
    await made.want();
    await made.live(120_000);
    expect(made.certificate()).toBeDefined();
    expect(made.view()!.directory).toBe('https://second.example/dir');
    expect([made.ca.orders.length, second.orders.length]).toEqual([0, 1]);
  });

  test('that takes no more orders for a time is not asked before that', async () => {
    const made = await certificateHouse();
    made.ca.outage = 'rate-limit';
    await made.want();
    await made.live(30 * 60_000);
    expect(made.ca.asked).toHaveLength(1);
    expect(made.view()!.failure).toMatchObject({ code: 'ACME_RATE_LIMIT' });
    expect(made.view()!.failure!.retryAtMs).toBeGreaterThanOrEqual(TEST_NOW_MS + 3_600_000);
  });

  test('that rejects the name is asked in quarters of hours, then hours; the operator hears of it once, and may have it tried at once', async () => {
    const made = await certificateHouse();
    made.ca.rejecting = 'rejectedIdentifier';
    await made.want();
    await made.live(DAY_MS);
    const orders = () => made.ca.asked.filter((each) => each === 'POST /new-order').length;
    expect(orders()).toBeLessThanOrEqual(8);
    const alerts = made.control.events.after(0, 1000).filter(({ kind }) => kind === 'alert');
    expect(alerts.map(({ event, text }) => `${event} ${text}`)).toEqual([
      `ACME_REJECTED certificate of ${HOST}: the CA rejects the request: this CA does not issue for that name (rejectedIdentifier)`,
    ]);
    made.ca.rejecting = undefined;
    await made.want();
    await made.live(60_000);
    expect(made.certificate()).toBeDefined();
  });

  test('half of all calls fail, also after they were done: every host gets its certificate, one order at a time', async () => {
    const made = await certificateHouse({ ca: { failing: 0.5 } });
    const hosts = Array.from({ length: 20 }, (_, at) => `h${at}.post.example`);
    for (const host of hosts) await made.want(host);
    await made.live(6 * 3_600_000);
    expect(hosts.filter((host) => made.certificate(host) === undefined)).toEqual([]);
    expect(made.ca.liveMax).toBe(1);
    expect(made.ca.accounts.size).toBe(1);
  });
});

describe('a challenge', () => {
  test('that one name server does not show is not told to the CA; the state says which server', async () => {
    const lookup = () => Promise.resolve({ kind: 'nxdomain' } as const);
    const nameServers = new Map([['192.0.2.54:53', { lookup }]]);
    const made = await certificateHouse({ ca: { orderMs: 1_800_000 }, witnesses: { nameServers } });
    await made.want();
    await made.live(60_000);
    expect(made.object()!.stage).toBe('ordered');
    expect(made.ca.asked.filter((each) => each.includes('/challenge/'))).toEqual([]);
    const lines = made.view()!.lines.join('\n');
    expect(lines).toContain('192.0.2.54:53: NXDOMAIN');
    expect(lines).toContain('this server: good');
    // The order ends one day, and a new one begins: still none too many.
    await made.live(40 * 60_000);
    expect(made.ca.orders.map(({ status }) => status)).toEqual(['pending', 'pending']);
  });

  test('whose name the operator has led elsewhere is respected and explained, and no order is made', async () => {
    const made = await certificateHouse();
    const name = `_acme-challenge.${HOST}.`;
    const set = { op: 'set', name, type: 'CNAME', ttl: 60, records: ['elsewhere.example.'] } as const;
    good(await made.run({ kind: 'rrsets.change', zone: ZONE, operations: [set] }));
    await made.want();
    await made.live(60_000);
    expect(made.ca.orders).toEqual([]);
    expect(made.view()!.failure).toMatchObject({
      code: 'ACME_CHALLENGE_NAME',
      fix: `to let this server show them: waxseal rrset delete post.example ${name} CNAME`,
    });
    good(await made.run({ kind: 'rrsets.change', zone: ZONE, operations: [{ op: 'delete', name, type: 'CNAME' }] }));
    await made.want();
    await made.live(60_000);
    expect(made.certificate()).toBeDefined();
  });
});

describe('what is looked at before any order', () => {
  const caa = (records: readonly string[], name = '@') =>
    ({ kind: 'rrsets.change', zone: ZONE, operations: [{ op: 'set', name, type: 'CAA', ttl: 60, records }] }) as const;

  test('RFC 8659: CAA that does not name the CA; the fix is told, and no order is made', async () => {
    const made = await certificateHouse();
    good(await made.run(caa(['0 issue "other.example"'])));
    await made.want();
    await made.live(3_600_000);
    expect(made.ca.orders).toEqual([]);
    expect(made.view()!.failure).toMatchObject({ code: 'ACME_CAA', fix: 'add to post.example. CAA: 0 issue "ca.example"' });
    good(await made.run(caa(['0 issue "other.example"', '0 issue "ca.example"'])));
    await made.want();
    await made.live(60_000);
    expect(made.certificate()).toBeDefined();
  });

  test('RFC 8659 §3: the nearest set decides, and those above do not', async () => {
    const made = await certificateHouse();
    good(await made.run(caa(['0 issue ";"'])));
    good(await made.run(caa(['0 issue "ca.example"'], 'mta-sts')));
    await made.want();
    await made.live(60_000);
    expect(made.certificate()).toBeDefined();
  });

  test('another directory is tried when CAA names its CA', async () => {
    const second = new MockCa({ nowMs: () => TEST_NOW_MS, texts: (name) => made.texts(name), directory: 'https://second.example/dir' });
    const made = await certificateHouse({
      cas: [second],
      settings: { directories: ['https://ca.example/directory', 'https://second.example/dir'] },
    });
    good(await made.run(caa(['0 issue "second.example"'])));
    await made.want();
    await made.live(120_000);
    expect(made.view()!.directory).toBe('https://second.example/dir');
  });

  test('a zone that resolvers do not find here is not ordered for, unless the operator says so', async () => {
    const outside = { lookup: () => Promise.resolve({ kind: 'nxdomain' } as const) };
    const made = await certificateHouse({ outside });
    await made.want();
    await made.live(60_000);
    expect(made.ca.asked).toEqual([]);
    expect(made.view()!.failure).toMatchObject({ code: 'ACME_DELEGATION', message: 'resolvers outside do not find the zone' });
    expect(made.view()!.failure!.fix).toContain(`waxseal cert renew post.example ${HOST} --force`);
    good(await made.run({ kind: 'certificate.renew', zone: ZONE, host: HOST, isForced: true }));
    await made.live(60_000);
    expect(made.certificate()).toBeDefined();
  });

  test('a zone of that name that is served elsewhere is not ours', async () => {
    const outside: typeof DELEGATED = {
      lookup: async (name, type) => {
        const answer = await DELEGATED.lookup(nameOf('elsewhere.example.'), type);
        return name.length > 1 ? answer : { kind: 'nodata' };
      },
    };
    const made = await certificateHouse({ outside });
    await made.want();
    await made.live(60_000);
    expect(made.view()!.failure!.message).toBe(
      'resolvers outside find other name servers for the zone than it names here: ns1.elsewhere.example.',
    );
  });

  test('a name that is no host, or not of the zone, is rejected at once', async () => {
    const made = await certificateHouse();
    for (const host of ['*.post.example', 'post.example.org', '-', 'a'.repeat(250), 'Upper.post.example', ''])
      expect(bad(await made.run({ kind: 'certificate.want', zone: ZONE, host })).map(({ code }) => code)).toEqual(['CERTIFICATE_HOST']);
  });
});

test('the operator is told once when a certificate ends soon and there is no new one', async () => {
  const made = await certificateHouse({ ca: { lifeDays: 6 } });
  await made.want();
  await made.live(60_000);
  made.ca.outage = 'silent';
  await made.live(5.5 * DAY_MS);
  const alerts = made.control.events.after(0, 10_000).filter(({ kind }) => kind === 'alert');
  expect(alerts.map(({ event }) => event)).toEqual(['CERTIFICATE_EXPIRING']);
  expect(alerts[0]!.text).toContain(`the certificate of ${HOST} ends on 2026-01-06`);
});
