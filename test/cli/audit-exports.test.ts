/** Exports of the audit log under signed heads: any line that is altered, dropped, moved, added or cut off is found. */
import { createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { auditExport, csvCell } from '#admin/v1/history/audit-export.ts';
import { type SignedAuditHead, readAuditHead } from '#store/audit/signed-head.ts';
import { verifyExports } from '#cli/audit-exports.ts';
import { numberKey } from '#store/schema.ts';
import { type TestControl, type TestControlOptions, good, temporaryControl } from '../support/temporary-control.ts';
import { auditEvent, temporaryFolder } from '../support/temporary-store.ts';
import { run } from '../support/cli-server.ts';

const ENTRIES = 7;

async function bench(options: TestControlOptions = {}) {
  const room = temporaryControl(options);
  const signer = good(await room.control.audit.signer());
  const folder = temporaryFolder();
  for (let at = 1; at < ENTRIES; at++) await room.writer.commit({ audit: auditEvent(`action.${at}`) });
  let files = 0;
  const write = (lines: readonly string[]): string => {
    const path = join(folder, `export-${++files}`);
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
    return path;
  };
  const lines = (after = 0) => textOf(room, after);
  const publicKey = createPublicKey(signer.publicKey);
  const verdict = (...exports: readonly (readonly string[])[]) => verifyExports(exports.map(write), { publicKey });
  const head = async () => good(await room.control.audit.head());
  return { ...room, signer, publicKey, write, lines, verdict, head };

  function textOf({ control }: Pick<TestControl, 'control'>, after: number): readonly string[] {
    const { lines: parts } = auditExport(control.audit, after, 'jsonl', signer);
    return Buffer.concat([...parts])
      .toString()
      .split('\n')
      .slice(0, -1);
  }
}

type Damage = (lines: readonly string[], at: number, other: number, to: string) => readonly string[];

/** What could be done to an export; each takes places and a character at random. */
const DAMAGES: Readonly<Record<string, Damage>> = {
  altered: (lines, at, other, to) => {
    const line = lines[at]!;
    const place = other % line.length;
    return lines.with(at, line.slice(0, place) + to + line.slice(place + 1));
  },
  dropped: (lines, at) => lines.toSpliced(at, 1),
  moved: (lines, at, other) => lines.toSpliced(at, 1).toSpliced(other % (lines.length - 1), 0, lines[at]!),
  exchanged: (lines, at, other) => lines.with(at, lines[other % lines.length]!).with(other % lines.length, lines[at]!),
  'added again': (lines, at, other) => lines.toSpliced(other % (lines.length + 1), 0, lines[at]!),
  'cut off': (lines, at) => lines.slice(0, at),
  'begun later': (lines, at) => lines.slice(at + 1),
};

describe('with the public key alone', () => {
  test('an export is whole, and so are several that overlap or follow each other', async () => {
    const { lines, verdict } = await bench();
    expect(lines()).toHaveLength(ENTRIES + 1);
    expect(await verdict(lines())).toEqual({ whole: true, entries: ENTRIES, from: 1, signed: true });
    expect(await verdict(lines(4), lines())).toEqual({ whole: true, entries: ENTRIES, from: 1, signed: true });
    expect(await verdict(lines(3))).toMatchObject({ whole: true, entries: ENTRIES - 3, from: 4 });
    expect(await verdict([...lines(), ...lines(2)])).toMatchObject({ whole: true, entries: ENTRIES });
  });

  test.each(Object.keys(DAMAGES))('every line that is %s is found', async (name) => {
    const { lines, verdict } = await bench();
    const before = lines();
    const damage = DAMAGES[name]!;
    const places = fc.record({
      at: fc.nat(before.length - 1),
      other: fc.nat(10_000),
      to: fc.constantFrom('0', 'f', ' ', 'x', '"'),
    });
    await fc.assert(
      fc.asyncProperty(places, async ({ at, other, to }) => {
        const after = damage(before, at, other, to);
        fc.pre(after.join('\n') !== before.join('\n'));
        expect(await verdict(after)).toMatchObject({ whole: false });
      }),
      { numRuns: 60 },
    );
  });

  test('RFC 4648 §3.5: a signature in other letters of the same octets is an altered line', async () => {
    const { lines, verdict } = await bench();
    const [head] = lines().slice(-1);
    for (const end of [' ="', '"', 'A=="', '=A"']) {
      const other = head!.replace(/="}$/, `${end}}`);
      expect([end, await verdict(lines().with(-1, other))]).toMatchObject([end, { whole: false }]);
    }
    // The last letter has four bits that mean nothing.
    const unused = head!.replace(
      /(.)=="}$/,
      (_all, letter: string) => `${String.fromCodePoint(letter.codePointAt(0)! + 1)}=="}`,
    );
    expect(unused).not.toBe(head);
    expect(await verdict(lines().with(-1, unused))).toMatchObject({ whole: false });
  });

  test('an export whose head another key signed is not taken', async () => {
    const { lines } = await bench();
    const other = await bench({ random: (bytes) => new Uint8Array(bytes).fill(7) });
    expect(await other.verdict(lines())).toMatchObject({
      whole: false,
      why: expect.stringContaining('was not signed by this key'),
    });
  });

  test('a log that was changed in the store is exported without a head', async () => {
    const { lines, writer, verdict } = await bench();
    const { audit } = writer.inspect().environment.db;
    audit.putSync(
      numberKey(3),
      Buffer.from(
        Buffer.from(audit.get(numberKey(3))!)
          .toString('latin1')
          .replace('action.2', 'action.9'),
        'latin1',
      ),
    );
    expect(lines()).toHaveLength(ENTRIES);
    expect(await verdict(lines())).toMatchObject({ whole: false });
  });
});

describe('with a head that was given away', () => {
  test('a log that was cut off afterwards, with a good head of its own, is found', async () => {
    const { lines, writer, publicKey, write, head } = await bench();
    const early = lines();
    await writer.commit({ audit: auditEvent('the trace') });
    const given = await head();
    const verdict = (exported: readonly string[], heads: readonly SignedAuditHead[]) =>
      verifyExports([write(exported)], { publicKey, heads });
    expect(await verdict(lines(), [given])).toMatchObject({ whole: true });
    expect(await verdict(early, [])).toMatchObject({ whole: true });
    expect(await verdict(early, [given])).toMatchObject({
      whole: false,
      brokenAt: ENTRIES + 1,
      why: expect.stringMatching('cut off'),
    });
    expect(await verdict(lines(), [{ ...given, sequence: 3 }])).toMatchObject({ whole: false });
  });

  test('it is an event and a line of the log, when there is a new entry', async () => {
    const { control, writer } = await bench();
    const events = () => control.events.after(0, 100).filter(({ kind }) => kind === 'audit');
    await control.auditParts.heads.give();
    await control.auditParts.heads.give();
    expect(events()).toHaveLength(1);
    expect(readAuditHead(JSON.parse(events()[0]!.text))).toMatchObject({ sequence: ENTRIES, from: 1 });
    await writer.commit({ audit: auditEvent('more') });
    await control.auditParts.heads.give();
    expect(events()).toHaveLength(2);
  });

  test('none is given of a log whose end was changed in the store', async () => {
    const { control, writer } = await bench();
    const { meta } = writer.inspect().environment.db;
    const { textKey, META } = await import('#store/schema.ts');
    const stored = JSON.parse(meta.get(textKey(META.AUDIT_HEAD))!.toString()) as { sequence: number };
    meta.putSync(textKey(META.AUDIT_HEAD), Buffer.from(JSON.stringify({ ...stored, sequence: 2 })));
    expect(await control.audit.head()).toMatchObject({ ok: false, problems: [{ code: 'AUDIT_BROKEN' }] });
  });
});

describe('the command', () => {
  test('takes the key as PEM, and heads as documents or lines of a log', async () => {
    const { lines, write, signer, head, writer } = await bench();
    const [file, key] = [write(lines()), write(signer.publicKey.trim().split('\n'))];
    const log = JSON.stringify({ level: 'info', event: 'audit.head', head: await head() });
    const heads = write(['another line', log]);
    const done = await run(['audit', 'verify', file, '--key', key, '--head', heads]);
    expect(done).toMatchObject({ exit: 0, out: `${ENTRIES} entries from 1 on, all in order, under signed heads\n` });
    expect(await run(['audit', 'verify', file, '--head', heads])).toMatchObject({ exit: 2 });
    // A log has many heads: each counts, the newest too.
    const before = lines().slice(0, ENTRIES);
    await writer.commit({ audit: auditEvent('one more') });
    const two = write([log, JSON.stringify({ level: 'info', event: 'audit.head', head: await head() })]);
    const short = await run(['audit', 'verify', write([...before, ...lines().slice(-1)]), '--key', key, '--head', two]);
    expect(short.exit).toBe(6);
    const cut = write(lines().slice(0, 4));
    expect(await run(['audit', 'verify', cut])).toMatchObject({ exit: 0 });
    const found = await run(['audit', 'verify', cut, '--key', key]);
    expect(found).toMatchObject({
      exit: 6,
      err: expect.stringContaining('no signed head stands after its last entry'),
    });
  });
});

test('a cell of CSV is never a formula', () => {
  const first = fc.constantFrom('=', '+', '-', '@', '\t', '|', '%');
  fc.assert(
    fc.property(first, fc.string(), (begin, rest) => {
      const cell = csvCell(begin + rest);
      expect(cell.startsWith(`"'`)).toBe(true);
      expect(cell.slice(2, -1).replaceAll('""', '"')).toBe(begin + rest);
    }),
  );
});
