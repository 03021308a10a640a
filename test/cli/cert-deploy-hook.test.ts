/** `waxseal cert deploy-hook` against a real control process's parts, in counted time: every way in, and every way to be repeated. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../support/cli-server.ts';
import { DANE_HOST, type DaneHouse, type DaneHouseOptions, daneHouse, recordFor } from '../support/mail/dane-house.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../support/throwaway-ca.ts';
import { toolPath } from '../support/tools.ts';

const HOUR_MS = 3_600_000;
const HOST = ['--zone', 'post.example', '--host', 'mx1'];

let ca: ThrowawayCa;
let first: Pair;
let second: Pair;
beforeAll(() => {
  ca = throwawayCa();
  [first, second] = [ca.leaf([DANE_HOST]), ca.leaf([DANE_HOST])];
});
afterAll(() => ca.remove());

/** A house with the second certificate in `next.pem` and the first in `deployed.pem`. */
async function house(options: DaneHouseOptions = {}) {
  const made = await daneHouse(first, options);
  writeFileSync(join(made.folder, 'next.pem'), `${second.cert}${ca.root}`);
  writeFileSync(join(made.folder, 'deployed.pem'), first.cert);
  return {
    ...made,
    hook: (...words: readonly string[]) => made.cli('cert', 'deploy-hook', ...words),
    /** With the environment that an ACME client gives. */
    called: (env: Readonly<Record<string, string>>, ...words: readonly string[]) =>
      run(['cert', 'deploy-hook', ...words, '--data', made.folder], { cwd: made.folder, env: { PATH: process.env['PATH'] ?? '', ...env } }),
    ran: () => (existsSync(join(made.folder, 'ran')) ? readFileSync(join(made.folder, 'ran'), 'utf8') : ''),
  };
}
const THEN = ['--then', 'echo again >> ran'];
const CERT = ['--cert', 'next.pem'];
const records = ({ control }: DaneHouse) =>
  control.mail.view(control.zones.list()[0]!)!.state.tlsa.lifecycle.objects.map(({ data }) => data.record);

describe('RFC 7671 §8.1: a new key', () => {
  test('is announced, waits, is deployed, and is reported in use; repeated at every point it is the same', async () => {
    const made = await house();
    for (let time = 0; time < 3; time++) {
      const { exit, out, err } = await made.hook(...HOST, ...CERT, ...THEN);
      expect(exit).toBe(7);
      expect(err).toMatch(/not before 20\d\d-\d\d-\d\dT[0-9:.]+Z: tlsa-mx1-2 at mx1\.post\.example:25: senders may hold/);
      expect(out.includes('its TLSA record is announced')).toBe(time === 0);
    }
    expect(records(made)).toEqual([recordFor(first.cert), recordFor(second.cert)]);
    expect(made.ran()).toBe('');
    await made.live(0.5 * HOUR_MS);
    expect(made.stages()).toMatchObject({ 'tlsa-mx1-2': 'visible' });
    expect((await made.hook(...HOST, ...CERT, ...THEN)).exit).toBe(7);
    await made.live(HOUR_MS);
    expect(await made.hook(...HOST, ...CERT, ...THEN)).toEqual({
      exit: 0,
      err: '',
      out: [
        'mx1.post.example:25 tlsa-mx1-2: may be used now',
        'runs: echo again >> ran',
        'mx1.post.example:25 tlsa-mx1-2: is reported in use; the record of the old key goes when no sender needs it',
        '',
      ].join('\n'),
    });
    expect(made.stages()).toEqual({ 'tlsa-mx1-1': 'withdrawing', 'tlsa-mx1-2': 'current' });
    expect(await made.hook(...HOST, ...CERT, ...THEN)).toEqual({
      exit: 0,
      err: '',
      out: 'mx1.post.example:25 tlsa-mx1-2: the key is in use already\nnothing is to be deployed\n',
    });
    expect(made.ran()).toBe('again\n');
  });

  test('whose deployment fails is not reported, and is tried again', async () => {
    const made = await house();
    await made.hook(...HOST, ...CERT);
    await made.live(2 * HOUR_MS);
    const failed = await made.hook(...HOST, ...CERT, '--then', 'exit 3');
    expect(failed).toMatchObject({ exit: 1, err: expect.stringContaining('exit 3: it ended with exit code 3') });
    expect(made.stages()).toEqual({ 'tlsa-mx1-1': 'current', 'tlsa-mx1-2': 'deployable' });
    // Killed between the command and the report: the command is run again.
    expect((await made.hook(...HOST, ...CERT, ...THEN)).exit).toBe(0);
    expect(made.stages()).toMatchObject({ 'tlsa-mx1-2': 'current' });
  });

  test('without --then: says when it may be used and how that is reported', async () => {
    const made = await house();
    await made.hook(...HOST, ...CERT);
    await made.live(2 * HOUR_MS);
    expect(await made.hook(...HOST, ...CERT)).toMatchObject({
      exit: 0,
      out: expect.stringContaining('waxseal tlsa activated post.example mx1.post.example tlsa-mx1-2'),
    });
    expect(made.stages()).toMatchObject({ 'tlsa-mx1-2': 'deployable' });
  });

  test('beside another one that is on its way: that is named, with the way to give it up', async () => {
    const made = await house();
    await made.hook(...HOST, ...CERT);
    const third = ca.leaf([DANE_HOST]);
    writeFileSync(join(made.folder, 'third.pem'), third.cert);
    const { out } = await made.hook(...HOST, '--cert', 'third.pem');
    expect(out).toContain('tlsa-mx1-2 at mx1.post.example is on its way too; if it will not be used: waxseal tlsa abandon');
  });

  test('--dry-run changes and runs nothing; --json is one document', async () => {
    const made = await house();
    const dry = await made.hook(...HOST, ...CERT, ...THEN, '--dry-run');
    expect(dry).toMatchObject({ exit: 0, out: expect.stringContaining(`would announce ${recordFor(second.cert)}`) });
    expect(records(made)).toHaveLength(1);
    const early = await made.hook(...HOST, ...CERT, ...THEN, '--json');
    expect(early.exit).toBe(7);
    expect(JSON.parse(early.out)).toEqual({
      hosts: [{ host: DANE_HOST, port: 25, object: 'tlsa-mx1-2', did: 'announced', notBefore: expect.any(String) }],
      ran: false,
    });
    await made.live(2 * HOUR_MS);
    expect(JSON.parse((await made.hook(...HOST, ...CERT, ...THEN, '--json')).out)).toMatchObject({
      hosts: [{ did: 'activated' }],
      ran: true,
    });
  });
});

