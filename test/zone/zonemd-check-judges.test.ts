/** RFC 8976: files that ldns has digested are taken, and no other; Knot takes what is digested here. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { allNodes } from '#zone/zone.ts';
import { dig } from '../support/dig.ts';
import { startConfigured } from '../support/peers.ts';
import { bad, good, temporaryControl } from '../support/temporary-control.ts';
import { temporaryFolder } from '../support/temporary-store.ts';
import { toolPath } from '../support/tools.ts';

const PLAIN = `$TTL 300
@ SOA ns host 7 3600 600 86400 300
@ NS ns
ns A 192.0.2.1
*.w TXT "x"
sub NS ns.sub
ns.sub A 192.0.2.3
`;

/** What ldns makes of it, with a digest. */
function byLdns(folder: string, words: readonly string[]): string {
  writeFileSync(join(folder, 'plain'), `$ORIGIN pre.example.\n${PLAIN}`);
  execFileSync(toolPath('ldns-keygen'), ['-a', 'ECDSAP256SHA256', '-k', 'pre.example.'], { cwd: folder });
  const key = readdirSync(folder).find((each) => each.endsWith('.key'))!;
  const names = ['-o', 'pre.example.', '-f', 'signed', 'plain', key.slice(0, -'.key'.length)];
  execFileSync(toolPath('ldns-signzone'), [...words, ...names], { cwd: folder });
  return readFileSync(join(folder, 'signed'), 'utf8');
}

describe('imported', () => {
  const run = async (text: string, presigned: boolean) => {
    const room = temporaryControl({ nowMs: Date.now() });
    return room.run({
      kind: 'zone.import',
      zone: nameOf('pre.example.'),
      text,
      file: 'pre.zone',
      dnssec: true,
      presigned,
    });
  };

  test.each([
    ['NSEC, SHA-384', ['-z', 'simple:sha384']],
    ['NSEC3, SHA-512', ['-n', '-z', 'simple:sha512']],
  ])(
    'a zone that ldns has signed, %s: whole as pre-signed and as ordinary, not at all when glue was changed',
    async (_, words) => {
      const text = byLdns(temporaryFolder(), words);
      expect(text).toMatch(/\tZONEMD\t7 1 [12] /);
      for (const presigned of [true, false]) {
        const { warnings } = good(await run(text, presigned));
        expect(warnings.filter(({ code }) => code === 'ZONEMD_MISMATCH')).toEqual([]);
        // Nothing signs glue: only the digest notices.
        const forged = text.replace('192.0.2.3', '192.0.2.4');
        expect(bad(await run(forged, presigned)).map(({ code, at }) => [code, at.kind])).toContainEqual([
          'ZONEMD_MISMATCH',
          'file',
        ]);
      }
    },
  );
});

test('Knot serves zones with the digests that are made here, and none whose glue was changed', async () => {
  const room = temporaryControl({ nowMs: Date.now() });
  const folder = temporaryFolder();
  const files: { name: string; file: string }[] = [];
  for (const [label, denial, zonemd] of [
    ['a', 'nsec', 'sha384'],
    ['b', 'nsec3', 'sha512'],
    ['forged', 'nsec', 'sha384'],
  ] as const) {
    const name = `${label}.knot.example.`;
    await room.load(name, PLAIN);
    good(await room.run({ kind: 'zone.denial', zone: nameOf(name), denial }));
    good(await room.run({ kind: 'zone.zonemd', zone: nameOf(name), zonemd }));
    const view = room.writer.view(room.writer.zoneByName(nameOf(name))!);
    const text = [...formatZoneFile(allNodes(view), { signed: true })].join('');
    const file = join(folder, label);
    writeFileSync(file, label === 'forged' ? text.replace('192.0.2.3', '192.0.2.4') : text);
    files.push({ name, file });
  }
  const knot = await startConfigured('knot', files.slice(0, 2), (directory, port) => {
    const zones = files.map(({ name, file }) => `  - domain: "${name}"\n    file: "${file}"\n`).join('');
    return `server:
  rundir: "${directory}"
  listen: 127.0.0.1@${port}
log:
  - target: stderr
    any: info
control:
  listen: "${directory}/knot.sock"
database:
  storage: "${directory}/db"
template:
  - id: default
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
    zonemd-verify: on
zone:
${zones}`;
  });
  onTestFinished(() => knot.stop());
  const statusOf = async (name: string) => (await dig(knot, [name, 'SOA'])).status;
  expect(await Promise.all(files.map(({ name }) => statusOf(name)))).toEqual(['NOERROR', 'NOERROR', 'SERVFAIL']);
  expect(knot.log()).toMatch(/forged\.knot\.example.*ZONEMD|ZONEMD.*forged/i);
}, 60_000);
