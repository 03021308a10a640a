import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run, useServer } from '../support/cli-server.ts';

const server = useServer();

describe('rrset', () => {
  test('set, get, list, delete', async () => {
    const set = await server.cli('rrset', 'set', 'example.com', '@', 'MX', '1h', '10 mail', '20 backup.example.net.');
    expect(set).toMatchObject({ exit: 0, err: '' });
    expect(set.out).toMatch(/^example\.com\. changed, serial 1 to 2\n- example\.com\. 3600 IN SOA /);
    expect(set.out).toContain('\n+ example.com. 3600 IN MX 20 backup.example.net.\n');
    expect((await server.cli('rrset', 'get', 'example.com', 'example.com.', 'mx')).out).toBe(
      'NAME          TTL   TYPE  MANAGER  DATA\n' +
        'example.com.  3600  MX             10 mail.example.com.\n' +
        'example.com.  3600  MX             20 backup.example.net.\n',
    );
    const same = await server.cli('rrset', 'set', 'example.com', '@', 'MX', '3600', '10 mail', '20 backup.example.net.');
    expect(same).toMatchObject({ exit: 0, out: 'example.com. is that way already; nothing was changed\n' });
    const listed: { rrsets: { name: string }[] } = JSON.parse(
      (await server.cli('rrset', 'list', 'example.com', '--type', 'A', '--json')).out,
    );
    expect(listed.rrsets.map(({ name }) => name)).toEqual(['mail.example.com.', 'ns.example.com.', 'www.example.com.']);
    expect(await server.cli('rrset', 'delete', 'example.com', 'www', 'A')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('[CLI_CONFIRM]'),
    });
    expect((await server.cli('rrset', 'delete', 'example.com', 'www', 'A', '--dry-run')).out).toContain('would be changed');
    expect((await server.cli('rrset', 'delete', 'example.com', 'www', 'A', '--yes')).exit).toBe(0);
    expect(await server.cli('rrset', 'get', 'example.com', 'www', 'A')).toMatchObject({
      exit: 3,
      err: expect.stringContaining('[RRSET_NOT_FOUND]'),
    });
  });

  test.each([
    ['v=DKIM1; p=', ['"v=DKIM1; p="']],
    ['v=spf1 mx -all', ['"v=spf1 mx -all"']],
    ['a=1;b=999', ['"a=1;b=999"']],
    [`"${'x'.repeat(300)}"`, [`"${'x'.repeat(255)}" "${'x'.repeat(45)}"`]],
    [String.raw`\# 2 0161`, ['"a"']],
    ['say "hi" \\o/', [String.raw`"say \"hi\" \\o/"`]],
    ['"as in" "a file"', ['"as in" "a file"']],
    ['grüße', [String.raw`"gr\195\188\195\159e"`]],
    ['x'.repeat(300), [`"${'x'.repeat(255)}" "${'x'.repeat(45)}"`]],
    ['', ['""']],
  ])('set takes text as it was typed: case %#', async (text, records) => {
    expect(await server.cli('rrset', 'set', 'example.com', 'text', 'TXT', '60', text)).toMatchObject({ exit: 0 });
    expect(JSON.parse((await server.cli('rrset', 'get', 'example.com', 'text', 'TXT', '--json')).out)).toMatchObject({ records });
  });

  test.each([
    ['CAA', '0 issue ca.example; validationmethods=dns-01', 'write: 0 issue "ca.example; validationmethods=dns-01"'],
    ['HTTPS', '1 . alpn=h2 ; port=8443', 'only blanks stand between parameters'],
    ['CNAME', 'www.example.net', 'write www.example.net. or www.example.net.example.com.'],
    ['A', '192.0.2.1 ; web', 'the data of a record has no comment'],
    ['TXT', '"a" b', 'put all of the text in quotes, or none of it'],
    ['TXT', 'a\ufffd', 'send UTF-8'], // what Node makes of an argument in another encoding
  ])('set rejects %s %j with the fix', async (type, data, fix) => {
    const { exit, out, err } = await server.cli('rrset', 'set', 'example.com', 'bad', type, '60', data);
    expect([exit, out]).toEqual([1, '']);
    expect(err).toMatch(/^waxseal: not changed: /);
    expect(err).toContain(fix);
  });

  test('set keeps what a zone file would cut', async () => {
    const caa = '0 issue "ca.example; validationmethods=dns-01"';
    expect(await server.cli('rrset', 'set', 'example.com', 'keep', 'CAA', '60', caa)).toMatchObject({ exit: 0, err: '' });
    expect((await server.cli('rrset', 'get', 'example.com', 'keep', 'CAA')).out).toContain(caa);
  });

  test.each([
    [['192.0.2.1'], 'the TTL is missing: "192.0.2.1" stands where it belongs'],
    [['192.0.2.1', '192.0.2.2'], 'the TTL is missing'],
    [['v=spf1 -all'], 'the TTL is missing'],
    [['3600'], 'the record data is missing'],
    [[], 'the TTL and the record data are missing'],
  ])('set without all of its words says which is missing: %j', async (words, message) => {
    const { exit, err } = await server.cli('rrset', 'set', 'example.com', 'www', 'A', ...words);
    expect(exit).toBe(2);
    expect(err).toContain(message);
    expect(err).toContain('waxseal rrset set ZONE NAME TYPE TTL RDATA');
  });

  test('tells an error as its reader sees it', async () => {
    const { exit, out, err } = await server.cli('rrset', 'set', 'example.com', 'www', 'NSEC', '60', 'example.com. A');
    expect([exit, out]).toEqual([4, '']);
    expect(err).toBe(
      'waxseal: not changed: www.example.com. NSEC is managed by the DNSSEC signer: changing it by hand would be undone or would break validation.\n' +
        '  see: waxseal dnssec status\n  [RRSET_MANAGED]\n',
    );
  });

  test('waits until the change is served, and says when it is not', async () => {
    server.control.servesChanges = false;
    const late = await server.cli('rrset', 'set', 'example.com', 'w', 'A', '60', '192.0.2.1');
    expect(late).toMatchObject({ exit: 7, err: expect.stringContaining('durable, but not every worker serves it yet') });
    expect((await server.cli('rrset', 'set', 'example.com', 'w', 'A', '60', '192.0.2.2', '--no-wait')).exit).toBe(0);
    server.control.servesChanges = true;
  });

  test('does not let zone data move the cursor', async () => {
    const raw = await server.cli('rrset', 'set', 'example.com', 'esc', 'TXT', '60', 'a\u001b[31mb');
    expect(raw).toMatchObject({ exit: 1, err: expect.stringContaining(String.raw`\027`) });
    expect(raw.err).not.toContain('\u001b');
    await server.cli('rrset', 'set', 'example.com', 'esc', 'TXT', '60', String.raw`"a\027[31mb"`);
    const { out } = await server.cli('rrset', 'get', 'example.com', 'esc', 'TXT');
    expect(out).toContain(String.raw`"a\027[31mb"`);
    expect(out).not.toContain('\u001b');
  });
});

