/**
 * RFC 9103: zones over TLS, both ways. NSD and BIND as primaries that prove who they are by name or by key, and as
 * secondaries that show a certificate; BIND asks for ours. Knot and PowerDNS of Debian 12 do not transfer over TLS.
 */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyPin } from '#base/tls/key-pin.ts';
import { dig } from '../support/dig.ts';
import { framed } from '../support/dns-client.ts';
import { freePort } from '../support/peers.ts';
import { type PrimaryPeer, startPrimary } from '../support/primary-peers.ts';
import { type RunningServer, quietPort, startServer } from '../support/running-server.ts';
import { startSecondary } from '../support/secondary-peers.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../support/throwaway-ca.ts';
import { buildQuery } from '../support/wire.ts';
import { putZones } from '../support/waxseal.ts';

const OURS = 'ns1.ours.example';
const THEIRS = 'ns1.theirs.example';
const KEY = { name: 'xot.example.', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 'xot').toString('base64') };
const OUR_ZONE = `$ORIGIN ours.example.\n@ 300 SOA ns1 host 1 3600 600 86400 300\n@ 300 NS ns1\nns1 300 A 127.0.0.1\n`;
const theirZone = (zone: string, serial: number): string =>
  `$ORIGIN ${zone}\n$TTL 60\n@ SOA ns host ${serial} 2 2 3600 60\n@ NS ns\nns A 192.0.2.1\nw A 192.0.2.${serial}\n`;
const folder = mkdtempSync(join(tmpdir(), 'waxseal-xot-'));
let ca: ThrowawayCa;
let caFile: string;
let server: RunningServer;
let tlsPort: number;

/** As files of another server, and its pin. */
function filesOf(pair: Pair, name: string) {
  const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  writeFileSync(certFile, pair.cert);
  writeFileSync(keyFile, pair.key, { mode: 0o600 });
  return { certFile, keyFile, pin: keyPin(new X509Certificate(pair.cert).publicKey) };
}

