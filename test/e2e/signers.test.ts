/**
 * Mail signed by rspamd (through the Vault shape) and by OpenDKIM (from exported files), before, while and after a rotation with short
 * times: every message has its signatures, and mailauth verifies each one against our server over DNS, at once and again when its queue
 * life ends. opendkim-testkey, which validates DNSSEC, judges the selectors.
 *
 * Nothing here is rspamd's or OpenDKIM's but the programs as Debian has them; each runs as our child on a loopback port.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MailSigner, type OpenDkim, startOpenDkim, startRspamd } from '../support/mail-signers.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { runTool } from '../support/tools.ts';

const DOMAIN = 'post.example';
const SENDER = `somebody@${DOMAIN}`;
const ZONE = `
@ 1 SOA ns1 host 10 7200 900 1209600 1
@ 1 NS ns1
@ 1 MX 10 mx1
ns1 1 A 127.0.0.1
mx1 1 A 127.0.0.1
`;
/** Mail is under way for this long at most, here. */
const QUEUE_LIFE_MS = 10_000;
const POLICY = {
  ttl: { default: '1s' },
  mtaSts: { mode: 'off' },
  dkim: { signers: ['rspamd', 'opendkim'], queueLife: '10s', signerLag: '1s', revokedFor: '1h' },
};
/** A message of each signer, this often. */
const EVERY_MS = 200;

interface Sent {
  readonly signer: string;
  readonly atMs: number;
  readonly message: string;
  readonly selectors: readonly string[];
  readonly verdicts: string[];
}

let server: RunningServer;
let rspamd: MailSigner;
let opendkim: OpenDkim;
let folder: string;
const sent: Sent[] = [];
const late: Promise<void>[] = [];

/** As a receiver does it: TXT look-ups at our server, over DNS. */
async function verify(message: string): Promise<string[]> {
  const client = new Resolver({ timeout: 10_000, tries: 2 });
  client.setServers([`${server.address}:${server.port}`]);
  const { results } = await dkimVerify(Buffer.from(message, 'latin1'), {
    resolver: (name: string, type: string) => client.resolve(name, type),
  } as never);
  return results.map(({ status, signingDomain, selector }) =>
    `${selector}._domainkey.${signingDomain} ${status.result} ${status.comment ?? ''}`.trim(),
  );
}

const selectorsOf = (message: string) =>
  [
    ...message
      .split('\r\n\r\n', 1)[0]!
      .replaceAll(/\r\n[ \t]+/g, ' ')
      .matchAll(/^DKIM-Signature:.*?[; ]s=([^;\s]+)/gim),
  ].map((match) => match[1]!);

let count = 0;
async function post(name: string, signer: MailSigner): Promise<void> {
  const id = count++;
  const message = [
    `From: Somebody <${SENDER}>`,
    'To: else@receiver.example',
    `Subject: message ${id}`,
    'Date: Thu, 01 Jan 2026 12:00:00 +0000',
    `Message-ID: <${id}@${DOMAIN}>`,
    '',
    `This is message ${id}.`,
    '',
  ].join('\r\n');
  const atMs = Date.now();
  const signed = await signer.sign(message, SENDER);
  const one: Sent = { signer: name, atMs, message: signed, selectors: selectorsOf(signed), verdicts: await verify(signed) };
  sent.push(one);
  late.push(verifyLate(one));
}

/** When a sender's queue would give up. */
async function verifyLate({ atMs, message, verdicts }: Sent): Promise<void> {
  await delay(atMs + QUEUE_LIFE_MS - Date.now());
  verdicts.push(...(await verify(message)));
}

/** Mail flows until `holds`, or the time is over. */
async function mailUntil(holds: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    if (await holds()) return true;
    if (Date.now() > until) return false;
    await Promise.all([post('rspamd', rspamd), post('opendkim', opendkim), delay(EVERY_MS)]);
  }
}

interface KeysDocument {
  readonly keys: readonly { readonly selector: string; readonly stage: string }[];
}

async function stages(): Promise<Record<string, string>> {
  const { keys } = (await (await server.api('GET', `/v1/zones/${DOMAIN}/dkim`)).json()) as KeysDocument;
  return Object.fromEntries(keys.map(({ selector, stage }) => [selector, stage]));
}

async function active(): Promise<string[]> {
  return Object.entries(await stages()).flatMap(([selector, stage]) => (stage === 'active' ? [selector] : []));
}

