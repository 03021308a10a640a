/** Exported audit entries, checked without a server: SHA-256 as sha256sum has it, over one file and over several. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AUDIT_REMOVAL } from '#store/audit/chain.ts';
import { run } from '../support/cli-server.ts';
import { auditEvent, temporaryStore } from '../support/temporary-store.ts';

function folder(): (name: string, lines: readonly string[]) => string {
  const path = mkdtempSync(join(tmpdir(), 'waxseal-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return (name, lines) => {
    writeFileSync(join(path, name), lines.map((line) => `${line}\n`).join(''));
    return join(path, name);
  };
}

/** Lines exported before and after entries 1 to 4 of 6 were removed. */
async function exports(): Promise<{ readonly before: readonly string[]; readonly after: readonly string[] }> {
  const { writer } = temporaryStore();
  const lines = () => writer.auditText(0, 100).map(({ json }) => json);
  for (let at = 0; at < 6; at++) await writer.commit({ audit: auditEvent(`action.${at}`) });
  const before = lines();
  await writer.commit({ audit: auditEvent(AUDIT_REMOVAL), auditThrough: 4 });
  await writer.commit({ audit: auditEvent('later') });
  return { before, after: lines() };
}

describe('audit verify FILE', () => {
  test('a line is named by the next one, as sha256sum counts', async () => {
    const { before } = await exports();
    const sum = execFileSync('sha256sum', { input: before[1]! }).toString().slice(0, 64);
    expect(JSON.parse(before[2]!)).toMatchObject({ previous: sum });
  });

  test('an export from before a removal joins one from after it, in any order, also where they overlap', async () => {
    const write = folder();
    const { before, after } = await exports();
    const [old, young] = [write('old', before), write('young', after)];
    expect(await run(['audit', 'verify', young])).toMatchObject({ exit: 0, out: '4 entries from 5 on, all in order\n' });
    expect(await run(['audit', 'verify', young, old])).toMatchObject({ exit: 0, out: '8 entries from 1 on, all in order\n' });
    const cut = write('cut', before.slice(0, 4));
    expect(await run(['audit', 'verify', cut, young])).toMatchObject({ exit: 0, out: '8 entries from 1 on, all in order\n' });
    const json = await run(['audit', 'verify', cut, young, '--json']);
    expect(JSON.parse(json.out)).toEqual({ whole: true, entries: 8, from: 1 });
  });

  test('a changed, missing or foreign line is found: exit code 6', async () => {
    const write = folder();
    const { before, after } = await exports();
    const young = write('young', after);
    const changed = write('changed', before.with(1, before[1]!.replace('action.1', 'action.9')));
    expect(await run(['audit', 'verify', changed])).toMatchObject({ exit: 6, err: expect.stringContaining('from entry 3 on') });
    const last = write('last', before.slice(0, 4).with(3, before[3]!.replace('action.3', 'action.9')));
    expect((await run(['audit', 'verify', last])).exit).toBe(0);
    expect(await run(['audit', 'verify', last, young])).toMatchObject({ exit: 6, err: expect.stringContaining('from entry 5 on') });
    const short = write('short', before.slice(0, 3));
    expect(await run(['audit', 'verify', short, young])).toMatchObject({ exit: 6, err: expect.stringContaining('entry 4 is missing') });
    const other = write('other', before.with(5, before[5]!.replace('action.5', 'action.9')));
    expect(await run(['audit', 'verify', other, young])).toMatchObject({ exit: 6, err: expect.stringContaining('different entries') });
    expect(await run(['audit', 'verify', write('text', ['hello'])])).toMatchObject({
      exit: 6,
      err: expect.stringContaining('no audit entry'),
    });
  });

  test('files without entries prove nothing: exit code 6', async () => {
    const empty = folder()('empty', []);
    expect(await run(['audit', 'verify', empty])).toMatchObject({ exit: 6, err: expect.stringContaining('have no entries') });
  });

  test('a file that is not there is said', async () => {
    expect(await run(['audit', 'verify', '/nowhere/file'])).toMatchObject({ exit: 1, err: expect.stringContaining('/nowhere/file') });
  });
});
