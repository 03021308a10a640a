/** UPDATE on the running server: nsupdate and knsupdate with every operation and refusal, and what other programs send (facts §8.6). */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { dig } from '../support/dig.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { runTool } from '../support/tools.ts';
import { sendUpdate } from '../support/update-client.ts';
import { putZones } from '../support/waxseal.ts';

const ZONE = `$TTL 300
@ SOA ns1 host 1 3600 600 86400 300
@ NS ns1
@ NS ns2
ns1 A 192.0.2.1
ns2 A 192.0.2.2
www A 192.0.2.80
alias CNAME www
`;
let server: RunningServer;
const at = () => ipPort('127.0.0.1', server.port);
/** `algorithm:name:secret` of the keys. */
let full: string;
let acme: string;
let transfer: string;

async function makeKey(name: string, ...more: readonly string[]): Promise<string> {
  const made = await server.cli('tsig', 'generate', name, '--zone', 'example', ...more);
  if (made.exit !== 0) throw new Error(made.err);
  return made.out.trim();
}

beforeAll(async () => {
  server = await startServer({ workers: 1 });
  await putZones(
    server,
    [
      { name: 'example.', text: ZONE },
      { name: 'other.', text: ZONE },
    ],
    'on',
  );
  full = await makeKey('full.example', '--for', 'update');
  acme = await makeKey('acme.example', '--for', 'update', '--name', '_acme-challenge.*', '--type', 'TXT', '--ttl', '3600');
  transfer = await makeKey('transfer.example');
  await server.eventually(async () => (await nsupdate(full, '')).endsWith('NOERROR'));
}, 120_000);
afterAll(() => server.stop());

/** The status that nsupdate shows; `words`: its options. */
async function nsupdate(key: string | undefined, lines: string, words: readonly string[] = [], zone = 'example'): Promise<string> {
  const input = `server 127.0.0.1 ${server.port}\nzone ${zone}\n${lines}\nsend\nanswer\n`;
  const signed = key === undefined ? [] : ['-y', key];
  const { stdout, stderr } = await runTool('nsupdate', [...signed, '-t', '10', ...words], { input });
  const status = /opcode: UPDATE, status: (\w+)/.exec(stdout)?.[1];
  return `${/TSIG error|BADKEY|BADSIG/.exec(stderr)?.[0] ?? ''}${status ?? `none: ${stdout}${stderr}`}`;
}

async function records(name: string, type: string): Promise<string[]> {
  return (await dig(server, [name, type, '+short'])).text
    .trim()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(';'));
}

