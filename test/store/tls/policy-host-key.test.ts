/** ADR 0007: the policy host's key file is made once by control, never overwritten, and refused when others can read it. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { PolicyHostKey } from '#store/tls/policy-host-key.ts';
import { bad, good } from '../../support/temporary-control.ts';
import { countedRandom } from '../../support/temporary-store.ts';

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function keyIn() {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-key-'));
  folders.push(folder);
  const file = join(folder, 'keys', 'policy-host');
  const made: string[] = [];
  const control = () => new PolicyHostKey({ file, random: countedRandom(), onMade: () => made.push(file) });
  return { folder, file, made, control, policyHost: new PolicyHostKey({ file, random: countedRandom() }) };
}

const LABEL = { purpose: 'tls-key', id: 'a', version: 1 };

test('control makes it with 32 octets and mode 0600, once; the policy host opens what control sealed', () => {
  const { file, made, control, policyHost } = keyIn();
  const sealed = good(control().sealer()).seal(LABEL, Uint8Array.of(1, 2));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const octets = readFileSync(file);
  expect(octets).toHaveLength(32);
  good(control().sealer());
  expect(readFileSync(file)).toEqual(octets);
  expect(made).toEqual([file]);
  expect(good(good(policyHost.sealer()).open(LABEL, sealed))).toEqual(Uint8Array.of(1, 2));
});

test('the policy host does not make it, and takes it as soon as it is there', () => {
  const { control, policyHost } = keyIn();
  expect(bad(policyHost.sealer())[0]).toMatchObject({ code: 'HTTPS_KEY_FILE' });
  good(control().sealer());
  expect(policyHost.sealer().ok).toBe(true);
});

test('a file that others may read, or that holds no key, is refused and left as it is', () => {
  const { file, control } = keyIn();
  good(control().sealer());
  chmodSync(file, 0o640);
  const [loose] = bad(control().sealer());
  expect(loose).toMatchObject({ code: 'HTTPS_KEY_PERMISSIONS' });
  expect(loose!.fix).toContain('chmod 600');
  chmodSync(file, 0o600);
  writeFileSync(file, 'short');
  const [short] = bad(control().sealer());
  expect(short).toMatchObject({ code: 'HTTPS_KEY_FILE' });
  expect(short!.fix).toContain('a new one is made');
  expect(readFileSync(file, 'utf8')).toBe('short');
});
