/** kill -9 of the control process and of all processes during updates: what was acknowledged is there, nothing is half there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { sendUpdate } from '../support/update-client.ts';
import { exportZone, putZones } from '../support/waxseal.ts';

const ZONE = '$TTL 60\n@ SOA ns1 host 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n';
const CLIENTS = 4;
let server: RunningServer;
let key: { name: string; secret: string };

beforeAll(async () => {
  server = await startServer({ workers: 1 });
  await putZones(server, [{ name: 'kill.example.', text: ZONE }], 'on');
  const made = await server.cli('tsig', 'generate', 'k.kill.example', '--zone', 'kill.example', '--for', 'update');
  const [, name = '', secret = ''] = made.out.trim().split(':');
  key = { name, secret };
}, 120_000);
afterAll(() => server.stop());

test('facts X3: acknowledged is there, unacknowledged is there as a whole or not at all', { timeout: 120_000 }, async () => {
  const acknowledged = new Set<string>();
  const sent = new Set<string>();
  const over = new AbortController();
  const client = async (number: number): Promise<void> => {
    for (let each = 0; !over.signal.aborted; each++) {
      const name = `u${number}-${each}`;
      const lines = `nx ${name}\nadd ${name} 60 A 192.0.2.1\nadd ${name} 60 TXT "t"\nadd ${name} 60 MX 10 ns1\nadd m.${name} 60 A 192.0.2.2`;
      sent.add(name);
      const reply = await sendUpdate(ipPort('127.0.0.1', server.port), 'kill.example.', lines, key).catch(() => undefined);
      if (reply?.rcode === 0) acknowledged.add(name);
      else await sleep(50);
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, number) => client(number));
  const moreThan = (count: number) => server.eventually(() => acknowledged.size > count, 30_000);
  expect(await moreThan(10)).toBe(true);
  await server.killChild('control');
  expect(await moreThan(acknowledged.size + 10)).toBe(true);
  await server.killAll();
  await server.start();
  expect(await moreThan(acknowledged.size + 5)).toBe(true);
  over.abort();
  await Promise.all(clients);
  const text = await exportZone(server, 'kill.example.', false);
  const records = new Map<string, number>();
  for (const [, name] of text.matchAll(/^(?:m\.)?(u\d+-\d+)[.\s]/gm)) records.set(name!, (records.get(name!) ?? 0) + 1);
  expect([...acknowledged].filter((name) => records.get(name) !== 4)).toEqual([]);
  expect([...sent].filter((name) => ![undefined, 4].includes(records.get(name)))).toEqual([]);
  expect([...records.keys()].filter((name) => !sent.has(name))).toEqual([]);
});