describe('dnssec', () => {
  test('status and ds', async () => {
    expect((await server.cli('dnssec', 'status', 'example.com')).out).toBe('example.com. is not signed\n');
    expect((await server.cli('dnssec', 'ds', 'example.com')).out).toBe('example.com. is not signed and has no DS\n');
    await server.cli('zone', 'add', 'signed.test');
    expect((await server.cli('dnssec', 'status', 'signed.test')).out).toMatch(
      /^signed\.test\. is signed; NSEC proves what is not there\n[^]*12345 +13 \(ECDSAP256SHA256\) +CSK +active/,
    );
    const ds = (await server.cli('dnssec', 'ds', 'signed.test')).out;
    expect(ds).toMatch(/^signed\.test\. 3600 IN DS 12345 13 2 [0-9A-F]+$/m);
    expect(ds).toMatch(/^Key tag +12345\nAlgorithm +13 \(ECDSAP256SHA256\)\nDigest type +2 \(SHA-256\)\nDigest +[0-9A-F]+$/m);
    expect(ds).toMatch(/^Flags +257 .*\nProtocol +3\nAlgorithm +13 .*\nPublic key +AQ==$/m);
    expect(JSON.parse((await server.cli('dnssec', 'ds', 'signed.test', '--json')).out)).toMatchObject({
      ds: [{ digestType: 2 }, { digestType: 4 }],
    });
  });
});

describe('query', () => {
  test('prints sections, and with --trace why', async () => {
    const plain = await server.cli('query', 'x.wild.example.com', 'TXT');
    expect(plain.out).toMatch(
      /^x\.wild\.example\.com\. TXT: NOERROR, authoritative\n\nanswer:\n {2}x\.wild\.example\.com\. 60 IN TXT "any"\n$/,
    );
    const traced = await server.cli('query', 'x.wild.example.com', 'TXT', '--trace');
    expect(traced.out).toMatch(/\nwhy:\n {2}1\. .*\[RFC 1034 §4\.3\.2\]\n/);
    expect((await server.cli('query', 'none.example.com')).out).toContain('A: NXDOMAIN');
  });
});

