/**
 * The command line against the real server: what a command says it did is what DNS answers; exit codes are those of the catalogue; `--json`
 * is one document, whatever happens; a dry run writes nothing and tells what the real one will do.
 * Not here: texts and options of each command (test/cli/).
 */
import { userInfo } from 'node:os';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dig } from '../support/dig.ts';
import { type Finished, type RunningServer, quietPort, runWaxseal, startServer } from '../support/running-server.ts';
import { runTool } from '../support/tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const MAIL = 'meridian-post.example.';
const ZONE = 'cli.test.';
const TEXT = `$TTL 3600
@ SOA ns host 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.1
*.w TXT "wild"
`;

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ zones: join(ROOT, 'zones'), workers: 2, environment: { WAXSEAL_LOG__FORMAT: 'text' } });
  writeFileSync(join(server.folder, 'cli.zone'), TEXT);
  writeFileSync(join(server.folder, 'bad.zone'), '$TTL 60\n@ NS ns\nwww A 192.0.2.300\nwww MX ten mail\n');
  writeFileSync(join(server.folder, 'wrong.token'), 'no-such-token\n');
  const made = await server.cli('zone', 'import', ZONE, 'cli.zone');
  if (made.exit !== 0) throw new Error(made.err);
});
afterAll(async () => {
  await server.stop();
});

/** Exit code of each code in docs/errors.md. */
const CATALOGUE = new Map(
  readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')
    .split('\n')
    .map((line) => /^\| `([A-Z_]+)` .*\| (\d+) \|$/.exec(line))
    .filter((match) => match !== null)
    .map(([, code, exit]) => [code!, Number(exit)]),
);

/** `waxseal: …`, indented lines, `[CODE, RFC …]`. */
const FAILURE_FORM = /^waxseal: .*\.\n(?: {2}.*\n)*? {2}\[([A-Z_]+)(?:, RFC [^\]]+)?\]\n$/;

/** A failure as scripts see it; `code` is undefined when it is not told in the form above. */
function failureOf({ exit, out, err }: Finished) {
  const code = FAILURE_FORM.exec(err)?.[1];
  return { code, exit, out, catalogue: CATALOGUE.get(code ?? '') };
}

/** What `failureOf` must be: this code with this exit code, as the catalogue has it, and nothing on stdout. */
function refusal(code: string, exit: number): ReturnType<typeof failureOf> {
  return { code, exit, out: '', catalogue: exit };
}

