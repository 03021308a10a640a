/**
 * The request sequences of programs that cannot run here, as their sources have them (facts/operations.md §8.6):
 * cert-manager's rfc2136 solver and ExternalDNS's rfc2136 provider. Messages without EDNS, signed with HMAC-SHA256.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { dig } from '../support/dig.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { sendUpdate } from '../support/update-client.ts';
import { putZones } from '../support/waxseal.ts';

const ZONE = 'seq.example.';
const TEXT = `$ORIGIN ${ZONE}\n$TTL 60\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n`;
let server: RunningServer;
const keys = new Map<string, { readonly name: string; readonly secret: string }>();

async function makeKey(name: string, ...rights: readonly string[]): Promise<void> {
  const made = await server.cli('tsig', 'generate', name, '--zone', 'seq.example', '--for', 'update', ...rights);
  const [, absolute = '', secret = ''] = made.out.trim().split(':');
  keys.set(name, { name: absolute, secret });
}

beforeAll(async () => {
  server = await startServer();
  await putZones(server, [{ name: ZONE, text: TEXT }], 'on');
  await makeKey('cm.seq.example', '--name', '_acme-challenge.*', '--type', 'TXT', '--ttl', '60');
  await makeKey('ed.seq.example');
  // Keys are at every thread.
  await server.eventually(async () => (await send('cm.seq.example', 'add x 60 A 192.0.2.1')) === 5);
}, 60_000);
afterAll(() => server?.stop());

/** The rcode of one message. */
async function send(key: string, lines: string, transport: 'udp' | 'tcp' = 'udp'): Promise<number> {
  const to = ipPort('127.0.0.1', server.port);
  return (await sendUpdate(to, ZONE, lines, keys.get(key), { edns: false, transport }))?.rcode ?? -1;
}

const serial = async (): Promise<number> => Number((await dig(server, [ZONE, 'SOA'])).answer[0]!.split(/\s+/)[6]);
const texts = async (name: string): Promise<readonly string[]> =>
  (await dig(server, [name, 'TXT'])).answer.map((line) => line.split(/\s+/).slice(4).join(' ')).toSorted();

describe('cert-manager: one TXT of TTL 60 for each challenge, put and taken one by one', () => {
  const cm = (lines: string): Promise<number> => send('cm.seq.example', lines);
  const NAME = `_acme-challenge.${ZONE}`;

  test('two at one name (the zone and its wildcard), each cleaned up alone; what is gone is NOERROR', async () => {
    const before = await serial();
    expect(await cm('add _acme-challenge 60 TXT "one"')).toBe(0);
    expect(await cm('add _acme-challenge 60 TXT "two"')).toBe(0);
    expect(await texts(NAME)).toEqual(['"one"', '"two"']);
    expect(await cm('del _acme-challenge TXT "one"')).toBe(0);
    expect(await texts(NAME)).toEqual(['"two"']);
    expect(await cm('del _acme-challenge TXT "two"')).toBe(0);
    // It retries its cleaning up.
    expect(await cm('del _acme-challenge TXT "two"')).toBe(0);
    expect(await texts(NAME)).toEqual([]);
    expect(((await serial()) - before) >>> 0).toBe(4);
  });

  test('its key opens nothing else', async () => {
    expect(await cm('add www 60 A 192.0.2.9')).toBe(5);
    expect(await cm('add www 60 TXT "x"')).toBe(5);
    expect(await cm('add _acme-challenge.www 300 TXT "x"')).toBe(5);
  });
});

describe('ExternalDNS: reads by AXFR, then one batch of removals and insertions over TCP', () => {
  const ed = (lines: string): Promise<number> => send('ed.seq.example', lines, 'tcp');
  const OWNER = '"heritage=external-dns,external-dns/owner=default,external-dns/resource=ingress/web"';
  const list = async (): Promise<readonly string[]> =>
    (await dig(server, [ZONE, 'AXFR'])).text
      .split('\n')
      .filter((line) => /^(?:a-)?app\.\S+\s+\d+\s+IN\s+(?:A|TXT)\s/.test(line))
      .map((line) => line.replaceAll(/\s+/g, ' '));

  test('create, change and delete a host with its owner record', async () => {
    // Without --rfc2136-tsig-axfr it transfers without a signature: refused until its address is listed.
    expect((await dig(server, [ZONE, 'AXFR'])).text).toContain('Transfer failed');
    expect((await server.cli('secondary', 'add', ZONE, '127.0.0.1', '--yes')).exit).toBe(0);
    expect(await list()).toEqual([]);
    const before = await serial();
    expect(await ed(`add app 300 A 192.0.2.10\nadd a-app 300 TXT ${OWNER}`)).toBe(0);
    expect(await list()).toEqual([`app.${ZONE} 300 IN A 192.0.2.10`, `a-app.${ZONE} 300 IN TXT ${OWNER}`].toSorted());
    // A change is a removal of the old record and an insertion of the new one, in one message.
    const change = `del app A 192.0.2.10\ndel a-app TXT ${OWNER}\nadd app 60 A 192.0.2.11\nadd a-app 60 TXT ${OWNER}`;
    expect(await ed(change)).toBe(0);
    expect((await list()).filter((line) => line.includes(' A '))).toEqual([`app.${ZONE} 60 IN A 192.0.2.11`]);
    expect(await ed(`del app A 192.0.2.11\ndel a-app TXT ${OWNER}`)).toBe(0);
    expect(await list()).toEqual([]);
    // RFC 2136 §3.6: one step of the serial for each batch.
    expect(((await serial()) - before) >>> 0).toBe(3);
  });
});
