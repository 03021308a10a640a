/**
 * A domain's whole way, by real programs: its zone comes by the API, a mail policy is applied, pebble issues the policy host's certificate through
 * our own DNS, MTA-STS reaches enforce, TLSA records match, keys change twice at the policy host and at the mail host, and all of it goes again.
 * A strict sender and Postfix's posttls-finger, both behind a validating unbound, connect all the time; postfix-mta-sts-resolver looks in between.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pebble } from '../support/acme/pebble.ts';
import { type DaneSender, daneSender, ownLoopback } from '../support/mail/dane-sender.ts';
import { type StarttlsServer, starttlsServer } from '../support/mail/starttls-server.ts';
import { StrictClient } from '../support/mail/strict-client.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../support/throwaway-ca.ts';
import { toolPath } from '../support/tools.ts';

const ZONE = 'story.example';
const [STS, MX] = [`mta-sts.${ZONE}`, `mx1.${ZONE}`];
const [ADDRESS, SENDER_ADDRESS, MX_ADDRESS] = [ownLoopback(), ownLoopback(), ownLoopback()];
/** The longest that is ever served. */
const MAX_AGE_SECONDS = 3;
const STEP_MS = 60_000;
/** Between looks: the server under test has its share of the machine too. */
const LOOK_MS = 150;
const ZONE_FILE = `$TTL 1
@ SOA ns1 host 1 3600 600 86400 1
@ NS ns1
@ MX 10 mx1
@ CAA 0 issue "pebble.example"
ns1 A ${ADDRESS}
mx1 A ${MX_ADDRESS}
`;

const folder = mkdtempSync(join(tmpdir(), 'waxseal-story-'));
const rootsFile = join(folder, 'roots.pem');
let ca: ThrowawayCa;
let pebble: Pebble;
let server: RunningServer;
let mx: StarttlsServer;
let sender: DaneSender;
let client: StrictClient;
let deployed: Pair;

interface Certificate {
  readonly host: string;
  readonly stage: string;
  readonly coming?: string;
  readonly chain: string;
  readonly lines: readonly string[];
}

const policyOf = (mode: string, dane: object) => ({
  dkim: { algorithms: [], signerLag: '1s' },
  tlsRpt: { rua: [] },
  ttl: { default: '1s' },
  mtaSts: { mode, maxAge: `${MAX_AGE_SECONDS}s`, shortMaxAge: '2s', testingFor: '2s', shortFor: '1s' },
  dane: { hosts: dane },
});

async function apply(mode: string, dane: object): Promise<void> {
  const answer = await server.api('PUT', `/v1/zones/${ZONE}/mail`, JSON.stringify(policyOf(mode, dane)));
  if (!answer.ok) throw new Error(await answer.text());
}

async function certificate(): Promise<Certificate | undefined> {
  const answer = await server.api('GET', `/v1/zones/${ZONE}/certificates/${STS}`);
  return answer.ok ? ((await answer.json()) as Certificate) : undefined;
}

/** Waits for it; where it does not come, the error has what the server says. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const isIn = async () => (await holds()) || (await delay(LOOK_MS, false));
  if (await server.eventually(isIn, STEP_MS)) return;
  const status = await server.cli('mail', 'status', ZONE);
  const shown = (await certificate())?.lines.join('\n');
  throw new Error(`not in time: ${what}\n${status.out}\n${shown}\n${client?.faults.slice(0, 3).join('\n')}\n${server.log().slice(-3000)}`);
}

const tlsa = async () => {
  const answer = await server.api('GET', `/v1/zones/${ZONE}/tlsa`);
  const { records } = (await answer.json()) as { records: { host: string; stage: string }[] };
  return records.map(({ host, stage }) => `${host.split('.')[0]} ${stage}`).toSorted();
};

/** What postfix-mta-sts-resolver makes of the domain: unmodified, with our resolver and pebble's root. */
function askResolver(): string {
  const conf = join(folder, 'resolv.conf');
  writeFileSync(conf, `nameserver ${SENDER_ADDRESS}\n`);
  const script = `mount --bind ${conf} /etc/resolv.conf && exec ${toolPath('mta-sts-query')} ${ZONE}`;
  const env = { ...process.env, SSL_CERT_FILE: rootsFile };
  return spawnSync('unshare', ['--mount', 'sh', '-c', script], { encoding: 'utf8', env, timeout: STEP_MS }).stdout;
}

beforeAll(async () => {
  ca = throwawayCa();
  deployed = ca.leaf([MX]);
  pebble = await Pebble.start({ dns: `${ADDRESS}:53`, failing: 0, rejectedNonces: 5, sleepSeconds: 0 });
  writeFileSync(rootsFile, await pebble.issuingRoot());
  const config = `[https]
addresses = ["${ADDRESS}"]
[acme]
directories = ["${pebble.directory}"]
contacts = ["mailto:hostmaster@${ZONE}"]
terms_agreed = true
ca_file = "${pebble.rootFile}"
[mail]
resolvers = ["${SENDER_ADDRESS}:53"]
probe_networks = ["127.0.0.0/8"]
probe_ca_file = "${rootsFile}"
starttls_probe = true
`;
  server = await startServer({ config, words: ['--dns', `${ADDRESS}:53`, '--https', `${ADDRESS}:443`] });
  mx = await starttlsServer(deployed, {}, { ip: MX_ADDRESS, port: 25 });
});
afterAll(async () => {
  await client?.stop();
  await mx?.stop();
  await sender?.stop();
  await server?.stop();
  await pebble?.stop();
  ca?.remove();
  rmSync(folder, { recursive: true, force: true });
});