describe('what a command did is what DNS answers at once', () => {
  test('rrset set, get, list, delete', async () => {
    const set = await server.cli('rrset', 'set', ZONE, 'www', 'A', '5m', '192.0.2.10', '192.0.2.11');
    expect(set).toMatchObject({ exit: 0, err: '' });
    expect(set.out).toContain('+ www.cli.test. 300 IN A 192.0.2.10');
    const answer = await dig(server, [`www.${ZONE}`, 'A', '+dnssec']);
    expect(answer.answer.toSorted().slice(0, 2)).toEqual([`www.${ZONE} 300 IN A 192.0.2.10`, `www.${ZONE} 300 IN A 192.0.2.11`]);
    expect(answer.answer[2]).toContain(' RRSIG A 13 3 300 ');
    expect((await server.cli('rrset', 'get', ZONE, 'WWW', 'a')).out).toContain('192.0.2.11');
    const removed = await server.cli('rrset', 'delete', ZONE, `www.${ZONE}`, 'A', '--yes');
    expect(removed).toMatchObject({ exit: 0, err: '' });
    expect((await dig(server, [`www.${ZONE}`, 'A'])).status).toBe('NXDOMAIN');
  });

  test('zone add, import of standard input, export, remove', async () => {
    const added = await server.cli('zone', 'add', 'fresh.test', '--nameserver', 'ns.outside.invalid.');
    expect(added).toMatchObject({ exit: 0, err: '' });
    expect((await dig(server, ['fresh.test', 'NS'])).answer).toEqual(['fresh.test. 3600 IN NS ns.outside.invalid.']);
    const piped = await runWaxseal(['zone', 'import', 'fresh.test', '-', '--data', server.directory], { input: TEXT });
    expect(piped.exit).toBe(0);
    expect((await dig(server, ['ns.fresh.test', 'A'])).answer).toEqual(['ns.fresh.test. 3600 IN A 192.0.2.1']);
    const exported = await server.cli('zone', 'export', 'fresh.test');
    writeFileSync(join(server.folder, 'fresh.zone'), exported.out);
    expect((await server.cli('zone', 'diff', 'fresh.test', 'fresh.zone')).out).toBe(
      'fresh.test. is that way already; nothing would change\n',
    );
    expect(await server.cli('zone', 'remove', 'fresh.test', '--yes')).toMatchObject({ exit: 0 });
    expect((await dig(server, ['fresh.test', 'NS'])).status).toBe('REFUSED');
  });

  test('zone history, diff of two versions, rollback of one change and to a version', async () => {
    const zone = 'versions.test';
    const serialOf = async () => JSON.parse((await server.cli('zone', 'show', zone, '--json')).out).serial as number;
    const set = async (address: string, reason: string) => {
      const done = await server.cli('rrset', 'set', zone, 'www', 'A', '60', address, '--reason', reason);
      expect(done).toMatchObject({ exit: 0, err: '' });
      return await serialOf();
    };
    const served = async () => (await dig(server, [`www.${zone}`, 'A'])).answer;
    expect((await server.cli('zone', 'import', zone, 'cli.zone')).exit).toBe(0);
    const first = await set('192.0.2.10', 'ticket 1');
    const second = await set('192.0.2.20', 'ticket 2');
    const { out: history } = await server.cli('zone', 'history', zone, '-n', '2');
    const [heading, newest, older, ...more] = history.trimEnd().split('\n');
    expect([heading, more]).toEqual([expect.stringMatching(/^SERIAL +REVISION +TIME +WHO +ACTION +RECORDS +REASON$/), []]);
    expect(newest).toMatch(new RegExp(`^${second} +r\\d+ +\\S+Z +socket:admin.* rrsets\\.change +\\+\\d+ -\\d+ +ticket 2$`));
    expect(older).toMatch(new RegExp(`^${first} .* ticket 1$`));
    const { out: difference } = await server.cli('zone', 'diff', zone, String(first), String(second));
    expect(difference).toMatch(new RegExp(`^versions\\.test\\. from serial ${first} .* to serial ${second} .*: 1 changes\\n`));
    expect(difference).toContain(`- www.${zone}. 60 IN A 192.0.2.10\n`);
    expect(difference).toContain(`+ www.${zone}. 60 IN A 192.0.2.20\n`);
    // Back to the version, and then without the change that this was.
    expect(failureOf(await server.cli('zone', 'rollback', zone, String(first)))).toEqual(refusal('CLI_CONFIRM', 2));
    expect((await server.cli('zone', 'rollback', zone, String(first), '--dry-run')).out).toContain('192.0.2.10');
    expect(await served()).toEqual([`www.${zone}. 60 IN A 192.0.2.20`]);
    expect(await server.cli('zone', 'rollback', zone, String(first), '--yes')).toMatchObject({ exit: 0 });
    expect(await served()).toEqual([`www.${zone}. 60 IN A 192.0.2.10`]);
    const undone = await serialOf();
    expect(undone).toBeGreaterThan(second);
    expect(await server.cli('zone', 'rollback', zone, String(undone), '--change', '--yes')).toMatchObject({ exit: 0 });
    expect(await served()).toEqual([`www.${zone}. 60 IN A 192.0.2.20`]);
  });

  test('zone import --no-dnssec: unsigned', async () => {
    expect(await server.cli('zone', 'import', 'plain.test', 'cli.zone', '--no-dnssec')).toMatchObject({ exit: 0 });
    expect((await dig(server, ['ns.plain.test', 'A', '+dnssec'])).answer).toEqual(['ns.plain.test. 3600 IN A 192.0.2.1']);
    expect((await server.cli('dnssec', 'status', 'plain.test')).out).toBe('plain.test. is not signed\n');
  });

  test('dnssec ds: the digest that dnssec-dsfromkey makes of the DNSKEY that is served', async () => {
    const { answer } = await dig(server, [ZONE, 'DNSKEY']);
    const made = await runTool('dnssec-dsfromkey', ['-a', 'SHA-256', '-a', 'SHA-384', '-f', '-', ZONE], {
      input: `${answer.join('\n')}\n`,
    });
    const expected = made.stdout.trim().split('\n');
    expect(expected).toHaveLength(2);
    const { out } = await server.cli('dnssec', 'ds', ZONE);
    const lines = out.split('\n').filter((line) => line.startsWith(`${ZONE} `));
    expect(lines.map((line) => line.replace(/ \d+ IN DS /, ' IN DS '))).toEqual(expected);
    for (const line of expected) expect(out).toContain(line.split(' ').at(-1));
  });

  test('query answers as DNS does, and --trace says why', async () => {
    const traced = await server.cli('query', `x.w.${ZONE}`, 'TXT', '--trace');
    expect(traced).toMatchObject({ exit: 0, err: '' });
    expect(traced.out).toContain('NOERROR, authoritative');
    expect(traced.out).toContain('"wild"');
    expect(traced.out).toMatch(/source of synthesis \*\.w\.cli\.test\. exists \[RFC 4592 §3\.3\.1\]/);
    expect(traced.out).toMatch(/NSEC of .* proves: no name x\.w\.cli\.test\./);
    const absent = JSON.parse((await server.cli('query', `none.${ZONE}`, 'A', '--json')).out);
    const wire = await dig(server, [`none.${ZONE}`, 'A', '+dnssec']);
    expect(absent.rcode).toBe(wire.status);
    expect(absent.authority).toHaveLength(wire.authority.length);
  });

  test('the lines that the start screen offers work when pasted', async () => {
    const lines = server.log().match(/^ {2}dig .+$/gm) ?? [];
    expect(lines).toHaveLength(3);
    const outcomes: string[] = [];
    for (const line of lines) {
      const { stdout } = await runTool('dig', line.trim().split(/\s+/).slice(1));
      expect(stdout).toContain('RRSIG');
      outcomes.push(/status: (\w+)/.exec(stdout)?.[1] ?? 'no answer');
    }
    expect(outcomes).toEqual(['NOERROR', 'NOERROR', 'NXDOMAIN']);
    expect(server.log()).toContain(`${MAIL} 3600 IN DS `);
    expect(server.log()).toContain(join(server.directory, 'admin.token'));
  });
});