const lastOf = (signer: string) => sent.findLast((each) => each.signer === signer)?.selectors ?? [];

/** What the set-up cannot go on without. */
function must(holds: boolean, why: string): void {
  if (!holds) throw new Error(why);
}

beforeAll(async () => {
  server = await startServer();
  folder = join(server.folder, 'keys', 'opendkim');
  const imported = await server.api('PUT', `/v1/zones/${DOMAIN}/zonefile`, ZONE, 'text/dns');
  must(imported.status === 201, await imported.text());
  const applied = await server.api('PUT', `/v1/zones/${DOMAIN}/mail`, JSON.stringify(POLICY));
  must(applied.status === 201, await applied.text());
  must(await server.eventually(async () => (await active()).length === 2, 20_000), 'no keys became active');

  const added = await server.cli('dkim', 'signer', 'add', 'rspamd', '--domain', DOMAIN);
  must(added.exit === 0, added.err);
  const pidFile = join(server.folder, 'opendkim.pid');
  const reload = join(server.folder, 'reload.sh');
  // Before the first start there is nobody to tell.
  writeFileSync(reload, `test ! -e ${pidFile} || kill -USR1 "$(cat ${pidFile})"\n`);
  const files = ['dkim', 'signer', 'add', 'opendkim', '--domain', DOMAIN, '--files', 'opendkim', '--', '/bin/sh', reload];
  for (const words of [files, ['dkim', 'signer', 'export', 'opendkim']]) {
    const { exit, err } = await server.cli(...words);
    must(exit === 0 && err === '', err);
  }
  [rspamd, opendkim] = await Promise.all([
    startRspamd(`http://127.0.0.1:${server.adminPort}`, added.out.trim()),
    startOpenDkim(join(folder, 'current'), pidFile),
  ]);
}, 60_000);

afterAll(async () => {
  await Promise.all([rspamd?.stop(), opendkim?.stop()]);
  await server?.stop();
});