describe('nsupdate', () => {
  test.each<[string, string]>([
    ['update add a.example 300 A 192.0.2.9\nupdate add a.example 300 TXT "x y" "z"', 'NOERROR'],
    [
      'prereq yxdomain a.example\nprereq yxrrset a.example A\nprereq yxrrset a.example A 192.0.2.9\nupdate add a.example 300 A 192.0.2.10',
      'NOERROR',
    ],
    ['prereq nxdomain b.example\nprereq nxrrset a.example MX\nupdate add b.example 60 CNAME a.example', 'NOERROR'],
    ['prereq nxdomain a.example\nupdate delete a.example', 'YXDOMAIN'],
    ['prereq yxdomain c.example\nupdate delete a.example', 'NXDOMAIN'],
    ['prereq nxrrset a.example A\nupdate delete a.example', 'YXRRSET'],
    ['prereq yxrrset a.example A 192.0.2.9\nupdate delete a.example', 'NXRRSET'],
    ['update delete a.example A 192.0.2.9', 'NOERROR'],
    ['update delete a.example TXT', 'NOERROR'],
    ['update add example 300 SOA ns1 host 100 3600 600 86400 300', 'NOERROR'],
    ['update add x.other 300 A 192.0.2.9', 'NOTZONE'],
    ['update add example 300 DNSKEY 257 3 13 AAAA', 'REFUSED'],
    ['update add a.example 300 NSEC b.example A', 'REFUSED'],
    ['update add sub.example 60 NS ns.sub.example\nupdate add ns.sub.example 60 A 192.0.2.53', 'NOERROR'],
    ['update delete sub.example\nupdate delete ns.sub.example', 'NOERROR'],
  ])('%j: %s', async (lines, status) => {
    expect(await nsupdate(full, lines)).toBe(status);
  });

  test('what it did is served at once, signed, and in one step of the serial each', async () => {
    expect([await records('a.example', 'A'), await records('b.example', 'CNAME')]).toEqual([['192.0.2.10'], ['a.example.']]);
    const serial = async () => Number((await records('example', 'SOA'))[0]?.split(' ')[2]);
    const before = await serial();
    for (let each = 0; each < 5; each++) {
      expect(await nsupdate(full, `update add s${each}.example 300 A 192.0.2.${each}`, each % 2 === 0 ? ['-v'] : [])).toBe('NOERROR');
      expect(await records(`s${each}.example`, 'A')).toEqual([`192.0.2.${each}`]);
    }
    expect(await serial()).toBe(before + 5);
    const { text } = await dig(server, ['s1.example', 'A', '+dnssec']);
    expect(text).toMatch(/RRSIG\s+A 13/);
  });

  test('without a zone line it finds the zone by its SOA', async () => {
    const input = `server 127.0.0.1 ${server.port}\nupdate add found.example 300 A 192.0.2.7\nsend\n`;
    expect((await runTool('nsupdate', ['-y', full], { input })).code).toBe(0);
    expect(await records('found.example', 'A')).toEqual(['192.0.2.7']);
  });

  test('who may do what', async () => {
    const line = 'update add _acme-challenge.www.example 60 TXT "x"';
    expect(await nsupdate(undefined, line)).toBe('REFUSED');
    expect(await nsupdate(transfer, line)).toBe('REFUSED');
    expect(await nsupdate('hmac-sha256:nobody.:aGVsbG8gaGVsbG8gaGVsbG8=', line)).toContain('NOTAUTH');
    expect(await nsupdate(full.replace(/:.{4}([^:]*)$/, ':AAAA$1'), line)).toContain('NOTAUTH');
    expect(await nsupdate(full, 'update add x.other 60 A 192.0.2.1', [], 'other')).toBe('REFUSED');
    expect(await nsupdate(full, '', [], 'nowhere')).toBe('NOTAUTH');
    expect(await nsupdate(acme, line)).toBe('NOERROR');
    expect(await nsupdate(acme, 'update add www.example 60 TXT "x"')).toBe('REFUSED');
    expect(await nsupdate(acme, 'update add _acme-challenge.example 86400 TXT "x"')).toBe('REFUSED');
    const last = 'the key acme.example. may not change www.example.';
    expect(await server.eventually(() => server.log().includes(last))).toBe(true);
    const log = server.log();
    expect(log).toContain('make a key: waxseal tsig generate NAME --zone example. --for update');
    expect(log).toContain('UPDATE by acme.example. from 127.0.0.1: REFUSED: the key acme.example. may not change www.example.');
    expect((await server.cli('audit', 'tail')).out).toContain('tsig:acme.example.@127.0.0.1');
    expect((await server.cli('tsig', 'list')).out).toMatch(
      /acme\.example\.\s+hmac-sha256\s+update\s+example\.\s+_acme-challenge\.\* TXT TTL 0-3600/,
    );
  });

  test('facts X4: HMAC-MD5, as cert-manager without an algorithm signs: NOTAUTH, and the log names the fix', async () => {
    const [, name, secret] = full.split(':');
    expect(await nsupdate(`hmac-md5:${name}:${secret}`, 'update delete a.example')).toContain('NOTAUTH');
    const fix = 'HMAC-MD5 is not offered (RFC 8945 §6): set hmac-sha256 at both ends';
    // So many refusals in a short time are not all logged: the next one is.
    const isSaid = async () => {
      await nsupdate(`hmac-md5:${name}:${secret}`, 'update delete a.example');
      return server.log().includes(fix);
    };
    expect(await server.eventually(isSaid, 60_000)).toBe(true);
  });

  test('RFC 8945 §5.3: a query signed with a key for updates is answered, signed; no transfer is', async () => {
    for (const way of ['+notcp', '+tcp']) {
      const { text } = await dig(server, ['example', 'SOA', '-y', acme, way]);
      expect(text).toMatch(/status: NOERROR[^]*TSIG\s+hmac-sha256\. \d+ 300 32/);
      expect(text).not.toMatch(/verify|WARNING: -- Some TSIG/);
    }
    expect((await dig(server, ['example', 'AXFR', '-y', acme])).text).toMatch(/NOTAUTH|BADKEY|failed/);
  });

  test('GSS-TSIG is not offered: nsupdate -g ends with the answer to its TKEY query, at once', async () => {
    const started = performance.now();
    const input = `server 127.0.0.1 ${server.port}\nzone example\nupdate add g.example 60 A 192.0.2.1\nsend\n`;
    expect((await runTool('nsupdate', ['-g', '-t', '10'], { input })).code).not.toBe(0);
    expect(performance.now() - started).toBeLessThan(8000);
    expect(await records('g.example', 'A')).toEqual([]);
  });
});