describe('exit codes', () => {
  test.concurrent.each<[expected: number, code: string, words: string[]]>([
    [1, 'CLI_FILE', ['zone', 'import', ZONE, 'no-such.zone']],
    [1, 'RDATA_VALUE', ['rrset', 'set', ZONE, 'www', 'A', '60', '192.0.2.300']],
    [2, 'CLI_USAGE', ['zone', 'explode']],
    [2, 'CLI_USAGE', ['rrset', 'set', ZONE, 'www', 'A', 'soon', '192.0.2.1']],
    [2, 'CLI_CONFIRM', ['zone', 'remove', ZONE]],
    [3, 'ZONE_NOT_FOUND', ['zone', 'show', 'absent.test']],
    [3, 'ZONE_NOT_FOUND', ['rrset', 'set', 'absent.test', 'www', 'A', '60', '192.0.2.1']],
    [3, 'RRSET_NOT_FOUND', ['rrset', 'get', ZONE, 'absent', 'A']],
    [3, 'TOKEN_NOT_FOUND', ['token', 'revoke', '0123456789abcdef', '--yes']],
    [4, 'ZONE_EXISTS', ['zone', 'add', ZONE]],
    [4, 'RRSET_MANAGED', ['rrset', 'delete', ZONE, '@', 'DNSKEY', '--yes']],
    [78, 'CONFIG_FILE', ['status', '--config', '/nowhere/waxseal.toml']],
  ])('%i: %s: %j', async (expected, code, words) => {
    const data = words.includes('--config') ? [] : ['--data', server.directory];
    expect(failureOf(await runWaxseal([...words, ...data], { cwd: server.folder }))).toEqual(refusal(code, expected));
  });

  test('1: no server', async () => {
    expect(failureOf(await runWaxseal(['zone', 'list', '--data', server.folder]))).toEqual(refusal('CLI_SERVER', 1));
    expect(failureOf(await runWaxseal(['zone', 'list', '--server', `http://127.0.0.1:${await quietPort()}`]))).toEqual(
      refusal('CLI_SERVER', 1),
    );
  });

  test('5: no token, a wrong one, one that may not', async () => {
    const url = ['--server', `http://127.0.0.1:${server.adminPort}`];
    expect(failureOf(await runWaxseal(['zone', 'list', ...url]))).toEqual(refusal('AUTH_MISSING', 5));
    expect(failureOf(await runWaxseal(['zone', 'list', ...url, '--token-file', join(server.folder, 'wrong.token')]))).toEqual(
      refusal('AUTH_INVALID', 5),
    );
    const made = await server.cli('token', 'create', 'reader', '--scope', 'read');
    expect(made.exit).toBe(0);
    writeFileSync(join(server.folder, 'read.token'), made.out);
    const reader = [...url, '--token-file', join(server.folder, 'read.token')];
    expect((await runWaxseal(['zone', 'list', ...reader])).exit).toBe(0);
    expect(failureOf(await runWaxseal(['rrset', 'set', ZONE, 'www', 'A', '60', '192.0.2.1', ...reader]))).toEqual(refusal('AUTH_SCOPE', 5));
    const admin = [...url, '--token-file', join(server.directory, 'admin.token')];
    expect((await runWaxseal(['rrset', 'set', ZONE, 'byurl', 'A', '60', '192.0.2.1', ...admin])).exit).toBe(0);
  });

  test('6: a check that fails; 0: one that does not', async () => {
    const check = (file: string) => runWaxseal(['zone', 'check', ZONE, file], { cwd: server.folder });
    const bad = await check('bad.zone');
    expect(bad.exit).toBe(6);
    // All problems at once, each at its place.
    expect(bad.out).toContain('bad.zone:3:7: error: ');
    expect(bad.out).toContain('bad.zone:4:8: error: ');
    expect(await check('cli.zone')).toMatchObject({ exit: 0, err: '' });
    const whole = await server.cli('audit', 'verify');
    expect(whole).toMatchObject({ exit: 0, out: expect.stringMatching(/^\d+ entries from 1 on, all in order\n$/) });
  });

  test('the audit log names the user whose process it was, as the kernel says', async () => {
    expect((await server.cli('rrset', 'set', ZONE, 'who', 'A', '60', '192.0.2.1')).exit).toBe(0);
    const { uid, username } = userInfo();
    const { entries } = JSON.parse((await server.cli('audit', 'tail', '--json')).out) as { entries: { actor: object; action: string }[] };
    const { actor } = entries.find(({ action }) => action === 'rrsets.change')!;
    const user = expect.stringMatching(new RegExp(`^${username} \\(${uid}\\), pid \\d+$`));
    expect(actor).toMatchObject({ kind: 'socket', id: 'admin', from: 'unix', transport: 'unix', user });
    expect((await server.cli('audit', 'tail')).out).toContain(`socket:admin(${username} (${uid}), pid `);
  });

  test('7: durable, but the workers do not serve it in time; they do when they can', { timeout: 40_000 }, async () => {
    const { answer } = server.pids();
    process.kill(answer!, 'SIGSTOP');
    let late: Finished;
    try {
      late = await server.cli('rrset', 'set', ZONE, 'late', 'A', '60', '192.0.2.9');
    } finally {
      process.kill(answer!, 'SIGCONT');
    }
    expect(late).toMatchObject({ exit: 7, err: expect.stringContaining('the change is durable') });
    expect(late.err).toContain('[CLI_TIMEOUT]');
    const isServed = async () => (await dig(server, [`late.${ZONE}`, 'A'])).answer.length === 1;
    expect(await server.eventually(isServed)).toBe(true);
  });

  test('78: serve with a configuration that cannot work', async () => {
    const { exit, out, err } = await runWaxseal(['serve', '--data', join(server.folder, 'none'), '--dns', 'localhost', '--admin', 'here']);
    expect([exit, out]).toEqual([78, '']);
    const { event, problems } = JSON.parse(err) as { event: string; problems: string[] };
    expect(event).toBe('server.not-started');
    expect(problems).toEqual([expect.stringMatching(/^--dns: /), expect.stringMatching(/^--admin: /)]);
  });
});

