/**
 * `waxseal check` of a running server: it asks the configured resolver, not its store, and every address it finds there;
 * none of them leads off this machine.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { listenDns, resolving } from '../support/dns-sockets.ts';
import { WORLD_ZONE, doctorWorld, zoneText } from '../support/doctor-world.ts';
import { startServer } from '../support/running-server.ts';

/** No host listens there: a refusal comes at once. */
const AT = (last: number): readonly string[] => [`127.77.77.${last}`];
const HOSTS = ['ns1.post.example.', 'ns2.other.test.', 'a.nic.test.', 'b.nic.test.', 'mx1.post.example.'];
const WEB = ['www.post.example.', 'mta-sts.post.example.'];
const asked = new Set<string>();

async function serverInWorld() {
  const world = await doctorWorld({
    resolver: Object.fromEntries([...HOSTS, ...WEB].map((host, at) => [`${host} A`, AT(at + 1)])),
  });
  const answer = resolving(world.resolver);
  const resolver = await listenDns((query) => {
    asked.add(Buffer.from(query.subarray(12)).toString('latin1'));
    return answer(query);
  });
  onTestFinished(resolver.stop);
  const config = `[mail]\nresolvers = ["127.0.0.1:${resolver.at.port}"]\nprobe_networks = ["127.77.77.0/24"]\n`;
  const server = await startServer({ config });
  onTestFinished(async () => void (await server.stop()));
  const file = join(server.folder, 'post.zone');
  writeFileSync(file, `$ORIGIN ${WORLD_ZONE}\n${zoneText(Date.now())}`);
  const { exit } = await server.cli('zone', 'import', WORLD_ZONE, file, '--yes');
  expect(exit).toBe(0);
  return server;
}

interface Document {
  readonly verdict: string;
  readonly results: readonly { readonly check: string; readonly verdict: string; readonly subject: string }[];
}

test('what does not answer is found, what the resolver gives is judged; checks in turn are counted', async () => {
  const server = await serverInWorld();
  const { exit, out } = await server.cli('check', WORLD_ZONE, '--json');
  expect(exit).toBe(6);
  const { verdict, results } = JSON.parse(out) as Document;
  const of = (check: string) => results.filter((each) => each.check === check).map((each) => `${each.verdict} ${each.subject}`);
  expect(verdict).toBe('failed');
  expect(of('no-answer')).toEqual(['failed ns1.post.example. 127.77.77.1', 'failed ns2.other.test. 127.77.77.2']);
  expect(of('parent-unknown').length).toBe(2);
  expect(of('mail-host-silent')).toEqual(['not_tested mx1.post.example. 127.77.77.5']);
  expect(of('mta-sts-fetch')).toEqual(['failed mta-sts.post.example.']);
  expect(of('web-host-silent')).toEqual(['not_tested www.post.example.']);
  for (const check of ['spf', 'dkim', 'dmarc', 'tls-rpt', 'caa', 'mx']) expect(of(check)[0]).toMatch(/^passed /);
  // Our own names were asked for outside.
  expect([...asked].some((each) => each.startsWith('\u0006_dmarc\u0004post\u0007example'))).toBe(true);
  const metrics = await (await fetch(`http://127.0.0.1:${server.adminPort}/metrics`)).text();
  expect(metrics).toContain('waxseal_zone_checks_total 0');
}, 120_000);
