/** dig and kdig as clients of signed queries and transfers: they check every signature of ours themselves. ldns verifies what came. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MAIL_ZONE_TEXT, good } from '../support/temporary-control.ts';
import { runTool } from '../support/tools.ts';
import { type TransferServer, testKey, transferServer } from '../support/transfer-server.ts';
import { nameOf } from '#dns/name.ts';
import { ZONE, fakePrimary, message } from '../support/transfer-messages.ts';

const KEY = testKey('transfer.key.');
const SIGNED = ['-y', `hmac-sha256:transfer.key.:${KEY.secret}`];
const OTHER = testKey('other.key.', { zones: ['b.test.'] });
const SIGNED_BY_OTHER = ['-y', `hmac-sha256:other.key.:${OTHER.secret}`];

async function ask(tool: 'dig' | 'kdig', { at }: TransferServer, ...rest: string[]): Promise<string> {
  const patience = tool === 'dig' ? ['+time=5', '+tries=1'] : ['+time=5', '+retry=0'];
  const { stdout, stderr } = await runTool(tool, ['@127.0.0.1', '-p', String(at.port), ...patience, ...rest]);
  return stdout + stderr;
}

/** A zone with `count` names besides. */
function zoneOf(count: number): string {
  return (
    MAIL_ZONE_TEXT +
    Array.from({ length: count }, (_, at) => `h${at} 300 A 192.0.2.${at % 250}\nh${at} 300 TXT "${'x'.repeat(at % 200)}"`).join('\n')
  );
}

async function served(
  options: { readonly names?: number; readonly keys?: readonly ReturnType<typeof testKey>[] } = {},
): Promise<TransferServer> {
  const server = await transferServer({ keys: options.keys ?? [KEY, OTHER] });
  await server.load('a.test.', zoneOf(options.names ?? 3));
  server.follow();
  return server;
}