describe('knsupdate', () => {
  const knsupdate = async (key: string, lines: string) => {
    const [algorithm, name, secret] = key.split(':');
    const input = `server 127.0.0.1 ${server.port}\nzone example.\norigin example.\nkey ${algorithm}:${name} ${secret}\n${lines}\nsend\nanswer\n`;
    const { stdout, stderr } = await runTool('knsupdate', [], { input });
    return /status: (\w+)/.exec(stdout + stderr)?.[1] ?? `none: ${stdout}${stderr}`;
  };

  test('adds, deletes, asks', async () => {
    expect(await knsupdate(full, 'add k 300 A 192.0.2.44\nadd k 300 TXT "knot"')).toBe('NOERROR');
    expect(await records('k.example', 'TXT')).toEqual(['"knot"']);
    expect(await knsupdate(full, 'prereq nxdomain k\ndel k')).toBe('YXDOMAIN');
    expect(await knsupdate(full, 'del k TXT')).toBe('NOERROR');
    expect(await records('k.example', 'TXT')).toEqual([]);
    expect(await knsupdate(acme, 'del k')).toBe('REFUSED');
  });
});

describe('facts §8.6: what integrations send', () => {
  const keyOf = (text: string) => ({ name: text.split(':')[1]!, secret: text.split(':')[2]! });

  test('cert-manager: insert and remove of one TXT, without EDNS, over UDP; two challenges of one name side by side', async () => {
    const send = async (lines: string) =>
      (await sendUpdate(at(), 'example.', lines, keyOf(acme), { edns: false, transport: 'udp' }))?.rcode;
    expect(await Promise.all([send('add _acme-challenge 60 TXT "one"'), send('add _acme-challenge 60 TXT "two"')])).toEqual([0, 0]);
    expect(await records('_acme-challenge.example', 'TXT')).toEqual(['"one"', '"two"']);
    expect([await send('del _acme-challenge TXT "one"'), await records('_acme-challenge.example', 'TXT')]).toEqual([0, ['"two"']]);
    expect([await send('del _acme-challenge TXT "two"'), await send('del _acme-challenge TXT "two"')]).toEqual([0, 0]);
  });

  test('ExternalDNS: AXFR by one key, then batches over TCP that remove the old records and insert the new ones', async () => {
    const { text } = await dig(server, ['example', 'AXFR', '-y', transfer]);
    expect(text).toMatch(/www\.example\.\s+300\s+IN\s+A\s+192\.0\.2\.80/);
    const hosts = Array.from({ length: 200 }, (_, each) => `e${each}`);
    const send = async (lines: readonly string[]) => (await sendUpdate(at(), 'example.', lines.join('\n'), keyOf(full)))?.rcode;
    const owned = '"heritage=external-dns,external-dns/owner=default,external-dns/resource=service/default/nginx"';
    const create = hosts.flatMap((host) => [`add ${host} 300 A 192.0.2.1`, `add a-${host} 300 TXT ${owned}`]);
    expect(await send(create)).toBe(0);
    const change = hosts.flatMap((host) => [`del ${host} A 192.0.2.1`, `add ${host} 300 A 192.0.2.2`]);
    expect(await send(change)).toBe(0);
    expect([await records('e199.example', 'A'), await records('a-e199.example', 'TXT')]).toEqual([['192.0.2.2'], [owned]]);
    expect(await send(hosts.flatMap((host) => [`del ${host}`, `del a-${host}`]))).toBe(0);
    expect(await records('e199.example', 'A')).toEqual([]);
  });

  test('octoDNS: 1000 changes in one message', async () => {
    const lines = Array.from({ length: 1000 }, (_, each) => `add o${each} 300 A 192.0.2.${each % 250}`);
    const serial = async () => Number((await records('example', 'SOA'))[0]?.split(' ')[2]);
    const before = await serial();
    expect((await sendUpdate(at(), 'example.', lines.join('\n'), keyOf(full)))?.rcode).toBe(0);
    expect([await serial(), await records('o999.example', 'A')]).toEqual([before + 1, ['192.0.2.249']]);
    expect(
      (await sendUpdate(at(), 'example.', lines.map((line) => line.replace(/^add (\S+).*/, 'del $1')).join('\n'), keyOf(full)))?.rcode,
    ).toBe(0);
  });

  test('Terraform: an RRset is removed and inserted in one message', async () => {
    const change = (ip: string) => sendUpdate(at(), 'example.', `del t A\nadd t 300 A ${ip}`, keyOf(full), { transport: 'udp' });
    expect([(await change('192.0.2.1'))?.rcode, (await change('192.0.2.2'))?.rcode, await records('t.example', 'A')]).toEqual([
      0,
      0,
      ['192.0.2.2'],
    ]);
  });

  test('an answer that a client with EDNS reads says why', async () => {
    const reply = await sendUpdate(at(), 'example.', 'add www 60 TXT "x"', keyOf(acme), { transport: 'udp' });
    expect([reply?.rcode, reply?.text]).toEqual([5, 'the key acme.example. may not change www.example.']);
  });
});