describe.concurrent('--json is one JSON document on stdout', () => {
  beforeAll(async () => {
    await server.cli('rrset', 'set', ZONE, 'json', 'TXT', '60', 'one');
  });

  test.each([
    ['status'],
    ['version'],
    [`query ${MAIL} MX`],
    ['zone list'],
    [`zone show ${ZONE}`],
    [`zone export ${ZONE} --signed`],
    [`zone check ${ZONE} bad.zone`],
    [`zone diff ${ZONE} cli.zone`],
    [`rrset list ${ZONE}`],
    [`rrset set ${ZONE} another TXT 60 one`],
    [`rrset get ${ZONE} json TXT`],
    [`rrset delete ${ZONE} ns AAAA --yes`],
    [`dnssec status ${ZONE}`],
    [`dnssec ds ${ZONE}`],
    ['token list'],
    ['audit tail'],
    ['audit verify'],
    // Failures too.
    ['zone show absent.test'],
    ['zone explode'],
    [`zone remove ${ZONE}`],
    [`rrset set ${ZONE} www A 60 300.0.0.1`],
  ])('%s', async (line) => {
    const words = line.split(' ');
    const { exit, out } = await runWaxseal([...words, '--json', ...(words[0] === 'version' ? [] : dataOf(words))], { cwd: server.folder });
    const document = JSON.parse(out);
    expect(document).toBeTypeOf('object');
    if (words[1] === 'check') expect([exit, document.ok]).toEqual([6, false]);
    else if (exit !== 0)
      expect(document).toMatchObject({ ok: false, exit, code: expect.stringMatching(/^[A-Z_]+$/), errors: expect.any(Array) });
    else expect(document).not.toHaveProperty('errors');
  });

  function dataOf(words: readonly string[]): string[] {
    return words[1] === 'check' ? [] : ['--data', server.directory];
  }
});

