/** RFC 7858 in front of the connections of TCP: handshakes, ALPN, sessions, limits. The client is node's, over OpenSSL. */
import { X509Certificate } from 'node:crypto';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, type TLSSocket, connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type IpPort } from '#base/address.ts';
import { type TlsCertificate, readTlsCertificate, writeTlsCertificate } from '#base/ipc/tls-certificate.ts';
import { TLS_TICKET_KEYS_MS } from '#base/limits/server.ts';
import { startWorkerListeners } from '#server/listen.ts';
import { TCP_LIMITS, type TcpLimits } from '#server/tcp/table.ts';
import { netCarrier } from '#server/tcp/tcp.ts';
import { TlsFront } from '#server/tls/tls-front.ts';
import { eventually, framed, idOf, simpleQuery } from '../../support/dns-client.ts';
import { keyPin } from '#base/tls/key-pin.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../../support/throwaway-ca.ts';
import { echoResponder, freeAddress, testCounters } from '../fixtures/echo.ts';

const HOST = 'ns1.example';
let ca: ThrowawayCa;
let first: Pair;
let second: Pair;
beforeAll(() => {
  ca = throwawayCa();
  [first, second] = [ca.leaf([HOST]), ca.leaf([HOST])];
});
afterAll(() => ca.remove());

const certificateOf = ({ cert, key }: Pair): TlsCertificate => ({
  chain: cert,
  key: new Uint8Array(createPrivateKey(key).export({ type: 'pkcs8', format: 'der' })),
});

interface Served {
  readonly limits?: Partial<TcpLimits>;
  readonly length?: number;
  /** Null: no certificate. */
  readonly pair?: Pair | null;
  readonly nowMs?: () => number;
}

async function serve({ limits = {}, length = 0, pair = first, nowMs = () => performance.now() }: Served = {}) {
  const { row, count } = testCounters();
  const front = new TlsFront(row, nowMs);
  front.take(pair === null ? undefined : certificateOf(pair));
  const addresses = [await freeAddress()];
  const tcpLimits = { ...TCP_LIMITS, ...limits };
  const secure = (...accepted: Parameters<TlsFront['secure']>) => front.secure(...accepted);
  const responder = echoResponder(length);
  const listeners = await startWorkerListeners({ responder, addresses, counters: row, tcpLimits, openUdp: null, tcp: netCarrier(secure) });
  onTestFinished(() => listeners.close(0));
  return { at: addresses[0]!, front, listeners, count };
}

async function open({ ip, port }: IpPort, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: ip, port, ca: ca.root, servername: HOST, ...options });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** Whole messages as they come. */
function receive(socket: TLSSocket, count: number): Promise<Buffer[]> {
  let octets = Buffer.alloc(0);
  const messages: Buffer[] = [];
  return new Promise((resolve) => {
    socket.once('end', () => resolve(messages));
    socket.on('data', (part: Buffer) => {
      octets = Buffer.concat([octets, part]);
      while (octets.length >= 2 && octets.length >= 2 + octets.readUInt16BE(0)) {
        messages.push(octets.subarray(2, 2 + octets.readUInt16BE(0)));
        octets = octets.subarray(2 + octets.readUInt16BE(0));
      }
      if (messages.length === count) resolve(messages);
    });
  });
}