test(
  'zone, policy, certificate, enforce, TLSA, two key changes, removal: no validating client sees a gap',
  { timeout: 300_000 },
  async () => {
    // The zone comes by the API, and its chain of trust begins at the resolver.
    const made = await server.api('PUT', `/v1/zones/${ZONE}/zonefile?parent=ignore&wait=served`, ZONE_FILE, 'text/dns');
    expect(made.ok).toBe(true);
    const { ds } = (await (await server.api('GET', `/v1/zones/${ZONE}/dnssec/ds`)).json()) as { ds: { record: string }[] };
    sender = await daneSender(SENDER_ADDRESS, { zone: ZONE, server, anchors: ds.map(({ record }) => record) });
    client = new StrictClient({ resolver: sender.resolver, zone: ZONE, roots: await pebble.issuingRoot(), mailHost: MX });
    client.start();

    // Nothing but a mail policy: host record, certificate, body, id, testing and enforce follow.
    const dane: Record<string, object> = { mx1: { keys: [deployed.cert] } };
    await apply('enforce', dane);
    await until('a certificate in use', async () => (await certificate())?.stage === 'in-use');
    await until('enforce', () => client.modes.at(-1) === 'enforce');
    // Mode testing may be over between two looks.
    expect(client.modes.filter((mode) => mode !== 'testing')).toEqual(['enforce']);
    expect(askResolver()).toMatch(/VALID.*'mode': 'enforce'/);

    // Senders of mail look at the mail host from here on until its records go.
    const mail = { failures: [] as string[], looks: 0, isOver: false };
    const mailing = (async () => {
      while (!mail.isOver) {
        const { isVerified, text } = await sender.look(MX);
        mail.looks += 1;
        if (!isVerified) mail.failures.push(text);
        await delay(LOOK_MS);
      }
    })();

    // The policy host's key gets a TLSA record too, which follows its certificate from then on.
    dane['mta-sts'] = { port: 443, keys: [(await certificate())!.chain] };
    await apply('enforce', dane);
    await until('TLSA records in use', () => client.tlsaLooks > 0);

    for (const round of [1, 2]) {
      const before = (await certificate())!.chain;
      const renewed = await server.api('POST', `/v1/zones/${ZONE}/certificates/${STS}/renew`, '{}');
      expect(renewed.ok).toBe(true);
      // At the same time the mail host's own client renews, by the hook.
      const next = ca.leaf([MX]);
      writeFileSync(join(server.folder, 'mx.pem'), `${next.cert}${ca.root}`);
      const words = ['cert', 'deploy-hook', '--zone', ZONE, '--host', 'mx1', '--cert', 'mx.pem', '--wait', '60s'];
      const hook = server.cli(...words, '--then', 'touch deployed');
      const then = server.eventually(() => spawnSync('test', ['-e', join(server.folder, 'deployed')]).status === 0, STEP_MS);
      expect(await then).toBe(true);
      mx.present(next);
      rmSync(join(server.folder, 'deployed'));
      expect((await hook).exit).toBe(0);
      await until(`renewal ${round}`, async () => {
        const now = await certificate();
        return now?.stage === 'in-use' && now.coming === undefined && now.chain !== before;
      });
      await until(`key ${round} seen`, () => client.keys.length === round + 1);
      await until('the records of the old keys gone', async () => (await tlsa()).join() === 'mta-sts current,mx1 current');
    }
    mail.isOver = true;
    await mailing;
    expect(mail.failures).toEqual([]);
    expect(mail.looks).toBeGreaterThan(3);

    // All of it backwards: mode none, the longest max_age, the id, the body, the host, its certificate.
    await apply('off', {});
    await until('mode none', () => client.modes.at(-1) === 'none');
    expect(askResolver()).toMatch(/VALID.*'mode': 'none'/);
    await until('the id gone', () => client.goneMs !== undefined);
    expect(client.goneMs! - client.lastEnforceMs).toBeGreaterThan(MAX_AGE_SECONDS * 1000);
    expect(askResolver()).toContain('NONE');
    await until('the certificate gone', async () => (await certificate()) === undefined);
    await client.stop();
    const left = await (await server.api('GET', `/v1/zones/${ZONE}/zonefile`)).text();
    expect(left).not.toMatch(/mta-sts|TLSA|_acme-challenge/);

    expect(client.faults).toEqual([]);
    expect(client.modes.filter((mode) => mode !== 'testing')).toEqual(['enforce', 'none']);
    expect(client.keys).toHaveLength(3);
    expect(client.tlsaLooks).toBeGreaterThan(10);
    expect(server.log()).not.toMatch(/PRIVATE KEY|uncaught/i);
  },
);