describe('a key that stays', () => {
  test('has nothing to wait for; a renewed certificate is deployed when an ACME client calls, or the deployed file differs', async () => {
    const made = await house();
    writeFileSync(join(made.folder, 'same.pem'), `${first.cert}${ca.root}`);
    expect((await made.hook(...HOST, '--cert', 'same.pem', ...THEN)).out).toContain('nothing is to be deployed');
    expect((await made.hook(...HOST, '--cert', 'same.pem', '--deployed', 'deployed.pem', ...THEN)).out).toContain(
      'nothing is to be deployed',
    );
    expect(made.ran()).toBe('');
    const env = { CERT_PATH: join(made.folder, 'same.pem'), Le_Domain: DANE_HOST };
    expect(await made.called(env, ...THEN)).toMatchObject({ exit: 0, out: expect.stringContaining('the key is in use already\nruns: ') });
    expect(made.ran()).toBe('again\n');
    expect(records(made)).toHaveLength(1);
  });
});

describe('what ACME clients give their hooks', () => {
  test.each<[string, (folder: string) => Record<string, string>]>([
    ['certbot', (folder) => ({ RENEWED_LINEAGE: join(folder, 'live/mx1'), RENEWED_DOMAINS: `${DANE_HOST} www.post.example` })],
    ['lego', (folder) => ({ LEGO_CERT_PATH: join(folder, 'next.pem'), LEGO_CERT_DOMAIN: DANE_HOST, LEGO_ACCOUNT_EMAIL: 'a@b.example' })],
    ['lego 5', (folder) => ({ LEGO_HOOK_CERT_PATH: join(folder, 'next.pem'), LEGO_HOOK_CERT_NAME: DANE_HOST })],
    ['acme.sh', (folder) => ({ CERT_PATH: '/nonexistent', CERT_FULLCHAIN_PATH: join(folder, 'next.pem'), Le_Domain: DANE_HOST })],
  ])('%s: certificate, names and zone are found', async (_client, environment) => {
    const made = await house();
    mkdirSync(join(made.folder, 'live/mx1'), { recursive: true });
    writeFileSync(join(made.folder, 'live/mx1/fullchain.pem'), `${second.cert}${ca.root}`);
    expect(await made.called(environment(made.folder))).toMatchObject({
      exit: 7,
      out: expect.stringContaining('mx1.post.example:25 tlsa-mx1-2: its TLSA record is announced, not before 20'),
    });
    expect(records(made)).toContain(recordFor(second.cert));
  });

  test('names without TLSA records here wait for nothing, and are deployed; a named host must have one', async () => {
    const made = await house();
    writeFileSync(join(made.folder, 'web.pem'), ca.leaf(['www.post.example', 'www.elsewhere.example']).cert);
    const env = { LEGO_CERT_PATH: join(made.folder, 'web.pem'), LEGO_CERT_DOMAIN: 'www.post.example' };
    expect(await made.called(env, ...THEN)).toMatchObject({
      exit: 0,
      out: expect.stringContaining('no host of this certificate has a TLSA record here'),
    });
    expect(made.ran()).toBe('again\n');
    expect(await made.hook('--zone', 'post.example', '--host', 'www', '--cert', 'web.pem')).toMatchObject({ exit: 3 });
    expect(await made.hook('--zone', 'other.example', '--host', 'mx1', ...CERT)).toMatchObject({ exit: 3 });
  });

  test('before there is a certificate: an earlier key that still waits comes first', async () => {
    const made = await house();
    expect(await made.hook(...HOST)).toMatchObject({ exit: 0, out: expect.stringContaining('no key is on its way: nothing to do') });
    await made.hook(...HOST, ...CERT);
    expect(await made.called({ CERTBOT_DOMAIN: DANE_HOST })).toMatchObject({ exit: 7, err: expect.stringContaining('not before 20') });
    await made.live(2 * HOUR_MS);
    expect(await made.hook('--zone', 'post.example')).toMatchObject({ exit: 0, out: expect.stringContaining('may be used now') });
  });

  test('a request for a certificate, and a public key, made by openssl', async () => {
    const made = await house();
    const openssl = (...words: string[]) => void execFileSync(toolPath('openssl'), words, { cwd: made.folder, stdio: 'pipe' });
    writeFileSync(join(made.folder, 'next.key'), second.key, { mode: 0o600 });
    openssl('req', '-new', '-key', 'next.key', '-subj', `/CN=${DANE_HOST}`, '-out', 'next.csr');
    openssl('pkey', '-in', 'next.key', '-pubout', '-out', 'next.pub');
    expect((await made.hook(...HOST, '--cert', 'next.csr')).exit).toBe(7);
    expect((await made.hook(...HOST, '--cert', 'next.pub')).exit).toBe(7);
    expect(records(made)).toEqual([recordFor(first.cert), recordFor(second.cert)]);
  });

  test('a private key in the same file stays there', async () => {
    const made = await house();
    appendFileSync(join(made.folder, 'next.pem'), second.key);
    expect((await made.hook(...HOST, ...CERT)).exit).toBe(7);
    expect(records(made)).toContain(recordFor(second.cert));
    writeFileSync(join(made.folder, 'only.key'), second.key);
    expect(await made.hook(...HOST, '--cert', 'only.key')).toMatchObject({ exit: 1, err: expect.stringContaining('[CLI_FILE]') });
  });
});

