/** The watch over a real mail host, in counted time: alerts, records that wait for the host, and where nothing can be seen. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { readDaneWatch } from '#store/mail/dane-watch.ts';
import { DANE_HOST, type DaneHouse, type DaneHouseOptions, daneHouse, recordFor } from '../../support/mail/dane-house.ts';
import { good } from '../../support/temporary-control.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../../support/throwaway-ca.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const ZONE = nameOf('post.example.');

let ca: ThrowawayCa;
let first: Pair;
let second: Pair;
beforeAll(() => {
  ca = throwawayCa();
  [first, second] = [ca.leaf([DANE_HOST]), ca.leaf([DANE_HOST])];
});
afterAll(() => ca.remove());

const alerts = ({ control }: DaneHouse) =>
  control.events.after(0, 1000).flatMap((each) => (each.kind === 'alert' ? [`${each.event} ${each.text}`] : []));
const lines = ({ control }: DaneHouse) =>
  control.mail
    .view(control.zones.find(ZONE)!)!
    .explanations.flatMap((each) => each.lines)
    .join('\n');
const watch = ({ writer, control }: DaneHouse) => readDaneWatch(writer, control.zones.find(ZONE)!.id);

/** A host that uses its second key, as its operator has said; what it presents is still the first. */
async function switched(options: DaneHouseOptions = {}): Promise<DaneHouse> {
  const house = await daneHouse(first, options);
  await house.call('POST', 'tlsa/mx1/next', { key: recordFor(second.cert) });
  await house.live(2 * HOUR_MS);
  expect(house.stages()).toEqual({ 'tlsa-mx1-1': 'current', 'tlsa-mx1-2': 'deployable' });
  expect(await house.call('POST', 'tlsa/mx1/activated', {})).toMatchObject({ status: 200 });
  return house;
}

describe('alerts', () => {
  test('a key that no record matches is one, within the hour, and once', async () => {
    const house = await daneHouse(first);
    await house.live(MINUTE_MS);
    expect(alerts(house)).toEqual([]);
    house.mx.present(second);
    await house.live(HOUR_MS);
    const [alert] = alerts(house);
    expect(alert).toBe(
      `DANE_MISMATCH mx1.post.example.:25: 127.0.0.1 presents the key ${recordFor(second.cert).slice(6)}, ` +
        'which no published TLSA record matches: senders that go by DANE do not deliver there',
    );
    await house.live(5 * HOUR_MS);
    expect(alerts(house)).toHaveLength(1);
    await house.live(24 * HOUR_MS);
    expect(alerts(house)).toHaveLength(2);
  });

  test('none where nothing can be seen: a machine without port 25', async () => {
    const house = await daneHouse(first, { table: {} });
    await house.live(48 * HOUR_MS);
    expect(alerts(house)).toEqual([]);
    expect(watch(house)!.hosts).toEqual({});
  });
});

describe('RFC 7671 §8.4: the record of the old key', () => {
  test('stays for as long as the host presents the key, and two TTLs after', async () => {
    const house = await switched();
    await house.live(6 * HOUR_MS);
    expect(house.stages()).toEqual({ 'tlsa-mx1-1': 'withdrawing', 'tlsa-mx1-2': 'current' });
    expect(lines(house)).toContain('STARTTLS from this server: 127.0.0.1 still presents its key, seen ');
    house.mx.present(second);
    await house.live(6 * MINUTE_MS);
    expect(lines(house)).toContain('two-ttls: waits for hosts that have not all switched; earliest ');
    await house.live(50 * MINUTE_MS);
    expect(house.stages()).toMatchObject({ 'tlsa-mx1-1': 'withdrawing' });
    await house.live(10 * MINUTE_MS);
    expect(house.stages()).toEqual({ 'tlsa-mx1-2': 'current' });
  });

  test('is waited for again when the key is seen again in the last two TTLs', async () => {
    const house = await switched();
    house.mx.present(second);
    await house.live(4 * HOUR_MS);
    house.mx.present(first);
    await house.live(6 * HOUR_MS);
    expect(house.stages()).toMatchObject({ 'tlsa-mx1-1': 'withdrawing' });
    expect(lines(house)).toContain('still presents its key');
  });

  test('goes by the time rule where nothing can be seen', async () => {
    const house = await switched({ table: {} });
    await house.live(4 * HOUR_MS + 20 * MINUTE_MS);
    expect(house.stages()).toMatchObject({ 'tlsa-mx1-1': 'withdrawing' });
    await house.live(20 * MINUTE_MS);
    expect(house.stages()).toEqual({ 'tlsa-mx1-2': 'current' });
  });
});

describe('which zones are watched', () => {
  test('those with TLSA records at port 25, until they have none', async () => {
    const house = await daneHouse(first);
    expect(watch(house)).toBeDefined();
    expect((await house.call('PUT', 'mail', { mtaSts: { mode: 'off' }, dkim: { algorithms: [] } })).status).toBe(200);
    expect(watch(house)).toBeUndefined();
    const other = await daneHouse(first, { policy: { dane: { hosts: { mx1: { keys: [recordFor(first.cert)], port: 465 } } } } });
    expect(watch(other)).toBeUndefined();
  });

  test('not one whose policy is gone', async () => {
    const house = await daneHouse(first);
    good(await house.run({ kind: 'mail.remove', zone: ZONE, records: 'keep' }));
    expect(watch(house)).toBeUndefined();
    await house.live(HOUR_MS);
    expect(watch(house)).toBeUndefined();
  });

  test('none where the configuration says so', async () => {
    const house = await daneHouse(first, { isLooking: false });
    expect(watch(house)).toBeUndefined();
    expect(house.control.lifecycles.sources.map(({ name }) => name)).not.toContain('dane');
  });
});
