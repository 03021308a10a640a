/** The audit entry of a change: before and after, bounded, and nothing secret. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('example.com.');
const TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\nwww 60 A 192.0.2.7\n';
const ACTOR = {
  kind: 'token',
  id: 't1',
  from: '192.0.2.9',
  owner: 'mary',
  role: 'limited',
  transport: 'https',
} as const;

async function bench() {
  const room = temporaryControl();
  await room.load('example.com.', TEXT);
  const last = () => room.writer.audit(1)[0]!;
  const { control, writer, clock } = room;
  const run = (...asked: Parameters<typeof room.run>) => room.run(...asked);
  return { control, writer, clock, run, last };
}

describe('of records', () => {
  test('before and after stand there, without RRSIG, NSEC and a SOA that differs in its serial alone', async () => {
    const { run, last, clock } = await bench();
    const set = { op: 'set', name: 'www', type: 'A', ttl: 60, records: ['192.0.2.8'] } as const;
    const actor = { ...ACTOR, reason: 'the host moved – see OPS-7' };
    good(await run({ kind: 'rrsets.change', zone: ZONE, operations: [set] }, { actor }));
    expect(last()).toMatchObject({
      version: 2,
      atMs: clock.nowMs(),
      actor: ACTOR,
      action: 'rrsets.change',
      zone: 'example.com.',
      reason: 'the host moved – see OPS-7',
      changes: [
        {
          zone: 'example.com.',
          fromSerial: 10,
          toSerial: 11,
          before: ['www.example.com. 60 IN A 192.0.2.7'],
          after: ['www.example.com. 60 IN A 192.0.2.8'],
        },
      ],
    });
    expect(last().actor).not.toHaveProperty('reason');
    expect(last().countedMs).toBe(clock.nowMs());
  });

  test('a SOA that differs in more is there', async () => {
    const { run, last } = await bench();
    const soa = 'ns1 host 10 7200 900 1209600 60';
    const set = { op: 'set', name: '@', type: 'SOA', ttl: 3600, records: [soa] } as const;
    good(await run({ kind: 'rrsets.change', zone: ZONE, operations: [set] }));
    expect(last().changes![0]!.after).toEqual([expect.stringContaining(' 1209600 60')]);
  });

  test('what is too long is its digest, that of the changeset in the journal, with its size', async () => {
    const { run, last, writer } = await bench();
    const records = Array.from({ length: 200 }, (_, at) => `192.0.2.${at}`);
    const operations = [{ op: 'set', name: 'many', type: 'A', ttl: 60, records }] as const;
    good(await run({ kind: 'rrsets.change', zone: ZONE, operations }));
    const [change] = last().changes!;
    const { changeset } = writer.journal(writer.zoneByName(ZONE)!.id, 1)[0]!;
    const sha256 = createHash('sha256').update(changeset!).digest('hex');
    expect(change).toMatchObject({ omitted: { before: 0, after: 200, sizeBytes: changeset!.length, sha256 } });
    expect(change).not.toHaveProperty('after');
  });
});

describe('of what is no record', () => {
  test('a token is there with its rights, before it goes and after it came, and never its hash or secret', async () => {
    const { control, last, writer } = await bench();
    const made = good(
      await control.tokens.create({ name: 'deploy', scopes: ['zone:example.com.'], owner: 'mary' }, ACTOR),
    );
    expect(last().objects).toMatchObject([
      { kind: 'token', id: made.info.id, after: { name: 'deploy', owner: 'mary' } },
    ]);
    await control.tokens.revoke(made.info.id, ACTOR);
    expect(last().objects).toMatchObject([
      { kind: 'token', id: made.info.id, before: { scopes: ['zone:example.com.'] } },
    ]);
    const all = writer.auditText(0, 100).map(({ json }) => json);
    expect(all.join('\n')).not.toContain(made.secret.split('_')[2]!);
    expect(all.join('\n')).not.toContain('hash');
  });

  test('a mail policy is there before and after; the private key of DKIM that it led to is not', async () => {
    const { run, writer } = await bench();
    const policy = (value: string) => ({ dmarc: { policy: value }, dkim: { signers: ['mx1'] } }) as const;
    good(await run({ kind: 'mail.apply', zone: ZONE, policy: policy('none') }));
    good(await run({ kind: 'mail.apply', zone: ZONE, policy: policy('quarantine') }));
    const entry = writer
      .audit(5)
      .find(({ action, objects = [] }) => action === 'mail.apply' && objects[0]?.before !== undefined)!;
    expect(entry.objects).toMatchObject([
      { kind: 'mail', id: 'policy', before: policy('none'), after: policy('quarantine') },
    ]);
    const all = writer
      .auditText(0, 100)
      .map(({ json }) => json)
      .join('\n');
    expect(all).not.toMatch(/PRIVATE|pkcs8|privateKey/i);
  });
});
