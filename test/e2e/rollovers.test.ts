/**
 * Key rollovers for real, with times of seconds: the server as users run it, NSD on loopback as the parent, and delv that validates all through
 * with the DS records that the parent has then: never a moment without a good answer.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { delv } from '../support/dig.ts';
import { type Endpoint } from '../support/exchange.ts';
import { type RunningServer, quietPort, runWaxseal, startServer } from '../support/running-server.ts';
import { runTool } from '../support/tools.ts';
import { putZones } from '../support/waxseal.ts';

const ZONE = 'keys.example.';
const TEXT = '$TTL 2\n@ SOA ns host 1 3600 600 86400 2\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n';

let server: RunningServer;
let parent: Endpoint;
let nsd: ChildProcess;
let folder = '';
let serial = 1;

/** The parent's zone with these DS records, one a line. */
function writeParent(ds: readonly string[]): void {
  serial++;
  const records = ds.map((each) => `${ZONE} 2 IN DS ${each}\n`).join('');
  const head = `example. 3600 IN SOA ns.example. host.example. ${serial} 3600 600 86400 60\nexample. 3600 IN NS ns.example.\n`;
  writeFileSync(
    join(folder, 'example.zone'),
    `${head}ns.example. 3600 IN A 127.0.0.1\n${ZONE} 3600 IN NS ns.${ZONE}\nns.${ZONE} 3600 IN A 127.0.0.1\n${records}`,
  );
}

beforeAll(async () => {
  server = await startServer();
  await putZones(server, [{ name: ZONE, text: TEXT }], 'on');
  folder = mkdtempSync(join(tmpdir(), 'waxseal-parent-'));
  const port = await quietPort();
  parent = { name: 'nsd', address: '127.0.0.1', port };
  writeParent(await short(server, 'CDS'));
  const file = join(folder, 'nsd.conf');
  const state = `pidfile: ""\n  xfrdfile: "${folder}/xfrd.state"\n  xfrdir: "${folder}"\n  zonelistfile: "${folder}/zone.list"`;
  writeFileSync(
    file,
    `server:\n  ip-address: 127.0.0.1@${port}\n  username: ""\n  chroot: ""\n  zonesdir: "${folder}"\n  database: ""\n  ${state}\n  server-count: 1\nremote-control:\n  control-enable: no\nzone:\n  name: example.\n  zonefile: example.zone\n`,
  );
  nsd = spawn('nsd', ['-d', '-c', file], { stdio: 'ignore', env: { PATH: `${process.env['PATH']}:/usr/sbin` } });
  await server.eventually(async () => (await short(parent, 'DS')).length > 0, 20_000);
}, 120_000);

afterAll(async () => {
  nsd.kill('SIGKILL');
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** RDATA of the zone's records of a type, at one server. */
async function short(at: Endpoint, type: string): Promise<readonly string[]> {
  const words = [`@${at.address}`, '-p', String(at.port), '+short', '+norecurse', '+time=2', '+tries=2', ZONE, type];
  const { stdout: text } = await runTool('dig', words);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^\d/.test(line));
}

interface Status {
  readonly keys: readonly { readonly keyTag: number; readonly role: string; readonly state: string }[];
}

async function keys(): Promise<Status['keys']> {
  const status: Status = JSON.parse(await (await server.api('GET', `/v1/zones/${ZONE}/dnssec`)).text());
  return status.keys;
}

/** Rolls, follows CDS as a registrar does, and validates all the while; returns the states that were seen. */
async function watch(role: string): Promise<readonly string[]> {
  const rolled = await runWaxseal(['dnssec', 'roll', ZONE, '--role', role, '--server', `unix:${server.directory}/admin.sock`]);
  expect([rolled.exit, rolled.err]).toEqual([0, '']);
  expect(rolled.out).toContain('What follows:');
  const seen: string[] = [];
  const bogus: string[] = [];
  for (let turn = 0; turn < 240; turn++) {
    const ds = await short(parent, 'DS');
    for (const [name, type] of [
      [ZONE, 'SOA'],
      [`www.${ZONE}`, 'A'],
      [`nothing.${ZONE}`, 'A'],
    ] as const) {
      const { isValid, text } = await delv(
        server,
        ZONE,
        ds.map((each) => `${ZONE} 2 IN DS ${each}`),
        name,
        type,
      );
      if (!isValid) bogus.push(`${name} ${type}: ${text}`);
    }
    const cds = await short(server, 'CDS');
    if (cds.length > 0 && cds.toSorted().join() !== ds.toSorted().join()) {
      writeParent(cds);
      nsd.kill('SIGHUP');
    }
    const now = await keys();
    const states = now.map((each) => `${each.role} ${each.state}`).join(', ');
    if (seen.at(-1) !== states) seen.push(states);
    // The DNSKEY RRset of before the policy had a TTL of an hour: the old key stays for that long.
    if (turn >= 16 && seen.length === 3) break;
    await delay(250);
  }
  expect(bogus).toEqual([]);
  return seen;
}

test('a CSK is rolled until the new one signs: delv validates at every moment', async () => {
  const policy = { keyTtlSeconds: 2, propagationSeconds: 1, parentPropagationSeconds: 1, parentServers: [`127.0.0.1:${parent.port}`] };
  const patched = await server.api('PATCH', `/v1/zones/${ZONE}/dnssec`, JSON.stringify({ policy }));
  expect(patched.status).toBe(200);
  await delay(4000);
  const before = (await keys())[0]!.keyTag;
  expect(await watch('csk')).toEqual(['csk active, csk published', 'csk signing, csk submitted', 'csk retired, csk active']);
  expect((await keys())[0]!.keyTag).toBe(before);
}, 240_000);