describe('the processes', () => {
  test('control is killed: no answer over UDP, the next try is carried out; queries are answered all the time', async () => {
    await server.killChild('control');
    expect(await records('www.example', 'A')).toEqual(['192.0.2.80']);
    const [, name, secret] = full.split(':');
    const send = () => sendUpdate(at(), 'example.', 'add after 60 A 192.0.2.5', { name: name!, secret: secret! }, { transport: 'udp' });
    expect(await server.eventually(async () => (await send())?.rcode === 0, 40_000)).toBe(true);
    expect(await records('after.example', 'A')).toEqual(['192.0.2.5']);
  });

  test('facts X3: a flood of 1000 updates with a wrong signature does not delay answers, and an honest update gets through', async () => {
    const [, name] = full.split(':');
    const wrong = { name: name!, secret: Buffer.alloc(32, 'x').toString('base64') };
    const flood = Promise.all(
      Array.from({ length: 1000 }, async (_, each) => {
        await sleep(each / 2);
        return sendUpdate(at(), 'example.', `add f${each} 60 A 192.0.2.5`, wrong, { transport: 'udp' }).catch(() => undefined);
      }),
    );
    // By TCP: what the kernel drops of a flood over UDP is no figure of ours.
    const { text } = await dig(server, ['www.example', 'A', '+short', '+tcp', '+time=2', '+tries=1']);
    expect(text.trim()).toBe('192.0.2.80');
    expect(await nsupdate(full, 'update add honest.example 60 A 192.0.2.5', ['-v'])).toBe('NOERROR');
    const replies = await flood;
    expect(replies.filter((reply) => reply !== undefined && reply.rcode !== 9)).toEqual([]);
    expect(await records('f0.example', 'A')).toEqual([]);
  });
});
