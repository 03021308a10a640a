/** RFC 7858, RFC 8310 §5: unbound asked over TLS: one connection for many questions, and no answer without its certificate. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type Socket, connect, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { dotResolver } from '#control/outside/dot-resolver.ts';
import { nameOf } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { unboundHead } from '../../support/peer-configs.ts';
import { freePort } from '../../support/peers.ts';
import { type ThrowawayCa, throwawayCa } from '../../support/throwaway-ca.ts';
import { toolPath } from '../../support/tools.ts';

const NAME = 'dot.example.net';
const DATA = [
  'mail.test. 300 MX 10 a.mail.test.',
  'a.mail.test. 60 A 192.0.2.1',
  'a.mail.test. 60 A 192.0.2.2',
  'sub.mail.test. 77 DS 4711 13 2 1FFDB0E5C36F733D4E29BA726FEBF6EE898818EA10CBBFF8DB73D018FB318181',
  'mail.test. 300 SOA ns.mail.test. host.mail.test. 1 2 3 4 55',
];

let ca: ThrowawayCa;
let folder = '';
let port = 0;
let unbound: ChildProcess;

beforeAll(async () => {
  ca = throwawayCa();
  folder = mkdtempSync(join(tmpdir(), 'waxseal-dot-'));
  port = await freePort();
  const { key, cert } = ca.leaf([NAME]);
  writeFileSync(join(folder, 'key'), key);
  writeFileSync(join(folder, 'cert'), cert);
  const data = DATA.map((each) => `  local-data: '${each}'\n`).join('');
  const aliases = `  local-data: 'alias.mail.test. 30 CNAME a.mail.test.'\n`;
  writeFileSync(
    join(folder, 'conf'),
    `${unboundHead(folder, `127.0.0.1@${port}`, 'iterator')}  tls-port: ${port}
  tls-service-key: "${folder}/key"
  tls-service-pem: "${folder}/cert"
  local-zone: mail.test. static
${data}${aliases}remote-control:
  control-enable: no
`,
  );
  unbound = spawn(toolPath('unbound'), ['-d', '-c', join(folder, 'conf')], { stdio: 'ignore' });
  const probe = dotResolver([{ at: ipPort('127.0.0.1', port), name: NAME }], ca.root);
  for (let tries = 0; tries < 100; tries++) {
    if ((await probe.lookup(nameOf('mail.test.'), TYPE.MX)).kind === 'answer') break;
    await delay(50);
  }
  probe.stop();
}, 30_000);

afterAll(() => {
  unbound.kill('SIGKILL');
  ca.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A way to unbound that counts connections, and can cut them. */
async function wire(): Promise<{ readonly port: number; count: () => number; cut: () => void; octets: () => Buffer }> {
  const sockets = new Set<Socket>();
  const seen: Buffer[] = [];
  let connections = 0;
  const server = createServer((client) => {
    connections++;
    const there = connect({ host: '127.0.0.1', port });
    for (const each of [client, there]) sockets.add(each.on('error', () => {}));
    client.on('data', (chunk: Buffer) => void seen.push(chunk));
    client.pipe(there).pipe(client);
  });
  const at = await freePort();
  await new Promise<void>((resolve) => void server.listen(at, '127.0.0.1', resolve));
  const cut = (): void => sockets.forEach((each) => each.destroy());
  onTestFinished(() => {
    cut();
    server.close();
  });
  return { port: at, count: () => connections, cut, octets: () => Buffer.concat(seen) };
}

function resolverAt(at: number, name = NAME, roots: string | undefined = ca.root) {
  const resolver = dotResolver([{ at: ipPort('127.0.0.1', at), name }], roots);
  onTestFinished(() => resolver.stop());
  const ask = async (owner: string, type: RrType) => {
    const answer = await resolver.lookup(nameOf(owner), type);
    if (answer.kind !== 'answer') return answer;
    return { ttlSeconds: answer.ttlSeconds, texts: answer.rdatas.map((rdata) => formatRdata(type, rdata)).toSorted() };
  };
  return { resolver, ask };
}

