/** The admin API over TLS, with clients that check it: Node's own, and the command line. */
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { listenAdmin } from '#admin/http/listen.ts';
import { findInFiles } from '#admin/tls/files.ts';
import { ListenerTls } from '#admin/tls/listener-tls.ts';
import { ipPort } from '#base/address.ts';
import { fakeWithZone } from '../../support/admin/fake-control.ts';
import { run } from '../../support/cli-server.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../../support/throwaway-ca.ts';

let ca: ThrowawayCa;
beforeAll(() => void (ca = throwawayCa()));
afterAll(() => ca.remove());

async function served(pair: Pair, isMutual = false) {
  const folder = temporaryFolder();
  const put = ({ cert, key }: Pair) => {
    writeFileSync(join(folder, 'server.pem'), cert);
    writeFileSync(join(folder, 'server.key'), key, { mode: 0o600 });
  };
  put(pair);
  copyFileSync(join(ca.folder, 'ca.pem'), join(folder, 'clients.pem'));
  const files = {
    certificateFile: join(folder, 'server.pem'),
    keyFile: join(folder, 'server.key'),
    clientCaFile: isMutual ? join(folder, 'clients.pem') : undefined,
  };
  const said: string[] = [];
  const say = (_event: string, text: string) => void said.push(text);
  const tls = new ListenerTls({ find: () => findInFiles(files), asksClients: isMutual, log: { info: say, warn: say } });
  const { control, tokens } = await fakeWithZone();
  const app = await buildAdmin({ control });
  const listeners = await listenAdmin(app, { tcp: ipPort('127.0.0.1', 0), socketPath: undefined, tls });
  onTestFinished(() => listeners.close(0));
  const port = Number(listeners.address.split(':')[1]);
  writeFileSync(join(folder, 'token'), tokens.admin);
  return { folder, put, tls, said, port, tokens };
}

/** The status, or why there was no answer. */
async function ask(port: number, more: object = {}): Promise<number | string> {
  const sent = request({ host: '127.0.0.1', port, servername: 'localhost', path: '/livez', ca: ca.root, agent: false, ...more }).end();
  try {
    const [answer] = await once(sent, 'response');
    answer.resume();
    return answer.statusCode;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

test('serves over TLS 1.2 and 1.3 and no older version; plain HTTP gets nothing', async () => {
  const { port } = await served(ca.leaf(['localhost']));
  expect(await ask(port)).toBe(200);
  expect(await ask(port, { maxVersion: 'TLSv1.2' })).toBe(200);
  expect(await ask(port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).toMatch(/^E/);
  expect(await ask(port, { ca: undefined })).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow('fetch failed');
});

test('a renewed certificate is shown to the next connection; one that is no good changes nothing', async () => {
  const { port, put, tls, said } = await served(ca.leaf(['localhost']));
  const serial = async () => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: ca.root });
    await once(socket, 'secureConnect');
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  const first = await serial();
  const next = ca.leaf(['localhost']);
  put({ cert: next.cert, key: ca.leaf(['localhost']).key });
  tls.look();
  expect(await serial()).toBe(first);
  expect(said.at(-1)).toMatch(/key values mismatch.*; the one before is shown$/);
  expect(said.join()).not.toContain('PRIVATE');
  put(next);
  tls.look();
  expect(await serial()).not.toBe(first);
  expect(said.at(-1)).toBe('the admin listener shows its certificate');
});

test('without a certificate no connection succeeds, the log says why, and one that comes is shown', async () => {
  const pair = ca.leaf(['localhost']);
  const { port, put, tls, said } = await served({ cert: 'none', key: pair.key });
  expect(said).toEqual([expect.stringMatching(/server\.pem has no certificate in PEM; no TLS connection succeeds until then/)]);
  expect(await ask(port)).toMatch(/^E/);
  put(pair);
  tls.look();
  expect(await ask(port)).toBe(200);
});

test('mutual TLS: no request without a certificate of the named roots', async () => {
  const { port } = await served(ca.leaf(['localhost']), true);
  const other = throwawayCa();
  onTestFinished(() => other.remove());
  expect(await ask(port)).toMatch(/^E/);
  expect(await ask(port, other.leaf(['client.test']))).toMatch(/^E/);
  expect(await ask(port, ca.leaf(['client.test']))).toBe(200);
});

test('the command line: --ca is all that is trusted, --client-cert is shown', async () => {
  const { port, folder } = await served(ca.leaf(['localhost']), true);
  const client = ca.leaf(['client.test']);
  writeFileSync(join(folder, 'client.pem'), client.cert + client.key);
  const cli = (...words: string[]) =>
    run(['zone', 'list', '--server', `https://localhost:${port}`, '--token-file', join(folder, 'token'), ...words]);
  const clientPem = join(folder, 'client.pem');
  const roots = join(folder, 'clients.pem');
  expect(await cli('--ca', roots, '--client-cert', clientPem)).toMatchObject({ exit: 0, out: expect.stringContaining('example.com.') });
  const untrusted = await cli('--client-cert', clientPem);
  expect(untrusted).toMatchObject({ exit: 1, err: expect.stringContaining('--ca FILE') });
  expect(await cli('--ca', roots)).toMatchObject({ exit: 1 });
  const plain = await run(['zone', 'list', '--server', `http://localhost:${port}`, '--ca', roots]);
  expect(plain).toMatchObject({ exit: 2, err: expect.stringContaining('are for https:// servers') });
});