describe('several records at a host', () => {
  test('RSA and ECDSA: the certificate in use so far says which is replaced', async () => {
    const other = `3 1 1 ${'11'.repeat(32)}`;
    const made = await house({ keys: [other, recordFor(first.cert)] });
    expect(await made.hook(...HOST, ...CERT)).toMatchObject({ exit: 3, err: expect.stringContaining('--deployed FILE') });
    expect((await made.hook(...HOST, ...CERT, '--deployed', 'deployed.pem', ...THEN)).exit).toBe(7);
    await made.live(2 * HOUR_MS);
    expect((await made.hook(...HOST, ...CERT, '--deployed', 'deployed.pem', ...THEN)).exit).toBe(0);
    expect(made.stages()).toEqual({ 'tlsa-mx1-1': 'current', 'tlsa-mx1-2': 'withdrawing', 'tlsa-mx1-3': 'current' });
  });

  test('2 1 1: another certificate of the same issuer has nothing to wait for', async () => {
    const made = await house({ keys: [recordFor(ca.root).replace(/^3/, '2')] });
    expect(await made.hook(...HOST, ...CERT)).toMatchObject({ exit: 0, out: expect.stringContaining('the key is in use already') });
  });

  test('the same certificate at two ports: both wait, and both are reported', async () => {
    const made = await house();
    const both = { mx1: { keys: [recordFor(first.cert)] }, smtp: { keys: [recordFor(first.cert)], port: 465 } };
    await made.call('PUT', 'mail', { mtaSts: { mode: 'off' }, dkim: { algorithms: [] }, ttl: { tlsa: '30m' }, dane: { hosts: both } });
    const words = ['--zone', 'post.example', '--host', 'mx1', 'smtp.post.example.', ...CERT];
    expect((await made.hook(...words)).exit).toBe(7);
    await made.live(2 * HOUR_MS);
    expect(await made.hook(...words, ...THEN)).toMatchObject({ exit: 0, out: expect.stringContaining('smtp.post.example:465 tlsa-smtp-') });
    expect(made.ran()).toBe('again\n');
  });
});

describe('who may', () => {
  test('a token for the zone is enough; one for another zone is not', async () => {
    const made = await house();
    for (const [zone, exit] of [
      ['post.example', 7],
      ['other.example', 5],
    ] as const) {
      const file = join(made.folder, `${zone}.token`);
      writeFileSync(file, await made.token(`zone:${zone}`), { mode: 0o600 });
      const words = ['cert', 'deploy-hook', ...HOST, ...CERT, '--server', made.url, '--token-file', file];
      expect((await run(words, { cwd: made.folder })).exit).toBe(exit);
    }
  });

  test.each([
    [['--wait', 'soon'], 2],
    [['--host', 'mx1'], 2],
    [[], 2],
    [[...HOST, '--cert', 'missing.pem'], 1],
  ])('%j is exit code %i', async (words, exit) => expect((await (await house()).hook(...words)).exit).toBe(exit));
});
