/**
 * A mail policy from the command line to DNS, on the real server: what the plan says is what dig answers, and mailauth, which is not ours,
 * reads the same out of it. Keys change as in a year, with a short queue life.
 * Not here: single rules (test/control/mail.test.ts), signers.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Resolver } from 'node:dns/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dig } from '../support/dig.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';

const require = createRequire(import.meta.url);
// Their types leave out what these take.
const { spf }: { spf: (mail: object) => Promise<{ status: { result: string } }> } = require('mailauth/lib/spf/index.js');
const {
  resolvePolicy,
}: { resolvePolicy: (domain: string, options: object) => Promise<string | false> } = require('mailauth/lib/mta-sts.js');
const getDmarcRecord: (
  domain: string,
  resolver: unknown,
) => Promise<{ p?: string; rr?: string } | false> = require('mailauth/lib/dmarc/get-dmarc-record.js');

const ZONE = 'post.test';
const TEXT = `$TTL 60
@ SOA ns1 host 1 3600 600 86400 1
@ NS ns1
@ MX 10 mx1
@ TXT "site-verification=1"
ns1 A 192.0.2.1
mx1 A 192.0.2.25
mta-sts A 192.0.2.26
`;
const POLICY = `profile = "m3aawg"
[spf]
mechanisms = ["mx"]
[dkim]
rotationInterval = "90d"
queueLife = "1s"
signerLag = "1s"
[dmarc]
policy = "reject"
rua = ["mailto:dmarc@post.test"]
ramp = { enabled = false }
[mtaSts]
mode = "external"
id = "20261121T090000"
[ttl]
default = "1s"
`;

interface Keys {
  readonly keys: readonly { readonly selector: string; readonly algorithm: string; readonly stage: string }[];
}

let server: RunningServer;
/** DNS as mailauth wants it, asking our server. */
let lookUp: (name: string, type: string) => Promise<unknown>;

beforeAll(async () => {
  server = await startServer({ workers: 1 });
  writeFileSync(join(server.folder, 'post.zone'), TEXT);
  writeFileSync(join(server.folder, 'post.mail.toml'), POLICY);
  const made = await server.cli('zone', 'import', ZONE, 'post.zone');
  if (made.exit !== 0) throw new Error(made.err);
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${server.port}`]);
  lookUp = (name, type) => resolver.resolve(name, type);
});
afterAll(async () => {
  await server.stop();
});

/** Texts at a name, strings of one record joined. */
async function texts(name: string): Promise<string[]> {
  const { answer } = await dig(server, [name, 'TXT']);
  return answer.map((line) => /"(.*)"$/.exec(line)![1]!.replaceAll('" "', ''));
}

describe('a mail policy', () => {
  test('is planned, applied, served, and good for our own check', async () => {
    const plan = await server.cli('mail', 'plan', ZONE, 'post.mail.toml', '--json');
    expect(plan.err).toBe('');
    expect(await texts(`_dmarc.${ZONE}`)).toEqual([]);
    const applied = await server.cli('mail', 'apply', ZONE, 'post.mail.toml', '--json');
    const records = (out: string) =>
      (JSON.parse(out) as { changeset: { added: string[] } }).changeset.added.filter((line) => !line.includes(' RRSIG '));
    expect(records(applied.out)).toEqual(records(plan.out));
    expect(await texts(`_dmarc.${ZONE}`)).toEqual(['v=DMARC1; p=reject; rua=mailto:dmarc@post.test']);
    expect((await texts(ZONE)).toSorted()).toEqual(['site-verification=1', 'v=spf1 mx ~all']);
    expect(await server.cli('mail', 'check', ZONE)).toMatchObject({ exit: 0, err: '', out: expect.stringContaining('post.test. ok') });
    expect((await server.cli('mail', 'show', ZONE)).out).toContain('has   m3aawg');
    expect((await server.cli('mail', 'status')).out).toContain('mta-sts');
  });

  test('mailauth reads SPF, DMARC and MTA-STS out of our answers', async () => {
    const ask = async (ip: string) =>
      (await spf({ sender: `a@${ZONE}`, ip, helo: 'x.test', mta: 'y.test', resolver: lookUp })).status.result;
    expect(await ask('192.0.2.25')).toBe('pass');
    expect(await ask('192.0.2.99')).toBe('softfail');
    expect(await getDmarcRecord(ZONE, lookUp)).toMatchObject({ p: 'reject' });
    expect(await resolvePolicy(ZONE, { resolver: lookUp })).toBe('20261121T090000');
  });

  test('keys become active, are rotated on order, and old ones are revoked', { timeout: 90_000 }, async () => {
    const keys = async () => (JSON.parse((await server.cli('dkim', 'list', ZONE, '--json')).out) as Keys).keys;
    const stages = async () => Object.fromEntries((await keys()).map(({ selector, stage }) => [selector, stage]));
    expect(await server.eventually(async () => (await keys()).every(({ stage }) => stage === 'active'), 20_000)).toBe(true);
    const [first] = (await keys()).filter(({ algorithm }) => algorithm === 'ed25519').map(({ selector }) => selector);
    expect((await server.cli('dkim', 'rotate', ZONE, '--algorithm', 'ed25519')).exit).toBe(0);
    expect(await server.eventually(async () => (await stages())[first!] === 'revoked', 30_000)).toBe(true);
    expect(await texts(`${first}._domainkey.${ZONE}`)).toEqual(['v=DKIM1; k=ed25519; p=']);
    const active = (await keys()).filter(({ stage }) => stage === 'active');
    expect(active.map(({ algorithm }) => algorithm).toSorted()).toEqual(['ed25519', 'rsa2048']);
    for (const { selector } of active)
      expect((await texts(`${selector}._domainkey.${ZONE}`))[0]).toMatch(/^v=DKIM1; k=(?:rsa|ed25519); p=[A-Za-z0-9+/=]+$/);
  });

  test('what stands in the way is told with its exit code; a refused policy changes nothing', async () => {
    writeFileSync(join(server.folder, 'bad.toml'), '[dmarc]\npolicy = "rejekt"\n[spv]\n');
    const bad = await server.cli('mail', 'apply', ZONE, 'bad.toml');
    expect(bad).toMatchObject({ exit: 1, out: '' });
    expect(bad.err).toContain('2 problems');
    expect(await server.cli('rrset', 'delete', ZONE, '_dmarc', 'TXT', '--yes')).toMatchObject({
      exit: 4,
      err: expect.stringContaining('[RRSET_MANAGED]'),
    });
    expect(await server.cli('dkim', 'revoke', ZONE, 'nothing', '--reason', 'x', '--yes')).toMatchObject({ exit: 3 });
    expect(await texts(`_dmarc.${ZONE}`)).toHaveLength(1);
  });

  test('a control process that dies goes on with the same policy and keys', async () => {
    // How often they are asked for goes on, and when last is forgotten.
    const keys = async () =>
      (JSON.parse((await server.cli('dkim', 'list', ZONE, '--json')).out) as { keys: object[] }).keys.map((each) => ({
        ...each,
        queries: 0,
      }));
    const before = await keys();
    await server.killChild('control');
    await server.ready();
    expect(await keys()).toEqual(before);
    expect(readFileSync(join(server.folder, 'post.mail.toml'), 'utf8')).toBe(POLICY);
  });
});