describe('--dry-run', () => {
  /** Signatures are made anew each time; what is planned about them is that they are. */
  const plan = (text: string) => {
    const { changeset, ...rest } = JSON.parse(text);
    const shape = (line: string) => line.replace(/( IN RRSIG \S+ ).*/, '$1');
    return { serial: rest.serial, added: changeset.added.map(shape), deleted: changeset.deleted.map(shape), to: changeset.toSerial };
  };

  test.each([
    ['rrset set', ['rrset', 'set', ZONE, 'dry', 'A', '60', '192.0.2.1']],
    ['rrset delete', ['rrset', 'delete', ZONE, 'dry', 'A']],
    ['zone import', ['zone', 'import', ZONE, 'cli.zone']],
  ])('%s: the plan is what is then done, and until then nothing is', async (_what, words) => {
    if (words[1] === 'delete') await server.cli('rrset', 'set', ZONE, 'dry', 'A', '60', '192.0.2.1');
    if (words[1] === 'import') await server.cli('rrset', 'set', ZONE, 'gone', 'A', '60', '192.0.2.1');
    const before = await server.cli('zone', 'export', ZONE, '--signed');
    const dry = await server.cli(...words, '--dry-run', '--json');
    expect(dry.exit).toBe(0);
    expect(JSON.parse(dry.out)).toMatchObject({ dryRun: true, changed: true });
    expect(await server.cli('zone', 'export', ZONE, '--signed')).toEqual(before);
    const done = await server.cli(...words, '--yes', '--json');
    expect(JSON.parse(done.out)).toMatchObject({ dryRun: false, changed: true });
    expect(plan(done.out)).toEqual(plan(dry.out));
    expect(plan(done.out).added.length).toBeGreaterThan(0);
  });

  test('zone add and remove', async () => {
    const audit = async () => JSON.parse((await server.cli('audit', 'verify', '--json')).out);
    const before = await audit();
    expect((await server.cli('zone', 'add', 'dry.test', '--dry-run')).out).toMatch(/^dry\.test\. would be created, serial 1\n/);
    expect((await server.cli('zone', 'show', 'dry.test')).exit).toBe(3);
    expect((await server.cli('zone', 'remove', MAIL, '--dry-run')).out).toBe(`${MAIL} would be removed\n`);
    expect((await dig(server, [MAIL, 'SOA'])).status).toBe('NOERROR');
    expect(await audit()).toEqual(before);
  });

  test('what would be refused is refused', async () => {
    expect(failureOf(await server.cli('rrset', 'set', ZONE, '@', 'CNAME', '60', 'elsewhere.invalid.', '--dry-run'))).toEqual(
      refusal('CNAME_OTHER_DATA', 1),
    );
  });
});

test('text out of a zone cannot move the cursor', async () => {
  writeFileSync(join(server.folder, 'escape.zone'), `${TEXT}esc TXT "a\\027[31mred\\007"\n`);
  expect((await server.cli('zone', 'import', 'escape.test', 'escape.zone')).exit).toBe(0);
  for (const words of [
    ['zone', 'export', 'escape.test'],
    ['rrset', 'list', 'escape.test'],
    ['query', 'esc.escape.test', 'TXT'],
  ]) {
    const { out } = await server.cli(...words);
    expect(out).toContain('red');
    const codes = Array.from(out, (character) => character.charCodeAt(0));
    expect(codes.filter((code) => (code < 0x20 && code !== 0x0a && code !== 0x09) || code === 0x7f)).toEqual([]);
  }
});
