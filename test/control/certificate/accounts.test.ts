/** Our accounts with CAs: one for each, found again after a restart, and bound to an account of the CA's own site. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readAcmeAccount } from '#store/tls/acme-account.ts';
import { HOST, certificateHouse } from '../../support/acme/certificate-house.ts';
import { DIRECTORY } from '../../support/acme/mock-ca.ts';

function keyFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-eab-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'mac'), text);
  return join(folder, 'mac');
}

test('many hosts at once make one account, which is kept', async () => {
  const made = await certificateHouse();
  for (let at = 0; at < 10; at++) await made.want(`h${at}.post.example`);
  await made.live(60_000);
  expect(made.ca.asked.filter((each) => each === 'POST /new-account')).toHaveLength(1);
  expect(readAcmeAccount(made.writer, DIRECTORY)).toEqual({ directory: DIRECTORY, url: 'https://ca.example/account/1' });
});

test('a CA that has forgotten the account gets it again, with the same key', async () => {
  const made = await certificateHouse();
  await made.want();
  await made.live(60_000);
  const [[, key]] = [...made.ca.accounts] as [[string, string]];
  made.ca.accounts.clear();
  await made.want();
  await made.live(60_000);
  expect([...made.ca.accounts.values()]).toEqual([key]);
  expect(made.ca.issued(HOST)).toBe(2);
});

describe('RFC 8555 §7.3.4: a CA that wants an external account', () => {
  const meta = { externalAccountRequired: true };

  test('gets it', async () => {
    const externalAccount = { keyId: 'kid-1', keyFile: keyFile(`${Buffer.alloc(32, 7).toString('base64url')}\n`) };
    const made = await certificateHouse({ ca: { meta }, settings: { externalAccount } });
    await made.want();
    await made.live(60_000);
    expect(made.certificate()).toBeDefined();
    expect(readAcmeAccount(made.writer, DIRECTORY)).toMatchObject({ externalKeyId: 'kid-1' });
    expect(made.ca.bindings).toEqual([{ alg: 'HS256', kid: 'kid-1', url: 'https://ca.example/new-account' }]);
  });

  test('is not asked without one; the state says which setting is missing', async () => {
    const made = await certificateHouse({ ca: { meta } });
    await made.want();
    await made.live(60_000);
    expect(made.view()!.failure!.message).toContain('acme.account_key_id');
    expect(made.ca.accounts.size).toBe(0);
  });

  test('a file that holds no such key is named, and its text is not', async () => {
    const externalAccount = { keyId: 'kid-1', keyFile: keyFile('SECRET but not base64url!') };
    const made = await certificateHouse({ ca: { meta }, settings: { externalAccount } });
    await made.want();
    await made.live(60_000);
    expect(made.view()!.failure!.message).toContain('the file is not base64url');
    expect(JSON.stringify(made.view())).not.toContain('SECRET');
  });
});