describe('RFC 6376 §3.1, §5.2: signers follow a rotation by themselves', () => {
  test('every message is signed and verifies, before, across and after the switch', { timeout: 80_000 }, async () => {
    const before = await active();
    const isRsa = (selector: string) => selector.startsWith('r');
    await mailUntil(() => sent.length >= 10, 10_000);
    expect(lastOf('rspamd').toSorted()).toEqual(before.toSorted());
    expect(lastOf('opendkim')).toEqual(before.filter(isRsa));

    const rotated = await server.cli('dkim', 'rotate', DOMAIN, '--reason', 'test', '--yes');
    expect(rotated).toMatchObject({ exit: 0 });
    const isNew = async () => {
      const now = await active();
      const [byRspamd, byOpenDkim] = [lastOf('rspamd'), lastOf('opendkim')];
      return (
        now.length === 2 &&
        !now.some((each) => before.includes(each)) &&
        now.every((each) => byRspamd.includes(each)) &&
        byOpenDkim.includes(now.find(isRsa)!)
      );
    };
    expect(await mailUntil(isNew, 30_000)).toBe(true);
    const after = await active();

    // Both have switched, and have said so by asking and by their files; the old keys go when mail signed with them has arrived.
    const isRevoked = async () => {
      const now = await stages();
      return before.every((selector) => now[selector] === 'revoked');
    };
    expect(await mailUntil(isRevoked, 40_000)).toBe(true);
    await Promise.all(late);

    const rspamdMail = sent.filter(({ signer }) => signer === 'rspamd');
    const openDkimMail = sent.filter(({ signer }) => signer === 'opendkim');
    for (const mail of [rspamdMail, openDkimMail]) {
      expect(mail.length).toBeGreaterThan(20);
      for (const selectors of [before, after])
        expect(mail.some((each) => each.selectors.some((one) => selectors.includes(one)))).toBe(true);
    }
    // No unsigned mail: rspamd signs with both algorithms, OpenDKIM with RSA; never with a key of each side of the switch.
    for (const { selectors } of rspamdMail) expect(new Set(selectors.map((each) => each[0]))).toEqual(new Set(['e', 'r']));
    expect(rspamdMail.every(({ selectors }) => selectors.length === 2)).toBe(true);
    for (const { selectors } of openDkimMail) expect(selectors.map((each) => each[0])).toEqual(['r']);
    // No unverifiable mail: at once, and at the end of its queue life.
    for (const { selectors, verdicts } of sent)
      expect(verdicts).toEqual([...selectors, ...selectors].map((selector) => `${selector}._domainkey.${DOMAIN} pass`));
    // And the judge can say no.
    const forged = await verify(sent[0]!.message.replace('This is message', 'That was message'));
    expect(forged.some((verdict) => verdict.endsWith('pass'))).toBe(false);
    // Once switched, nobody goes back.
    for (const mail of [rspamdMail, openDkimMail])
      for (const algorithm of ['r', 'e']) {
        const row = mail.flatMap(({ selectors }) => selectors.filter((each) => each.startsWith(algorithm)));
        expect(row.filter((each, at) => each !== row[at - 1]).length).toBeLessThanOrEqual(2);
      }
  });

  test('the fetches are in the audit log, once each', async () => {
    const { entries } = (await (await server.api('GET', '/v1/audit?limit=1000')).json()) as {
      entries: { action: string; detail: string }[];
    };
    const fetches = entries.filter(({ action }) => action === 'signer.fetch');
    // Hundreds of messages, two keys before and two after; an hour may have turned meanwhile.
    expect(fetches.length).toBeGreaterThanOrEqual(2);
    expect(fetches.length).toBeLessThanOrEqual(8);
    expect(entries.some(({ action, detail }) => action === 'dkim.ack' && detail.startsWith('rspamd signs with'))).toBe(true);
    expect(entries.some(({ action, detail }) => action === 'dkim.ack' && detail.startsWith('opendkim signs with'))).toBe(true);
    expect(JSON.stringify(entries)).not.toContain('PRIVATE');
  });

  test('the command line shows both, and when they last got keys', async () => {
    const { signers } = JSON.parse((await server.cli('dkim', 'signer', 'list', '--json')).out) as { signers: Record<string, unknown>[] };
    expect(signers).toMatchObject([
      { name: 'opendkim', delivery: 'files', files: { form: 'opendkim', folder }, export: { state: 'current' } },
      { name: 'rspamd', delivery: 'fetch', fetchedAt: expect.any(String) },
    ]);
    expect((await server.cli('dkim', 'signer', 'list')).out).toMatch(/^rspamd +fetch +post\.example\. +127\.0\.0\.0\/8,::1\/128 +20/m);
    expect(await server.cli('dkim', 'signer', 'remove', 'nobody', '--yes')).toMatchObject({ exit: 3 });
  });

  test("opendkim-testkey validates the selector with DNSSEC, and finds the exported key to be the record's", async () => {
    const [selector] = (await active()).filter((each) => each.startsWith('r'));
    const { ds } = (await (await server.api('GET', `/v1/zones/${DOMAIN}/dnssec/ds`)).json()) as { ds: { record: string }[] };
    const anchor = join(server.folder, 'anchor');
    const unbound = join(server.folder, 'unbound.conf');
    const config = join(server.folder, 'testkey.conf');
    writeFileSync(anchor, `${ds[0]!.record}\n`);
    writeFileSync(
      unbound,
      `server:\n  do-not-query-localhost: no\n  module-config: "validator iterator"\nstub-zone:\n  name: "${DOMAIN}."\n  stub-addr: ${server.address}@${server.port}\n`,
    );
    writeFileSync(config, `ResolverConfiguration ${unbound}\nTrustAnchorFile ${anchor}\n`);
    const key = join(folder, 'current', 'keys', DOMAIN, `${selector}.pem`);
    const judged = await runTool('opendkim-testkey', ['-x', config, '-d', DOMAIN, '-s', selector!, '-k', key, '-vvv']);
    expect([judged.code, judged.stderr + judged.stdout]).toEqual([0, expect.stringMatching(/key secure[\s\S]*key OK/)]);
    // It can say no: the key of another selector, and a selector that is not there.
    const others = readdirSync(join(folder, 'current', 'keys', DOMAIN)).filter((name) => name !== `${selector}.pem`);
    expect(others.map((name) => readFileSync(join(folder, 'current', 'keys', DOMAIN, name), 'utf8').includes('PRIVATE KEY'))).not.toContain(
      false,
    );
    const missing = await runTool('opendkim-testkey', ['-x', config, '-d', DOMAIN, '-s', 'nothing', '-vvv']);
    expect(missing.code).not.toBe(0);
  });
});
