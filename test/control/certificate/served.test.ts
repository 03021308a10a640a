/** A certificate is in use when the policy host was seen with it, the whole chain: installed is not served. */
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ProbeFailure } from '#control/outside/probe-failure.ts';
import { type OwnHostLook } from '#control/outside/own-host-look.ts';
import { HOST, type HouseOptions, certificateHouse } from '../../support/acme/certificate-house.ts';

const PLACE = 'the policy host here';
const MINUTE_MS = 60_000;

const BLOCK = /-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g;
const derOf = (block: string) => new Uint8Array(new X509Certificate(block).raw);
const ders = (pem: string) => (pem.match(BLOCK) ?? []).map(derOf);

/** A house whose policy host shows what `shown` says. */
async function houseWith(shown: (made: House) => readonly Uint8Array[], options: HouseOptions = {}) {
  const looks: string[] = [];
  const look: OwnHostLook = (host) => {
    looks.push(host);
    const chain = shown(made);
    if (chain.length === 0) return Promise.reject(new ProbeFailure('connect', 'refused'));
    return Promise.resolve({ at: '127.0.0.1:8443', chain });
  };
  const made: House = await certificateHouse({ ...options, witnesses: { ownHosts: new Map([[PLACE, look]]) } });
  return { ...made, looks };
}
type House = Awaited<ReturnType<typeof certificateHouse>>;

const stored = (made: House) => ders(made.certificate()?.chain ?? '');
const alerts = (made: House) =>
  made.control.events
    .after(0, 1000)
    .filter(({ kind }) => kind === 'alert')
    .map(({ event }) => event);

test('it is looked at by its name after the installation, and what was seen is the evidence', async () => {
  const made = await houseWith(stored);
  await made.want();
  await made.live(MINUTE_MS);
  expect(made.looks).toEqual([HOST]);
  const object = made.object()!;
  expect(object.stage).toBe('in-use');
  const { evidence } = object.history.find(({ to }) => to === 'in-use')!;
  expect(evidence[0]!.seen).toMatchObject([{ place: PLACE, isGood: true, text: 'served at 127.0.0.1:8443' }]);
  expect(alerts(made)).toEqual([]);
});

describe('the policy host does not serve what is installed', () => {
  test('an old certificate: the stage holds, says what is served, and alerts once', async () => {
    let old: readonly Uint8Array[] | undefined;
    const made = await houseWith((house) => old ?? stored(house));
    await made.want();
    await made.live(MINUTE_MS);
    old = stored(made);
    await made.want();
    await made.live(4 * MINUTE_MS);
    const [second] = stored(made);
    expect(second).not.toEqual(old[0]);
    expect(made.object()).toMatchObject({ stage: 'installed' });
    expect(alerts(made)).toEqual([]);
    await made.live(20 * MINUTE_MS);
    expect(made.object()).toMatchObject({ stage: 'installed' });
    expect(made.view()!.lines.join('\n')).toMatch(
      /not been seen with it yet\n +served: waits for .*:8443 serves another certificate, until 2026-.*, key [0-9A-F]{64}, seen/,
    );
    expect(alerts(made)).toEqual(['CERTIFICATE_UNSERVED']);
    // Soon at first, then more and more seldom: each look is a handshake.
    expect(made.looks.length).toBeGreaterThan(8);
    expect(made.looks.length).toBeLessThan(20);
    old = undefined;
    await made.live(5 * MINUTE_MS);
    expect(made.object()).toMatchObject({ stage: 'in-use' });
    expect(made.state()!.lifecycle.objects).toHaveLength(1);
  });

  test('its certificate with other issuers than were installed is not what was installed', async () => {
    let isWhole = false;
    const made = await houseWith((house) => (isWhole ? stored(house) : [...stored(house), ...stored(house)]));
    await made.want();
    await made.live(MINUTE_MS);
    expect(made.object()).toMatchObject({ stage: 'installed' });
    expect(made.view()!.lines.join('\n')).toContain('127.0.0.1:8443 serves it with another chain of issuers');
    isWhole = true;
    await made.live(6 * MINUTE_MS);
    expect(made.object()).toMatchObject({ stage: 'in-use' });
  });

  test('it does not run: nothing is seen, nothing is assumed', async () => {
    let isThere = false;
    const made = await houseWith((house) => (isThere ? stored(house) : []));
    await made.want();
    await made.live(10 * MINUTE_MS);
    expect(made.object()).toMatchObject({ stage: 'installed' });
    expect(made.view()!.lines.join('\n')).toContain('the policy host here: connect: refused, tried');
    isThere = true;
    await made.live(6 * MINUTE_MS);
    expect(made.object()).toMatchObject({ stage: 'in-use' });
  });

  test('one that was never served and has a successor gives way to it', async () => {
    let isThere = false;
    const made = await houseWith((house) => (isThere ? stored(house) : []));
    await made.want();
    await made.live(MINUTE_MS);
    await made.want();
    await made.live(MINUTE_MS);
    expect(made.state()!.lifecycle.objects.map(({ id, stage }) => `${id} ${stage}`)).toEqual([`${HOST}-2 installed`]);
    isThere = true;
    await made.live(6 * MINUTE_MS);
    expect(made.state()!.lifecycle.objects.map(({ id, stage }) => `${id} ${stage}`)).toEqual([`${HOST}-2 in-use`]);
  });

  test('one that is never seen is renewed in its time all the same', async () => {
    const made = await houseWith(() => [], { ca: { lifeDays: 0.25 } });
    await made.want();
    await made.live(MINUTE_MS);
    const first = made.certificate()!;
    await made.live(4.5 * 60 * MINUTE_MS);
    expect(made.ca.issued(HOST)).toBe(2);
    expect(made.certificate()!.notAfterMs).toBeGreaterThan(first.notAfterMs);
  });
});
