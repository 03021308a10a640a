/**
 * ldns-update as one more client of UPDATE. It takes the name server from /etc/resolv.conf and the zone's SOA, asks at port
 * 53, and knows HMAC-MD5 and HMAC-SHA1: so server and client are in a network of their own, with a resolv.conf of their own.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary-store.ts';
import { runTool, toolPath } from '../support/tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const ZONE = '$ORIGIN example.\n$TTL 300\n@ SOA ns1 host 1 3600 600 86400 300\n@ NS ns1\nns1 A 127.0.0.1\n';

/** Of `unshare`. When the script ends, so do all processes that it started. */
const ALONE = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];

/** What it says on the standard output is what the test reads. */
const SCRIPT = `
ip link set lo up
mount --bind "$FOLDER/resolv.conf" /etc/resolv.conf
"$WAXSEAL" serve --data "$DATA" --dns 127.0.0.1:53 --admin 127.0.0.1:8053 --https 127.0.0.1:8443 --workers 1 --zones "$FOLDER/zones" >"$FOLDER/log" 2>&1 &
ask() { dig @127.0.0.1 "$@" +short +time=2 +tries=1; }
for TRY in $(seq 200); do ask example SOA | grep -q host && break; sleep 0.1; done
KEY=$("$WAXSEAL" tsig generate k.example --zone example --for update --algorithm hmac-sha1 --data "$DATA" 2>"$FOLDER/key.log")
SECRET=\${KEY##*:}
for TRY in $(seq 50); do
  "$LDNS_UPDATE" new.example example 192.0.2.7 k.example hmac-sha1 "$SECRET" >/dev/null 2>&1 && break
  sleep 0.1
done
echo "added $? $(ask new.example A)"
"$LDNS_UPDATE" new.example example none k.example hmac-sha1 "$SECRET" >/dev/null 2>&1
echo "removed $? $(ask new.example A)"
"$LDNS_UPDATE" new.example example 192.0.2.8 2>&1 | grep -o 'response was .*'
"$LDNS_UPDATE" new.example example 192.0.2.8 k.example hmac-md5 "$SECRET" >/dev/null 2>&1 && echo 'HMAC-MD5 was taken'
echo "left $(ask new.example A)"
grep -o 'set hmac-sha256 at both ends' "$FOLDER/log" | head -1
`;

test('RFC 2136, RFC 8945: ldns-update adds and removes with HMAC-SHA1, and gets nothing without a key or with HMAC-MD5', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'zones'));
  writeFileSync(join(folder, 'zones', 'example.zone'), ZONE);
  writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\n');
  const environment = {
    PATH: process.env['PATH'] ?? '',
    FOLDER: folder,
    DATA: join(folder, 'data'),
    WAXSEAL: join(ROOT, 'waxseal'),
    WAXSEAL_KEYS__KEK_FILE: join(folder, 'keys', 'kek'),
    LDNS_UPDATE: toolPath('ldns-update'),
  };
  const words = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const { stdout, stderr } = await runTool('unshare', [...ALONE, 'env', ...words, 'sh', '-c', SCRIPT], {
    timeoutMs: 150_000,
  });
  expect([stdout.split('\n'), stderr]).toEqual([
    ['added 0 192.0.2.7', 'removed 0 ', 'response was REFUSED', 'left ', 'set hmac-sha256 at both ends', ''],
    expect.any(String),
  ]);
}, 180_000);
