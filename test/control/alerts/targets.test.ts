/** The command and the syslog server, for real; RFC 5424 §6 as the receiver reads it. */
import { createSocket } from 'node:dgram';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { SYSLOG_BYTES_MAX } from '#base/limits/alerts.ts';
import { commandTarget } from '#control/alerts/command.ts';
import { syslogLine, syslogTarget } from '#control/alerts/syslog.ts';
import { type AlertMessage, messageLine } from '#control/alerts/targets.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

function message(more: Partial<AlertMessage['data']> = {}, type: AlertMessage['type'] = 'alert.raised'): AlertMessage {
  const data = {
    id: '0123456789ab',
    rule: 'DNS_DOWN',
    severity: 'critical',
    text: 'it is so',
    server: 'here',
  } as const;
  return { type, timestamp: '2026-01-01T00:00:00.000Z', data: { ...data, ...more } };
}

const inTime = () => AbortSignal.timeout(5000);

describe('the command', () => {
  function script(text: string): { readonly program: string; readonly folder: string } {
    const folder = temporaryFolder();
    const program = join(folder, 'page');
    writeFileSync(program, `#!/bin/sh\n${text}\n`);
    chmodSync(program, 0o755);
    return { program, folder };
  }

  test('gets the message on its standard input and in its environment, its arguments as they stand', async () => {
    const { program, folder } = script('cat > "$2/body"; echo "$1" > "$2/first"; env > "$2/env"');
    const body = JSON.stringify(message({ zone: 'example.com.' }));
    process.env['WAXSEAL_TEST_SECRET'] = 'hidden';
    onTestFinished(() => void delete process.env['WAXSEAL_TEST_SECRET']);
    await commandTarget([program, '$(id) `id`; *', folder]).send('id-1', body, inTime());
    expect(readFileSync(join(folder, 'body'), 'utf8')).toBe(body);
    expect(readFileSync(join(folder, 'first'), 'utf8')).toBe('$(id) `id`; *\n');
    const env = readFileSync(join(folder, 'env'), 'utf8');
    for (const line of ['WAXSEAL_ALERT_ID=id-1', 'WAXSEAL_ALERT_SEVERITY=critical', 'WAXSEAL_ALERT_RULE=DNS_DOWN'])
      expect(env).toContain(`${line}\n`);
    expect(env).toContain('WAXSEAL_ALERT_TEXT=raised critical example.com.: it is so\n');
    expect(env).not.toContain('hidden');
  });
  test('that fails, is not there or does not end has failed', async () => {
    await expect(
      commandTarget([script('exit 3').program]).send('i', JSON.stringify(message()), inTime()),
    ).rejects.toThrow('exit code 3');
    await expect(commandTarget(['/nowhere/page']).send('i', JSON.stringify(message()), inTime())).rejects.toThrow(
      'ENOENT',
    );
    const { program, folder } = script('echo $$ > "$1/pid"; exec sleep 60');
    await expect(
      commandTarget([program, folder]).send('i', JSON.stringify(message()), AbortSignal.timeout(500)),
    ).rejects.toThrow('it did not end in time');
    const pid = readFileSync(join(folder, 'pid'), 'utf8').trim();
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
  });
});

describe('syslog', () => {
  test('RFC 5424 §6: header, structured data, and the text behind a byte order mark', () => {
    const line = syslogLine(message({ zone: 'a"]\\.test.' }), 'ns1.example.net', 7).toString();
    expect(line).toBe(
      '<26>1 2026-01-01T00:00:00.000Z ns1.example.net waxseal 7 alert.raised ' +
        '[alert@32473 id="0123456789ab" rule="DNS_DOWN" severity="critical" zone="a\\"\\]\\\\.test."] ' +
        '\ufeffraised critical a"]\\.test.: it is so',
    );
  });
  test('RFC 5424 §6.2.1: warnings, and what is over, are less severe', () => {
    expect(syslogLine(message({ severity: 'warning' }), 'h', 1).toString()).toMatch(/^<28>/);
    expect(syslogLine(message({ why: 'it works' }, 'alert.cleared'), 'h', 1).toString()).toMatch(
      /^<29>.*\(it works\)$/,
    );
  });
  test('a text makes no second line, and a long one is cut at a character', () => {
    const line = syslogLine(message({ text: `a\n<0>1 forged\t${'ü'.repeat(2000)}` }), 'h h\n', 1);
    expect(line.length).toBeLessThanOrEqual(SYSLOG_BYTES_MAX);
    expect(line.toString()).not.toMatch(/[\n\t\ufffd]/);
    expect(line.toString()).toContain('Z hh waxseal');
    expect(line.toString()).toMatch(/ü…$/);
  });
  test('it is sent as one datagram', async () => {
    const server = createSocket('udp4');
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
    const got = new Promise<string>((resolve) => server.once('message', (octets) => resolve(octets.toString())));
    const { port } = server.address();
    await syslogTarget(ipPort('127.0.0.1', port)).send('i', JSON.stringify(message()), inTime());
    expect(await got).toContain(messageLine(message()));
  });
});
