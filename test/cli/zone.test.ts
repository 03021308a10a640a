import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run, useServer } from '../support/cli-server.ts';

const server = useServer();

function write(name: string, text: string): string {
  const file = join(server.data, name);
  writeFileSync(file, text);
  return file;
}

const GOOD = '$TTL 300\n@ SOA ns host 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n';

describe('zone', () => {
  test('add, list, show, remove', async () => {
    const added = await server.cli('zone', 'add', 'new.test', '--nameserver', 'ns1.example.net.', '--contact', 'ops.example.net.');
    expect(added).toMatchObject({ exit: 0, err: '' });
    expect(added.out).toMatch(/^new\.test\. created, serial 1\n\+ new\.test\. 3600 IN SOA ns1\.example\.net\. ops\.example\.net\./);
    const listed = await server.cli('zone', 'list');
    expect(listed.out).toMatch(/^ZONE +DNSSEC +SERIAL +NAMES +CHANGED\n/);
    expect(listed.out).toMatch(/^new\.test\. +on +1 +1 /m);
    expect(JSON.parse((await server.cli('zone', 'list', '--json')).out)).toMatchObject({
      zones: [{ name: 'example.com.' }, { name: 'new.test.' }],
    });
    expect((await server.cli('zone', 'show', 'NEW.test.')).out).toMatch(/^zone +new\.test\.\nDNSSEC +on\n/);
    const refused = await server.cli('zone', 'remove', 'new.test');
    expect(refused).toMatchObject({ exit: 2, out: '' });
    expect(refused.err).toBe(
      'waxseal: not changed: remove the zone new.test with its records, mail policy, keys and journal: this asks first, and no operator can be asked here.\n' +
        '  add --yes, or look at it with --dry-run\n  [CLI_CONFIRM]\n',
    );
    expect(await server.cli('zone', 'remove', 'new.test', '--dry-run')).toMatchObject({ exit: 0, out: 'new.test. would be removed\n' });
    expect(await server.cli('zone', 'remove', 'new.test', '--yes')).toMatchObject({ exit: 0, out: 'new.test. removed\n' });
    expect(await server.cli('zone', 'show', 'new.test')).toMatchObject({ exit: 3, out: '' });
  });

  test('add of one that is there is a conflict', async () => {
    expect(await server.cli('zone', 'add', 'example.com')).toMatchObject({
      exit: 4,
      err: expect.stringMatching(/^waxseal: not changed: .*\n.*\[ZONE_EXISTS\]\n$/),
    });
  });

  test('add and import with a kind of denial; another word is a mistake of use', async () => {
    const file = write('hashed.test.zone', GOOD);
    expect(await server.cli('zone', 'add', 'nsec3.test', '--denial', 'nsec3')).toMatchObject({ exit: 0 });
    expect(server.control.commands.at(-1)?.command).toMatchObject({ kind: 'zone.create', denial: 'nsec3' });
    expect(await server.cli('zone', 'import', 'hashed.test', file, '--denial', 'nsec3')).toMatchObject({ exit: 0 });
    expect(server.control.commands.at(-1)?.command).toMatchObject({ kind: 'zone.import', denial: 'nsec3' });
    expect(await server.cli('zone', 'add', 'other.test', '--denial', 'nsec5')).toMatchObject({ exit: 2 });
    for (const zone of ['nsec3.test', 'hashed.test']) await server.cli('zone', 'remove', zone, '--yes');
  });

  test('works for the root zone', async () => {
    expect(await server.cli('zone', 'add', '.')).toMatchObject({ exit: 0 });
    expect((await server.cli('zone', 'show', '.')).out).toMatch(/^zone +\.\n/);
    expect(await server.cli('zone', 'remove', '.', '--yes')).toMatchObject({ exit: 0 });
  });

  test('import, diff, export', async () => {
    const file = write('one.test.zone', GOOD);
    const planned = await server.cli('zone', 'diff', 'one.test', file);
    expect(planned).toMatchObject({ exit: 0, out: expect.stringMatching(/^one\.test\. would be created, serial 1\n/) });
    expect(await server.cli('zone', 'show', 'one.test')).toMatchObject({ exit: 3 });
    expect(await server.cli('zone', 'import', 'one.test', file, '--no-dnssec')).toMatchObject({ exit: 0 });
    expect(server.control.commands.at(-1)?.command).toMatchObject({ file: 'one.test.zone', dnssec: false });
    const exported = await server.cli('zone', 'export', 'one.test');
    const again = write('again.zone', exported.out);
    expect((await server.cli('zone', 'diff', 'one.test', again)).out).toBe('one.test. is that way already; nothing would change\n');
    const output = join(server.data, 'out.zone');
    expect(await server.cli('zone', 'export', 'one.test', '--output', output)).toMatchObject({ exit: 0, out: '' });
    expect(readFileSync(output, 'utf8')).toBe(exported.out);
    expect(JSON.parse((await server.cli('zone', 'export', 'one.test', '--json')).out)).toEqual({
      zone: 'one.test',
      zonefile: exported.out,
    });
    const changed = write('changed.zone', GOOD.replace('192.0.2.1', '192.0.2.2'));
    expect((await server.cli('zone', 'import', 'one.test', changed, '--json')).out).toContain('"deleted"');
  });

  test('import reads included files here, from beside the zone file only', async () => {
    mkdirSync(join(server.data, 'part'));
    write('part/hosts', 'www A 192.0.2.80\n');
    const file = write('inc.zone', `${GOOD}$INCLUDE part/hosts sub\n`);
    expect(await server.cli('zone', 'import', 'inc.test', file)).toMatchObject({ exit: 0, err: '' });
    expect((await server.cli('rrset', 'get', 'inc.test', 'www.sub.inc.test', 'A')).out).toContain('192.0.2.80');
    const out = write('out.zone', `${GOOD}$INCLUDE /etc/hostname\n`);
    const refused = await server.cli('zone', 'import', 'out.test', out);
    expect([refused.exit, refused.err]).toEqual([1, expect.stringMatching(/not changed: .*out\.zone:5:.*\[INCLUDE_REFUSED/s)]);
  });

  test('import tells every problem at its line', async () => {
    const file = write('bad.zone', `${GOOD}a A 192.0.2.999\nb AAAA x\n`);
    const { exit, out, err } = await server.cli('zone', 'import', 'bad.test', file);
    expect([exit, out]).toEqual([1, '']);
    expect(err).toMatch(/^waxseal: not changed: 2 problems\n {2}bad\.zone:5:5: .*\n {4}.*\[\w+.*\]\n {2}bad\.zone:6:8: /);
  });

  test('problems and warnings of a file come together, from check, import and a file that includes others', async () => {
    mkdirSync(join(server.data, 'cut'));
    write('cut/dmarc', '_dmarc TXT v=DMARC1; p=reject\n');
    const file = write('both.zone', `${GOOD}a A 192.0.2.999\n_dmarc TXT v=DMARC1; p=reject\n`);
    const including = write('inc-both.zone', `${GOOD}a A 192.0.2.999\n$INCLUDE cut/dmarc\n`);
    for (const { out, err } of [await run(['zone', 'check', 'one.test', file]), await server.cli('zone', 'import', 'both.test', including)])
      for (const code of ['RDATA_VALUE', 'TEXT_UNQUOTED', 'DMARC_POLICY_MISSING']) expect(out + err).toContain(`[${code}`);
    // What the server answers (test/control/zone/import.test.ts), in its order.
    const { err } = await server.cli('zone', 'import', 'both.test', file);
    expect(err).toMatch(/^waxseal: not changed: both\.zone:5:5: .*\n.*\[RDATA_VALUE.*\]\nwaxseal: warning: both\.zone:6:/);
  });

  test('check needs no server; exit code 6 when there are errors', async () => {
    const good = await run(['zone', 'check', 'one.test', write('good.zone', GOOD)]);
    expect(good).toMatchObject({ exit: 0, out: expect.stringMatching(/good\.zone: ok\n$/) });
    const file = write('bad2.zone', `${GOOD}a A 192.0.2.999\nc CNAME x\nc A 192.0.2.1\n`);
    const bad = await run(['zone', 'check', 'one.test', file]);
    expect(bad.exit).toBe(6);
    expect(bad.out).toMatch(/bad2\.zone:5:5: error: /);
    expect(JSON.parse((await run(['zone', 'check', 'one.test', file, '--json'])).out)).toMatchObject({ ok: false });
    const mail = write(
      'mail.zone',
      `${GOOD}@ TXT "v=spf1 mx -all"\n@ TXT "v=spf1 a -all"\n@ MX 0 .\n@ MX 10 www\n_dmarc TXT v=DMARC1; p=reject\n`,
    );
    const warned = await run(['zone', 'check', 'one.test', mail]);
    expect(warned.exit).toBe(0);
    for (const code of ['SPF_MULTIPLE', 'MX_NULL', 'TEXT_UNQUOTED', 'DMARC_POLICY_MISSING']) expect(warned.out).toContain(`[${code}`);
    expect(await run(['zone', 'check', 'one.test', '/nowhere'])).toMatchObject({ exit: 1, err: expect.stringContaining('[CLI_FILE]') });
  });
});
