/** A look at mail hosts that is asked for: which hosts, and when there is none. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TLSA_LIVE_HOSTS_MAX } from '#base/limits/outside.ts';
import { DANE_HOST, type DaneHouse, daneHouse, recordFor } from '../../support/mail/dane-house.ts';
import { bad, good, temporaryControl } from '../../support/temporary-control.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../../support/throwaway-ca.ts';

let ca: ThrowawayCa;
let pair: Pair;
beforeAll(() => {
  ca = throwawayCa();
  pair = ca.leaf([DANE_HOST]);
});
afterAll(() => ca.remove());

const zoneOf = ({ control }: DaneHouse) => control.zones.list()[0]!;
const KEY = `3 1 1 ${'11'.repeat(32)}`;

describe('hosts', () => {
  test('at port 25 are looked at, at other ports not', async () => {
    const house = await daneHouse(pair, { hosts: { smtp: { keys: [KEY], port: 465 } } });
    const hosts = good(await house.control.mail.liveTlsa(zoneOf(house), {}));
    expect(hosts.map(({ host, port, verdict }) => `${host}:${port} ${verdict}`)).toEqual([
      'mx1.post.example.:25 match',
      'smtp.post.example.:465 unseen',
    ]);
    expect(hosts[1]!.text).toBe('not looked at: port 465 is not the port of SMTP, and only that one is connected to');
  });

  test('one by its name, relative or absolute, in any case; another has no record here', async () => {
    const house = await daneHouse(pair, { hosts: { mx2: { keys: [KEY] } } });
    for (const host of ['mx1', 'MX1.post.example.'])
      expect(good(await house.control.mail.liveTlsa(zoneOf(house), { host }))).toMatchObject([{ host: 'mx1.post.example.' }]);
    expect(bad(await house.control.mail.liveTlsa(zoneOf(house), { host: 'mx9' }))).toMatchObject([{ code: 'LIFECYCLE_OBJECT' }]);
    expect(bad(await house.control.mail.liveTlsa(zoneOf(house), { host: 'a b' }))).toMatchObject([
      { code: 'NAME_ESCAPE', at: { kind: 'parameter' } },
    ]);
  });

  test('beyond what one request looks at are named, and say how they can be', async () => {
    const many = Object.fromEntries(Array.from({ length: TLSA_LIVE_HOSTS_MAX }, (_, at) => [`h${at}`, { keys: [KEY] }]));
    const house = await daneHouse(pair, { hosts: many });
    const hosts = good(await house.control.mail.liveTlsa(zoneOf(house), {}));
    expect(hosts).toHaveLength(TLSA_LIVE_HOSTS_MAX + 1);
    expect(hosts.filter(({ text }) => text.startsWith('not looked at'))).toHaveLength(1);
    expect(hosts[1]!.text).toMatch(/^DNS: h0\.post\.example does not exist/);
  });

  test('an answer that is no longer wanted ends its look', async () => {
    const house = await daneHouse(pair);
    expect(good(await house.control.mail.liveTlsa(zoneOf(house), { gone: AbortSignal.abort() }))).toMatchObject([
      { verdict: 'unseen', text: 'DNS: no answer in time' },
    ]);
  });
});

describe('no look', () => {
  test('without a mail policy', async () => {
    const made = temporaryControl();
    await made.load('post.example.', '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n');
    expect(bad(await made.control.mail.liveTlsa(made.control.zones.list()[0]!, {}))).toMatchObject([{ code: 'MAIL_NO_POLICY' }]);
  });

  test('where the configuration says that none is made', async () => {
    const house = await daneHouse(pair, { isLooking: false });
    expect(bad(await house.control.mail.liveTlsa(zoneOf(house), {}))).toMatchObject([{ code: 'DANE_LOOK_OFF' }]);
  });
});

test('what is compared is what is published: a next key counts', async () => {
  const house = await daneHouse(pair);
  const next = ca.leaf([DANE_HOST]);
  await house.call('POST', 'tlsa/mx1/next', { key: recordFor(next.cert) });
  house.mx.present(next);
  const [host] = good(await house.control.mail.liveTlsa(zoneOf(house), {}));
  expect(host!.text).toBe('127.0.0.1 presents a certificate that tlsa-mx1-2 matches');
});