describe('RFC 8945: signed queries', () => {
  test.each(['hmac-sha1', 'hmac-sha224', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'])(
    'dig and kdig take answers signed with %s',
    async (algorithm) => {
      const server = await served({
        keys: [
          testKey('k.', {
            algorithm,
            macBytes: { 'hmac-sha1': 20, 'hmac-sha224': 28, 'hmac-sha384': 48, 'hmac-sha512': 64 }[algorithm] ?? 32,
          }),
        ],
      });
      const secret = testKey('k.').secret;
      for (const way of [[], ['+tcp']]) {
        const fromDig = await ask('dig', server, '-y', `${algorithm}:k.:${secret}`, 'a.test', 'SOA', '+dnssec', ...way);
        expect(fromDig).toMatch(/status: NOERROR/);
        expect(fromDig).not.toMatch(/verify signature|WARNING: -- Some TSIG/);
        expect(fromDig).toMatch(/RRSIG\s+SOA/);
        expect(await ask('kdig', server, '-y', `${algorithm}:k.:${secret}`, 'h1.a.test', 'A', ...way)).toMatch(
          /status: NOERROR[^]*h1\.a\.test\.\s+300/,
        );
      }
    },
  );

  test('§5.3: what does not fit beside the signature is truncated, and whole over TCP', async () => {
    const server = await served();
    const records = Array.from({ length: 6 }, (_, at) => `"${String(at).repeat(180)}"`);
    const operations = [{ op: 'set', name: 'big.a.test.', type: 'TXT', ttl: 60, records }] as const;
    good(await server.run({ kind: 'rrsets.change', zone: nameOf('a.test.'), operations }));
    server.follow();
    const cut = await ask('dig', server, ...SIGNED, 'big.a.test', 'TXT', '+ignore', '+bufsize=1232');
    expect(cut).toMatch(/flags: qr aa tc/);
    expect(cut).not.toMatch(/verify signature/);
    expect(await ask('dig', server, ...SIGNED, 'big.a.test', 'TXT')).toMatch(/ANSWER: 6/);
  });

  test('a wrong secret, an unknown key, MD5: NOTAUTH, and the log names who, what and the way out', async () => {
    const server = await served();
    expect(await ask('dig', server, '-y', 'hmac-sha256:transfer.key.:AAAA', 'a.test', 'SOA')).toMatch(/status: NOTAUTH[^]*BADSIG/);
    expect(await ask('dig', server, '-y', 'hmac-sha256:unknown.:AAAA', 'a.test', 'SOA')).toMatch(/status: NOTAUTH[^]*BADKEY/);
    expect(await ask('dig', server, '-y', `hmac-md5:transfer.key.:${KEY.secret}`, 'a.test', 'SOA')).toMatch(/status: NOTAUTH[^]*BADKEY/);
    expect(server.log.at(-1)).toMatch(
      /^tsig\.refused message from 127\.0\.0\.1 refused: BADKEY .*HMAC-MD5 is not offered.*set hmac-sha256 at both ends/,
    );
  });
});

describe('RFC 5936: whole zones', () => {
  test('of many messages, every one signed; dig, kdig and ldns find nothing wrong', async () => {
    const server = await served({ names: 400 });
    const zone = await ask('dig', server, ...SIGNED, 'a.test', 'AXFR', '+onesoa', '+nocomments', '+nostats', '+nocmd');
    expect(zone).not.toMatch(/verify|failed/i);
    const file = join(server.dir, 'axfr.zone');
    writeFileSync(file, zone.replaceAll(/^.*\bTSIG\b.*$/gm, ''));
    // The test's clock stands in January 2026.
    const verdict = await runTool('ldns-verify-zone', ['-t', '20260103000000', file]);
    expect(verdict.stdout + verdict.stderr).toMatch(/Zone is verified and complete/);
    const records = await ask('kdig', server, ...SIGNED, 'a.test', 'AXFR');
    const [, messages] = /Received \d+ B \((\d+) messages/.exec(records) ?? [];
    expect(Number(messages)).toBeGreaterThan(5);
    expect(records.split('\n').filter((line) => /^;; (ERROR|WARNING)/.test(line))).toEqual([]);
  });
});

test('RFC 1034 §4.3.5: a zone that has expired here is not given on, as BIND does not (SERVFAIL)', async () => {
  const state = { rcode: 0 };
  const primary = await fakePrimary(({ id, type }, send) => {
    const lines = ['@ 60 SOA ns host 2 100 50 1000 60', '@ 60 NS ns', 'ns 60 A 192.0.2.1', '@ 60 SOA ns host 2 100 50 1000 60'];
    send(message({ id, type, lines: state.rcode === 0 ? lines : [], rcode: state.rcode }));
  });
  const server = await served();
  const { keeper } = server.control.transferParts;
  const primaries = [{ ip: primary.ip, port: primary.port }];
  good(await server.run({ kind: 'secondary.create', zone: ZONE, primaries, isSigning: false }));
  const isExpired = async (expected: boolean | undefined) => {
    keeper.tick();
    await expect.poll(() => server.writer.zoneByName(ZONE)?.secondary?.isExpired).toBe(expected);
    server.follow();
  };
  keeper.tick();
  await expect.poll(() => server.writer.zoneByName(ZONE)?.serial).toBe(2);
  server.follow();
  expect(await ask('dig', server, ...SIGNED, 'z.example', 'AXFR')).toContain('XFR size: 4 records');
  state.rcode = 2;
  for (let times = 0; times < 2; times++) {
    server.clock.pass(1_001_000);
    keeper.tick();
    await expect.poll(() => server.control.transfer.primaries(server.writer.zoneByName(ZONE)!)!.isLooking).toBe(false);
  }
  await isExpired(true);
  for (const type of ['AXFR', 'IXFR=1', 'IXFR=2', 'SOA'])
    for (const way of type === 'AXFR' ? ['+tcp'] : ['+tcp', '+notcp'])
      expect(await ask('dig', server, ...SIGNED, 'z.example', type, way)).not.toMatch(/IN\s+SOA\s+ns/);
  expect(await ask('dig', server, ...SIGNED, 'z.example', 'AXFR', '+all')).toMatch(/status: SERVFAIL/);
  expect(server.log.at(-1)).toContain('has expired here');
  expect(await ask('dig', server, ...SIGNED, 'a.test', 'AXFR')).toContain('XFR size');
});

describe('operations X1: who has which zone', () => {
  test.each([
    ['no key', [], 'a.test', /status: REFUSED|Transfer failed/],
    ['a key of another zone', SIGNED_BY_OTHER, 'a.test', /Transfer failed/],
    ['the right key, no such zone', SIGNED, 'c.test', /Transfer failed/],
  ])('%s: nothing, by AXFR and IXFR, UDP and TCP', async (_, how, zone, expected) => {
    const server = await served();
    for (const type of ['AXFR', 'IXFR=1'])
      for (const way of [['+tcp'], ['+notcp']]) {
        const got = await ask('dig', server, ...how, zone, type, ...way);
        if (way[0] === '+tcp') expect(got).toMatch(expected);
        expect(got).not.toMatch(/\bA\s+192/);
      }
    expect(server.log.filter((line) => line.startsWith('transfer.sent'))).toEqual([]);
  });
});