/** The certificate that a new connection is shown. */
async function shown(at: IpPort): Promise<string> {
  const socket = await open(at);
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

describe('RFC 7858 §3.1–3.3: TLS first, then messages as over TCP', () => {
  test('queries that come together are answered in their order, and a half-closed connection still gets its answers', async () => {
    const { at, count } = await serve();
    const socket = await open(at, { ALPNProtocols: ['dot'] });
    expect([socket.alpnProtocol, socket.authorized, socket.getProtocol()]).toEqual(['dot', true, 'TLSv1.3']);
    socket.end(Buffer.concat([1, 2, 3, 4].map((id) => framed(simpleQuery(id)))));
    expect((await receive(socket, 5)).map(idOf)).toEqual([1, 2, 3, 4]);
    expect([count('tlsHandshakes'), count('tcpQueries'), count('tlsHandshakesFailed')]).toEqual([1, 4, 0]);
  });

  test('answers of 60 KB, many of them, arrive whole', async () => {
    const { at } = await serve({ length: 60_000 });
    const socket = await open(at);
    socket.write(Buffer.concat(Array.from({ length: 50 }, (_, id) => framed(simpleQuery(id)))));
    const messages = await receive(socket, 50);
    expect(messages.map(idOf)).toEqual(Array.from({ length: 50 }, (_, id) => id));
    expect(messages.every(({ length }) => length === 60_000)).toBe(true);
  });

  test('the responder hears that the transport is TLS', async () => {
    const { row } = testCounters();
    const front = new TlsFront(row);
    front.take(certificateOf(first));
    const addresses = [await freeAddress()];
    const seen: string[] = [];
    const echo = echoResponder();
    const respond: typeof echo.respond = (...query) => {
      seen.push(query[3]);
      return echo.respond(...query);
    };
    const secure = (...accepted: Parameters<TlsFront['secure']>) => front.secure(...accepted);
    const listeners = await startWorkerListeners({
      responder: { respond },
      addresses,
      counters: row,
      openUdp: null,
      tcp: netCarrier(secure),
    });
    onTestFinished(() => listeners.close(0));
    const socket = await open(addresses[0]!);
    socket.write(framed(simpleQuery(1)));
    await receive(socket, 1);
    expect(seen).toEqual(['tls']);
  });
});

describe('RFC 7301 §3.2, RFC 9103 §7.1, RFC 9325 §3.1: what is agreed', () => {
  const failure = async (at: IpPort, options: ConnectionOptions): Promise<string> => {
    const socket = connect({ host: at.ip, port: at.port, ca: ca.root, servername: HOST, ...options });
    onTestFinished(() => void socket.destroy());
    return new Promise((resolve) => {
      socket.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
      socket.once('secureConnect', () => resolve('secure'));
    });
  };

  test('another protocol than dot is rejected, none is fine', async () => {
    const { at, count } = await serve();
    expect(await failure(at, { ALPNProtocols: ['h2', 'http/1.1'] })).toMatch(/NO_APPLICATION_PROTOCOL/);
    expect(await failure(at, {})).toBe('secure');
    expect(await failure(at, { ALPNProtocols: ['http/1.1', 'dot'] })).toBe('secure');
    expect(await eventually(() => count('tlsHandshakesFailed') === 1, 1000)).toBe(true);
  });

  test('TLS 1.2 is spoken, 1.1 is not', async () => {
    const { at } = await serve();
    expect(await failure(at, { maxVersion: 'TLSv1.2' })).toBe('secure');
    expect(await failure(at, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' })).toMatch(/^ERR_SSL/);
  });

  test('a client without a server name, or with that of another host, gets the certificate: it judges it', async () => {
    const { at } = await serve();
    expect(await failure(at, { servername: '', checkServerIdentity: () => undefined })).toBe('secure');
    expect(await failure(at, { servername: 'other.example' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });
});

describe('certificates and sessions', () => {
  test('RFC 9103 §9.3.3: the responder knows the key of a client certificate, in a resumed session too, and the version', async () => {
    const { row } = testCounters();
    const front = new TlsFront(row);
    front.take(certificateOf(first));
    const addresses = [await freeAddress()];
    const seen: unknown[] = [];
    const echo = echoResponder();
    const respond: typeof echo.respond = (...query) => {
      const secured = query[4]?.secured;
      seen.push([secured?.isLatest, secured?.pin()]);
      return echo.respond(...query);
    };
    const secure = (...accepted: Parameters<TlsFront['secure']>) => front.secure(...accepted);
    const listeners = await startWorkerListeners({
      responder: { respond },
      addresses,
      counters: row,
      openUdp: null,
      tcp: netCarrier(secure),
    });
    onTestFinished(() => listeners.close(0));
    const ask = async (options: ConnectionOptions): Promise<TLSSocket> => {
      const socket = await open(addresses[0]!, options);
      socket.write(framed(simpleQuery(1)));
      await receive(socket, 1);
      return socket;
    };
    const own = ca.selfSigned('client.example');
    const pin = keyPin(new X509Certificate(own.cert).publicKey);
    const sessions: Buffer[] = [];
    const one = await open(addresses[0]!, own);
    one.on('session', (session: Buffer) => sessions.push(session));
    one.write(framed(simpleQuery(1)));
    await receive(one, 1);
    await expect.poll(() => sessions.length).toBeGreaterThan(0);
    expect((await ask({ ...own, session: sessions[0]! })).isSessionReused()).toBe(true);
    await ask({});
    await ask({ ...own, maxVersion: 'TLSv1.2' });
    expect(seen).toEqual([
      [true, pin],
      [true, pin],
      [true, undefined],
      [false, pin],
    ]);
  });

  test('a new certificate is shown to new connections; those that are open continue', async () => {
    const { at, front } = await serve();
    const before = await open(at);
    const old = await shown(at);
    front.take(certificateOf(second));
    expect(await shown(at)).not.toBe(old);
    before.write(framed(simpleQuery(7)));
    expect((await receive(before, 1)).map(idOf)).toEqual([7]);
  });

  test('a bad certificate changes nothing', async () => {
    const { at, front } = await serve();
    const old = await shown(at);
    expect(() => front.take({ ...certificateOf(first), chain: 'not PEM' })).toThrow(/PEM|no start line/i);
    expect(() => front.take({ chain: certificateOf(first).chain, key: certificateOf(second).key })).toThrow(/mismatch/i);
    expect(await shown(at)).toBe(old);
  });

  test('without a certificate connections are reset and counted; one that comes later serves', async () => {
    const { at, front, count } = await serve({ pair: null });
    const socket = connect({ host: at.ip, port: at.port, ca: ca.root, servername: HOST });
    const [error] = (await once(socket, 'error')) as [Error & { code: string }];
    expect(error.code).toBe('ECONNRESET');
    expect(count('tlsWithoutCertificate')).toBe(1);
    front.take(certificateOf(first));
    expect(await shown(at)).toMatch(/^[0-9A-F:]{95}$/);
    front.take(undefined);
    await expect(open(at)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('RFC 7858 §3.4: a session is resumed, until the ticket keys are an hour old', async () => {
    let nowMs = 0;
    const { at } = await serve({ nowMs: () => nowMs });
    const one = await open(at);
    const taken = once(one, 'session');
    one.write(framed(simpleQuery(1)));
    await receive(one, 1);
    const [session] = (await taken) as [Buffer];
    expect((await open(at, { session })).isSessionReused()).toBe(true);
    nowMs = TLS_TICKET_KEYS_MS;
    expect((await open(at, { session })).isSessionReused()).toBe(false);
  });

  test('on its way to the answer process it stays what it is', () => {
    const certificate = certificateOf(first);
    expect(readTlsCertificate(writeTlsCertificate(certificate))).toEqual(certificate);
    expect(readTlsCertificate(writeTlsCertificate(undefined))).toBeUndefined();
  });
});

describe('RFC 7858 §3.4, RFC 7766 §6.2: limits are those of TCP', () => {
  test('a handshake that does not end has the time of the first message', async () => {
    const { at, listeners, count } = await serve({ limits: { firstMessageMs: 150 } });
    const socket = connectTcp(at.port, at.ip).on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    // A record header, and nothing after it.
    socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]));
    expect(await eventually(() => count('tcpTimeoutFirst') === 1 && listeners.table.size === 0, 2000)).toBe(true);
  });

  test('plain DNS at the port of TLS ends the connection', async () => {
    const { at, listeners, count } = await serve();
    const socket = connectTcp(at.port, at.ip).on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    socket.write(framed(simpleQuery(1)));
    expect(await eventually(() => count('tlsHandshakesFailed') === 1 && listeners.table.size === 0, 2000)).toBe(true);
    expect(count('tcpQueries')).toBe(0);
  });

  test('idle connections end by a close_notify; a client that does not read is reset after the write time', async () => {
    const { at, listeners, count } = await serve({ limits: { idleMs: 200, writeMs: 300 }, length: 60_000 });
    const idle = await open(at);
    idle.write(framed(simpleQuery(1)));
    await receive(idle, 1);
    const deaf = await open(at);
    deaf.pause();
    deaf.write(Buffer.concat(Array.from({ length: 500 }, (_, id) => framed(simpleQuery(id)))));
    expect(await eventually(() => listeners.table.size === 0, 3000)).toBe(true);
    expect([count('tcpTimeoutIdle'), count('tcpTimeoutWrite')]).toEqual([1, 1]);
    expect(count('tcpQueries')).toBeLessThan(500);
  });

  test('one client has its share of connections', async () => {
    const { at, count } = await serve({ limits: { connectionsPerClient: 2 } });
    await open(at);
    await open(at);
    const third = connectTcp(at.port, at.ip);
    await expect(once(third, 'close')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(count('tcpRefusedClient')).toBe(1);
  });
});