describe('what is answered', () => {
  test('every type with its TTL, aliases followed, nothing of what is not there', async () => {
    const { ask } = resolverAt(port);
    expect(await ask('MAIL.test.', TYPE.MX)).toEqual({ ttlSeconds: 300, texts: ['10 a.mail.test.'] });
    expect(await ask('a.mail.test.', TYPE.A)).toEqual({ ttlSeconds: 60, texts: ['192.0.2.1', '192.0.2.2'] });
    expect(await ask('sub.mail.test.', TYPE.DS)).toMatchObject({ ttlSeconds: 77 });
    expect(await ask('alias.mail.test.', TYPE.CNAME)).toEqual({ ttlSeconds: 30, texts: ['a.mail.test.'] });
    expect(await ask('none.mail.test.', TYPE.A)).toMatchObject({ kind: 'nxdomain' });
    expect(await ask('a.mail.test.', TYPE.AAAA)).toMatchObject({ kind: 'nodata' });
  });
});

describe('RFC 7858 §3.3, §3.4: one connection', () => {
  test('is for all questions, many at the same time, and for later ones; none is readable on the way', async () => {
    const way = await wire();
    const { ask } = resolverAt(way.port);
    const answers = await Promise.all(Array.from({ length: 60 }, () => ask('a.mail.test.', TYPE.A)));
    expect(new Set(answers.map((each) => JSON.stringify(each))).size).toBe(1);
    await ask('mail.test.', TYPE.MX);
    expect(way.count()).toBe(1);
    expect(way.octets().includes('mail')).toBe(false);
    expect(way.octets().includes(NAME)).toBe(true);
  });

  test('RFC 7766 §6.2.4: when it was closed meanwhile, another one is opened', async () => {
    const way = await wire();
    const { ask } = resolverAt(way.port);
    await ask('mail.test.', TYPE.MX);
    way.cut();
    expect(await ask('mail.test.', TYPE.MX)).toMatchObject({ ttlSeconds: 300 });
    await delay(20);
    expect(await ask('mail.test.', TYPE.MX)).toMatchObject({ ttlSeconds: 300 });
    expect(way.count()).toBe(2);
  });
});

describe('RFC 8310 §5: strict', () => {
  test.each<[string, string, () => string | undefined, RegExp]>([
    ['another name', 'other.example.net', () => ca.root, /does not match certificate's altnames/],
    ['a root that is not trusted', NAME, () => undefined, /unable to (get|verify)|self.signed/i],
  ])('a certificate with %s: nothing is asked, and the reason is said', async (_, name, roots, why) => {
    const heard: Buffer[] = [];
    const server = createTlsServer(ca.leaf([NAME]), (socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => void heard.push(chunk));
    });
    server.on('tlsClientError', () => {});
    const way = { port: await freePort() };
    await new Promise<void>((resolve) => void server.listen(way.port, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { ask } = resolverAt(way.port, name, roots() ?? '');
    const answer = await ask('mail.test.', TYPE.MX);
    expect(answer).toMatchObject({ kind: 'timeout', reason: expect.stringMatching(why) });
    expect(answer).toMatchObject({ reason: expect.stringContaining(`tls://127.0.0.1:${way.port}#${name}`) });
    await delay(50);
    expect(heard).toEqual([]);
  });

  test('the next server is asked where one cannot be; none at all is a reason, not an exception', async () => {
    const closed = await freePort();
    const servers = [closed, port].map((at) => ({ at: ipPort('127.0.0.1', at), name: NAME }));
    const resolver = dotResolver(servers, ca.root);
    onTestFinished(() => resolver.stop());
    expect(await resolver.lookup(nameOf('mail.test.'), TYPE.MX)).toMatchObject({ kind: 'answer' });
    const { ask } = resolverAt(closed);
    expect(await ask('mail.test.', TYPE.MX)).toMatchObject({
      kind: 'timeout',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