beforeAll(async () => {
  ca = throwawayCa();
  caFile = join(ca.folder, 'ca.pem');
  tlsPort = await quietPort();
  const { cert, key } = ca.leaf([OURS]);
  const ourFile = join(folder, 'ours.pem');
  writeFileSync(ourFile, `${cert}${key}`, { mode: 0o600 });
  const dns = `tls_listen = ["127.0.0.1:${tlsPort}"]\ntls_host = "${OURS}"\nprimaries_ca_file = "${caFile}"`;
  const config = `[dns]\n${dns}\n[https]\ncertificate_files = ["${ourFile}"]\n`;
  server = await startServer({ config, workers: 1 });
  const keyFile = join(folder, 'key');
  writeFileSync(keyFile, `${KEY.algorithm}:${KEY.name}:${KEY.secret}\n`);
  const imported = await server.cli('tsig', 'import', keyFile, '--all-zones');
  if (imported.exit !== 0) throw new Error(imported.err);
  await putZones(server, [{ name: 'ours.example.', text: OUR_ZONE }], 'on');
  const isShown = () => /tls.certificate|DNS over TLS is served/.test(server.log());
  if (!(await server.eventually(isShown, 30_000))) throw new Error(server.log());
}, 120_000);
afterAll(async () => {
  await server?.stop();
  ca?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const answerOf = async (name: string) => (await dig(server, [name, 'A'])).answer.join();
const failureOf = async (zone: string) => (await server.cli('zone', 'show', zone)).out;

describe.each(['nsd', 'bind'] as const)('from %s', (kind) => {
  const zone = `from-${kind}.example.`;
  let primary: PrimaryPeer;
  let address: string;
  let pin: string;
  beforeAll(async () => {
    const files = filesOf(ca.leaf([THEIRS]), kind);
    [pin, address] = [files.pin, `127.0.0.1#${await freePort()}`];
    const tls = { ...files, port: Number(address.split('#')[1]), ...(kind === 'bind' ? { clientCaFile: caFile } : {}) };
    primary = await startPrimary(kind, { port: server.port, zone, text: theirZone(zone, 1), key: KEY, tls });
  }, 60_000);
  afterAll(() => primary.stop());
  // BIND asks for a certificate of ours; NSD does not.
  const shown = kind === 'bind' ? ['--tls-certificate', OURS] : [];
  const come = (...how: readonly string[]) => {
    const words = ['--primary', address, '--tsig', KEY.name, ...how];
    return server.cli('zone', 'primaries', zone, ...words, ...shown, '--yes');
  };

  test('RFC 8310 §5: one that is not who it should be is told nothing', async () => {
    const made = await server.cli(
      'zone',
      'add',
      zone,
      '--primary',
      address,
      '--tsig',
      KEY.name,
      '--tls-host',
      'other.example',
      ...shown,
    );
    expect(made).toMatchObject({ exit: 0 });
    const says = async (text: RegExp): Promise<string> => {
      await server.eventually(async () => text.test(await failureOf(zone)), 20_000);
      return failureOf(zone);
    };
    expect(await says(/shows a certificate that is not trusted for other\.example/)).toMatch(
      /shows a certificate that is not trusted for other\.example/,
    );
    const stranger = keyPin(new X509Certificate(ca.selfSigned('x.example').cert).publicKey);
    expect(await come('--tls-pin', stranger)).toMatchObject({ exit: 0 });
    expect(await says(/shows a key that is not pinned/)).toMatch(/shows a key that is not pinned/);
    // The port has no TLS: no word of it in the clear.
    expect(
      await server.cli('zone', 'primaries', zone, '--primary', `127.0.0.1#${primary.port}`, '--tls-pin', pin, '--yes'),
    ).toMatchObject({
      exit: 0,
    });
    expect(await says(/cannot be asked over TLS|does not answer over TLS/)).toMatch(
      /cannot be asked over TLS|does not answer over TLS/,
    );
    expect((await dig(server, [zone, 'SOA'])).status).toBe('SERVFAIL');
  });

  test('RFC 9103 §9.3.3: without our certificate BIND, which asks for one, does not serve us', async () => {
    const words = ['--primary', address, '--tsig', KEY.name, '--tls-pin', pin, '--yes'];
    expect(await server.cli('zone', 'primaries', zone, ...words)).toMatchObject({ exit: 0 });
    const status = async () => (await dig(server, [zone, 'SOA'])).status;
    const isThere = async () => (await status()) === 'NOERROR' || (await failureOf(zone)).includes('failure');
    await server.eventually(isThere, 10_000);
    expect(await status()).toBe(kind === 'bind' ? 'SERVFAIL' : 'NOERROR');
  });

  test.each([
    ['name', () => ['--tls-host', THEIRS], 2],
    ['key', () => ['--tls-pin', pin], 3],
  ] as const)('by %s it is trusted, and followed: SOA, AXFR and IXFR over TLS', async (_, how, serial) => {
    expect(await come(...how())).toMatchObject({ exit: 0 });
    const before = `192.0.2.${serial - 1}`;
    expect(await server.eventually(async () => (await answerOf(`w.${zone}`)).includes(before))).toBe(true);
    await primary.change(theirZone(zone, serial));
    const after = `192.0.2.${serial}`;
    const follows = () => server.eventually(async () => (await answerOf(`w.${zone}`)).includes(after), 20_000);
    expect(await follows(), `${await failureOf(zone)}\n${primary.log()}`).toBe(true);
    // Nothing but TLS is spoken at that port, so the SOA came over TLS too.
    expect(await failureOf(zone)).toContain(`${address} over TLS`);
  });
});

describe('to secondaries that show a certificate (RFC 9103 §9.3.3)', () => {
  const key = KEY;

  test.each(['nsd', 'bind'] as const)(
    '%s with certificate and key, and not with the key alone',
    async (kind) => {
      const files = filesOf(ca.selfSigned(`${kind}.example`), `client-${kind}`);
      const tls = { port: tlsPort, host: OURS, caFile, client: files };
      // NSD 4.6 shows its certificate from its second connection on.
      const first = ['secondary', 'add', 'ours.example', '127.0.0.1', '--tsig', KEY.name];
      const pinned = kind === 'nsd' ? [] : ['--tls-pin', files.pin];
      expect(await server.cli(...first, ...pinned, '--yes')).toMatchObject({ exit: 0 });
      const peer = await startSecondary(kind, { port: server.port, zones: ['ours.example.'], key, tls });
      try {
        const address = `192.0.2.${kind === 'nsd' ? 90 : 91}`;
        const moved = [
          'secondary',
          'add',
          'ours.example',
          '127.0.0.1',
          '--port',
          String(peer.port),
          '--tsig',
          KEY.name,
        ];
        expect(await server.cli(...moved, '--tls-pin', files.pin, '--yes')).toMatchObject({ exit: 0 });
        const ofKey = `${KEY.algorithm}:${KEY.name}:${KEY.secret}`;
        expect((await dig(server, ['-y', ofKey, 'ours.example', 'AXFR'])).text).toContain('Transfer failed');
        expect((await server.cli('rrset', 'set', 'ours.example', 'new', 'A', '300', address, '--yes')).exit).toBe(0);
        const follows = async () => (await dig(peer, ['new.ours.example', 'A'])).answer.join().includes(address);
        expect(await server.eventually(follows, 30_000), `${kind}\n${peer.log()}\n${server.log()}`).toBe(true);
      } finally {
        await peer.stop();
      }
      expect((await server.cli('secondary', 'list', 'ours.example')).out).toContain(`${KEY.name} and certificate`);
    },
    90_000,
  );

  /** RCODE of the first message of a transfer that is asked for without a key. */
  async function transfer(options: ConnectionOptions): Promise<number> {
    const socket = connect({
      port: tlsPort,
      host: '127.0.0.1',
      ca: ca.root,
      servername: OURS,
      ALPNProtocols: ['dot'],
      ...options,
    });
    try {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      socket.once('error', reject);
      socket.once('data', (chunk: Buffer) => resolve(chunk[5]! & 0x0f));
      socket.once('secureConnect', () =>
        socket.write(framed(buildQuery({ id: 7, name: 'ours.example.', type: 'AXFR' }))),
      );
      return await promise;
    } finally {
      socket.destroy();
    }
  }

  test('without a key the certificate alone opens the zone; another one, none, or TLS 1.2 does not', async () => {
    const [known, unknown] = [ca.selfSigned('known.example'), ca.selfSigned('unknown.example')];
    const pin = keyPin(new X509Certificate(known.cert).publicKey);
    const added = await server.cli('secondary', 'add', 'ours.example', '192.0.2.99', '--tls-pin', pin, '--yes');
    expect(added).toMatchObject({ exit: 0 });
    expect(added.err).not.toContain('SECONDARY_KEYLESS');
    expect(await transfer(known)).toBe(0);
    expect(await transfer(unknown)).toBe(5);
    expect(await transfer({})).toBe(5);
    // RFC 9103 §7: TLS 1.3 or later; queries are answered over 1.2 as ever.
    expect(await transfer({ ...known, maxVersion: 'TLSv1.2' })).toBe(5);
    const isSaid = () => server.log().includes('over TLS 1.2 (RFC 9103 §7: 1.3 or later)');
    expect(await server.eventually(isSaid)).toBe(true);
  });
});
