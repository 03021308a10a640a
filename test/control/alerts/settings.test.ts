/** From the configuration to rules and targets; files of keys that are wrong. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { type AlertSettings } from '#config/alerts.ts';
import { ALERT_RULES } from '#control/alerts/rules.ts';
import { alertPartsOf, readWebhookKey } from '#control/alerts/settings.ts';
import { bad, good } from '../../support/temporary-control.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

const NONE: AlertSettings = {
  webhooks: [],
  webhookKeyFile: undefined,
  webhookNetworks: [],
  webhookCaFile: undefined,
  command: [],
  syslog: undefined,
  rules: [],
};
const NOWHERE = { lookup: () => Promise.resolve({ kind: 'nxdomain' } as const) };

function keyFile(text: string, mode = 0o600): string {
  const file = join(temporaryFolder(), 'webhook-key');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

test('rules are as they stand, with another threshold or duration, or off', () => {
  expect(good(alertPartsOf(NONE)).rules).toEqual(ALERT_RULES);
  const { rules } = good(
    alertPartsOf({
      ...NONE,
      rules: [
        { rule: 'DNS_SLOW', isOff: true },
        { rule: 'CERTIFICATE_ENDING', isOff: false, threshold: 604_800 },
        { rule: 'SECONDARY_BEHIND', isOff: false, threshold: 3, forMs: 7_200_000 },
      ],
    }),
  );
  const by = new Map(rules.map((each) => [each.id, each]));
  expect(rules).toHaveLength(ALERT_RULES.length - 1);
  expect(by.has('DNS_SLOW')).toBe(false);
  expect(by.get('CERTIFICATE_ENDING')).toMatchObject({ threshold: 604_800, forMs: 0 });
  expect(by.get('SECONDARY_BEHIND')).toMatchObject({ threshold: 3, forMs: 7_200_000 });
});

test('a rule that there is not is refused, and the nearest is named', () => {
  const [found] = bad(alertPartsOf({ ...NONE, rules: [{ rule: 'DNS_SLOWW', isOff: true }] }));
  expect(found).toMatchObject({ code: 'CONFIG_VALUE', fix: 'did you mean DNS_SLOW?' });
});

test('each setting is a target', () => {
  const webhookKeyFile = keyFile(`whsec_${Buffer.alloc(32, 1).toString('base64')}\n`);
  const webhooks = ['https://hooks.example/a', 'https://hooks.example/b'];
  const command = ['/usr/bin/logger', '-p', 'daemon.crit'];
  const all = { ...NONE, webhooks, webhookKeyFile, command, syslog: ipPort('127.0.0.1', 514) };
  const targets = good(alertPartsOf(all)).targets(NOWHERE, () => 0);
  expect(targets.map(({ name }) => name)).toEqual([
    'webhook https://hooks.example/a',
    'webhook https://hooks.example/b',
    'command /usr/bin/logger',
    'syslog 127.0.0.1:514',
  ]);
});

test('the key of webhooks: its form, its length, and who may read it', () => {
  const base64 = (bytes: number) => Buffer.alloc(bytes, 200).toString('base64');
  for (const bytes of [24, 32, 64]) expect(good(readWebhookKey(keyFile(`whsec_${base64(bytes)}`)))).toHaveLength(bytes);
  expect(good(readWebhookKey(keyFile(base64(32))))).toHaveLength(32);
  for (const text of ['', 'whsec_', `whsec_${base64(23)}`, `whsec_${base64(65)}`, 'whsec_ä', 'x'.repeat(10_000)])
    expect(bad(readWebhookKey(keyFile(text)))[0]!.message).toContain('is not whsec_ and 24 to 64 octets in base64');
  const [wide] = bad(readWebhookKey(keyFile(`whsec_${base64(32)}`, 0o640)));
  expect(wide).toMatchObject({ message: 'others may read it (mode 640)' });
  expect(wide!.fix).toMatch(/^chmod 600 /);
  const [missing] = bad(readWebhookKey('/nowhere/key'));
  expect(missing!.message).toContain('ENOENT');
  expect(missing!.fix).toContain('openssl rand -base64 32');
});