describe('status, audit, token', () => {
  test('status', async () => {
    expect((await server.cli('status')).out).toMatch(/^version +0\.0\.0-fake\n[^]*^ready +yes$/m);
    expect(JSON.parse((await server.cli('status', '--json')).out)).toMatchObject({ ready: true });
  });

  test('audit tail and verify', async () => {
    const { out } = await server.cli('audit', 'tail', '-n', '2');
    expect(out.split('\n')).toHaveLength(4);
    expect(out).toMatch(/socket:admin/);
    expect((await server.cli('audit', 'verify')).out).toMatch(/^[0-9]+ entries from 1 on, all in order\n$/);
  });

  test('audit verify is 6 when the log does not fit together', async () => {
    const verify = server.control.audit.verify.bind(server.control);
    server.control.audit.verify = () => ({ entries: 9, from: 1, brokenAt: 4 });
    expect(await server.cli('audit', 'verify')).toMatchObject({ exit: 6, err: expect.stringContaining('from entry 4 on') });
    const json = await server.cli('audit', 'verify', '--json');
    expect([json.exit, JSON.parse(json.out)]).toEqual([6, { whole: false, entries: 9, from: 1, brokenAt: 4 }]);
    server.control.audit.verify = verify;
  });

  test('token create prints nothing but the token on stdout; it works by URL', async () => {
    const made = await server.cli('token', 'create', 'reader', '--scope', 'read', 'zone:one.test', '--expires', '90d');
    expect(made.out).toMatch(/^wax_[0-9a-f]{16}_[0-9a-f]{64}\n$/);
    expect(made.err).toMatch(/^expires +2026-04-01T00:00:00\.000Z$/m);
    const file = join(server.data, 'token');
    writeFileSync(file, made.out);
    const byUrl = async (...words: readonly string[]) => await run([...words, '--server', server.url, '--token-file', file]);
    expect((await byUrl('zone', 'list')).exit).toBe(0);
    expect(await byUrl('zone', 'add', 'x.test')).toMatchObject({
      exit: 5,
      err: expect.stringMatching(/^waxseal: not changed: [^]*\[AUTH_SCOPE\]/),
    });
    const environment = { WAXSEAL_SERVER: server.url, WAXSEAL_TOKEN_FILE: file };
    expect((await run(['status'], { env: environment })).exit).toBe(0);
    expect(await run(['status', '--server', server.url])).toMatchObject({ exit: 5, err: expect.stringContaining('[AUTH_MISSING') });
    const id = made.out.split('_')[1]!;
    expect((await server.cli('token', 'list')).out).toContain(id);
    expect(await server.cli('token', 'revoke', id)).toMatchObject({ exit: 2 });
    expect(await server.cli('token', 'revoke', id, '--yes')).toMatchObject({ exit: 0 });
    expect(await byUrl('status')).toMatchObject({ exit: 5 });
    expect(await server.cli('token', 'revoke', id, '--yes')).toMatchObject({ exit: 3 });
    expect(await server.cli('token', 'create', 'x', '--scope', 'root')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('scopes are admin'),
    });
  });
});

describe('token create in plain words', () => {
  test.each([
    [['--zone', 'one.test', '--acme'], 'change one.test. (TXT at _acme-challenge.* _*._acme-challenge.*)'],
    [['--zone', 'one.test', 'two.test', '--read-only'], 'read one.test., read two.test.'],
    [['--all-zones', '--types', 'A', 'AAAA', '--names', '*.dyn.one.test.'], 'change every zone (A/AAAA at *.dyn.one.test.)'],
    [['--role', 'operator'], 'read, manage every zone'],
  ])('%j', async (words, expected) => {
    const planned = await server.cli('token', 'create', 'x', ...words, '--dry-run');
    expect([planned.exit, planned.out]).toEqual([0, `a token for x with ${expected} would be created\n`]);
  });

  test.each([
    [[], '--zone ZONE, --role ROLE or --scope SCOPE'],
    [['--acme'], 'add --zone ZONE or --all-zones'],
    [['--zone', 'one.test', '--all-zones'], 'exclude each other'],
    [['--zone', 'one.test', '--read-only', '--manage'], 'exclude each other'],
    [['--zone', 'one.test', '--acme', '--types', 'A'], 'leave out --names and --types'],
    [['--zone', 'one.test', '--unused', 'soon'], 'is not a duration'],
    [['--zone', 'one.test', '--rate', '0'], 'requests a minute'],
  ])('exits 2: %j', async (words, expected) => {
    expect(await server.cli('token', 'create', 'x', ...words)).toMatchObject({ exit: 2, err: expect.stringContaining(expected) });
  });
});

describe('no server', () => {
  test('says so, and how to start one', async () => {
    const { exit, err } = await run(['zone', 'list', '--data', '/nowhere']);
    expect(exit).toBe(1);
    expect(err).toBe(
      'waxseal: no server is running: there is no /nowhere/admin.sock.\n  start it with "waxseal serve", or say where it is: --data DIR, --server URL\n  [CLI_SERVER]\n',
    );
    expect(await run(['status', '--server', 'http://127.0.0.1:1'])).toMatchObject({
      exit: 1,
      err: expect.stringContaining('no server answers at http://127.0.0.1:1/'),
    });
    expect(await run(['status', '--server', `unix:${server.data}`])).toMatchObject({ exit: 1 });
  });

  test('finds the data directory by environment and configuration file', async () => {
    expect((await run(['zone', 'list'], { env: { WAXSEAL_DATA: server.data } })).exit).toBe(0);
    const file = join(server.data, 'w.toml');
    writeFileSync(file, 'data = "."\n');
    expect((await run(['zone', 'list', '--config', file])).exit).toBe(0);
    expect((await run(['zone', 'list', '--server', `unix:${server.data}/admin.sock`])).exit).toBe(0);
  });

  test('is one JSON document with --json', async () => {
    const { out } = await run(['zone', 'list', '--json', '--data', '/nowhere']);
    expect(JSON.parse(out)).toMatchObject({ ok: false, exit: 1, code: 'CLI_SERVER' });
  });
});
