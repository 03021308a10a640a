/** `waxseal check`: what it prints, and its exit codes (interface.md: 6 a check failed, 7 nothing could be looked at). */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, useServer } from '../support/cli-server.ts';
import { type Fault, WORLD_ZONE, doctorWorld } from '../support/doctor-world.ts';

const server = useServer();

/** The server has a zone of another name; what it is asked is answered about this world. */
async function check(fault: Fault, ...words: readonly string[]) {
  const world = await doctorWorld(fault);
  const { checks } = server.control;
  Object.assign(server.control, { checks: { ...checks, zone: { check: () => world.doctor.check(world.record()) } } });
  return await server.cli('check', 'example.com', ...words);
}

test('a sound zone: every area, exit code 0', async () => {
  const { exit, out, err } = await check({});
  expect([exit, err]).toEqual([0, '']);
  expect(out).toMatch(/^VERDICT +CHECK +SUBJECT +SEEN\n/);
  expect(out).toMatch(/^passed +spf +post\.example\. +v=spf1 mx -all \(1 look-ups\) \[RFC 7208 §3\]$/m);
  expect(out).toMatch(/post\.example\. serial 10 at 20\S+Z: passed; 0 failed, 0 warnings, 0 not tested\n$/);
});

test('a fault: first, with its source and the next command, exit code 6', async () => {
  const { exit, out } = await check({ resolver: { 'post.example. TXT': ['"x"'] } }, '--findings');
  expect(exit).toBe(6);
  expect(out).toMatch(
    /^VERDICT.*\nfailed +spf-missing +post\.example\. +there is no SPF record.*\[RFC 7208 §3\]\nNext:\n {2}spf-missing: .*waxseal mail apply/,
  );
  expect(out).not.toContain('passed ');
});

test('a warning is no failure', async () => {
  const { exit, out } = await check({ resolver: { '25.14.0.193.in-addr.arpa. PTR': 'nxdomain' } }, '--findings');
  expect(exit).toBe(0);
  expect(out).toContain('warning');
});

test('--json: one document, as the API has it', async () => {
  const { exit, out } = await check({ parent: (text) => `${text}post 3600 NS ns.evil.test.\n` }, '--json', '--findings');
  expect(exit).toBe(6);
  const document = JSON.parse(out) as { readonly results: readonly unknown[] };
  expect(document).toMatchObject({ zone: WORLD_ZONE, serial: 10, verdict: 'failed', omitted: 0 });
  expect(document.results).toHaveLength(2);
  expect(document.results[0]).toMatchObject({
    check: 'ns-not-ours',
    area: 'delegation',
    verdict: 'failed',
    evidence: expect.stringContaining('ns.evil.test.'),
    rfc: 'RFC 1034 §4.2.2',
    fix: expect.stringContaining('registrar'),
  });
});

test('when nothing could be looked at the exit code is 7', async () => {
  const world = await doctorWorld();
  const silent = () => new Promise<never>(() => {});
  const doctor = world.doctorOf({ outside: { lookup: silent }, ask: { udp: silent, tcp: silent }, limitMs: 30 });
  Object.assign(server.control, { checks: { ...server.control.checks, zone: { check: () => doctor.check(world.record()) } } });
  const { exit, out } = await server.cli('check', 'example.com');
  expect(exit).toBe(7);
  expect(out).toContain('not_tested');
});

test('a zone that is not served: exit code 3', async () => {
  expect((await server.cli('check', 'other.example')).exit).toBe(3);
});

test('every command that a fix names is there', async () => {
  const folder = join(import.meta.dirname, '../../src/control');
  const files = ['doctor', 'delegation-check'].flatMap((each) => readdirSync(join(folder, each)).map((file) => join(folder, each, file)));
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  const named = new Set([...text.matchAll(/waxseal ((?:check|query)|[a-z-]+ [a-z-]+)/g)].map(([, words]) => words!));
  expect(named.size).toBeGreaterThan(15);
  for (const words of named) expect([words, (await run([...words.split(' '), '--help'])).exit]).toEqual([words, 0]);
});
