/** Refused attempts in the audit log: an entry for each of the first, a count for a flood, one sender's share. */
import { expect, test } from 'vitest';
import { AUDIT_REFUSED_ENTRIES_MAX, AUDIT_REFUSED_SENDERS_MAX } from '#base/limits/store.ts';
import { HOUR_MS } from '#base/units.ts';
import { ok } from '#base/problem.ts';
import { type AuditEvent } from '#store/audit/entries.ts';
import { Attempts } from '#control/audit/attempts.ts';
import { type Decide } from '#control/funnel/group.ts';
import { type RefusedAttempt } from '#control/api/control.ts';
import { temporaryControl } from '../../support/temporary-control.ts';

const attempt = (id: string, kind: 'token' | 'unknown' = 'token'): RefusedAttempt => ({
  actor: { kind, id, from: '192.0.2.9', owner: 'mary', role: 'limited', transport: 'http', reason: 'ticket 7' },
  what: 'PUT /v1/zones/{zone}/zonefile',
  zone: 'example.com',
  codes: ['AUTH_SCOPE'],
  text: '403 this token may not',
});

function bench() {
  const room = temporaryControl();
  const { audit } = room.control;
  const { attempts } = room.control.auditParts;
  const refused = async () => {
    await attempts.writeCounts();
    await new Promise((resolve) => setImmediate(resolve));
    return room.writer.audit(1_000).filter(({ outcome }) => outcome === 'refused');
  };
  return { ...room, attempts, audit, refused };
}

test('a refused attempt says who, from where, what, why and what stood against it', async () => {
  const { audit, refused } = bench();
  audit.refused(attempt('t1'));
  await expect.poll(refused).toMatchObject([
    {
      version: 2,
      action: 'refused',
      actor: { kind: 'token', id: 't1', from: '192.0.2.9', owner: 'mary', role: 'limited', transport: 'http' },
      zone: 'example.com',
      detail: 'PUT /v1/zones/{zone}/zonefile: 403 this token may not',
      reason: 'ticket 7',
      codes: ['AUTH_SCOPE'],
      countedMs: expect.any(Number) as number,
    },
  ]);
});

test('a flood of one token has some entries and then one count an hour; that of another token is not in it', async () => {
  const { audit, refused, clock, writer } = bench();
  for (let each = 0; each < 500; each++) audit.refused(attempt('t1'));
  audit.refused(attempt('t2'));
  await expect.poll(async () => (await refused()).length).toBe(AUDIT_REFUSED_ENTRIES_MAX + 1);
  clock.pass(HOUR_MS);
  const entries = await refused();
  expect(entries).toHaveLength(AUDIT_REFUSED_ENTRIES_MAX + 2);
  expect(entries[0]).toMatchObject({ actor: { id: 't1' }, count: 500 - AUDIT_REFUSED_ENTRIES_MAX });
  expect(entries[0]!.detail).toMatch(/^490 more since .*: 490 × PUT \/v1\/zones\/\{zone\}\/zonefile AUTH_SCOPE$/);
  expect(writer.verifyAudit().brokenAt).toBeUndefined();
});

test('strangers share one count, whatever they call themselves', async () => {
  const { audit, refused, clock } = bench();
  for (let each = 0; each < 300; each++) audit.refused(attempt(`claimed${each}`, 'unknown'));
  await expect.poll(async () => (await refused()).length).toBe(AUDIT_REFUSED_ENTRIES_MAX);
  clock.pass(HOUR_MS);
  expect((await refused())[0]).toMatchObject({ actor: { kind: 'unknown' }, count: 300 - AUDIT_REFUSED_ENTRIES_MAX });
});

test('more senders than are told apart share the last count', async () => {
  const events: AuditEvent[] = [];
  const funnel = {
    change: (_turn: unknown, decide: Decide) => {
      const decided = decide();
      if (!(decided instanceof Promise) && decided.ok) events.push(decided.value.audit!);
      return Promise.resolve(ok({ decision: { isChanged: true }, parts: [], changed: true }));
    },
  };
  const attempts = new Attempts({ funnel, clock: { nowMs: () => 0 }, time: { nowMs: () => 0 } });
  const each = AUDIT_REFUSED_ENTRIES_MAX + 1;
  for (let sender = 0; sender < AUDIT_REFUSED_SENDERS_MAX + 50; sender++)
    for (let again = 0; again < each; again++) attempts.note(attempt(`t${sender}`));
  await attempts.stop();
  const counts = events.filter(({ actor, count }) => actor.id === 'others' && count !== undefined);
  expect(counts.map(({ count }) => count)).toEqual([50 * each - AUDIT_REFUSED_ENTRIES_MAX]);
});

test('a text that would forge a line is shown, and a long one is cut with its length', async () => {
  const { audit, refused } = bench();
  audit.refused({ ...attempt('t1'), zone: 'a\u001b[2J', text: `x${'y'.repeat(9_000)}` });
  await expect.poll(async () => (await refused()).length).toBe(1);
  const [entry] = await refused();
  expect(entry!.zone).toBe('a\\x1b[2J');
  expect(entry!.detail).toMatch(/… \(9001 characters\)$/);
});

test('counts are written when the server stops', async () => {
  const { audit, refused, attempts } = bench();
  for (let each = 0; each < 12; each++) audit.refused(attempt('t1'));
  await attempts.stop();
  expect((await refused())[0]).toMatchObject({ count: 2 });
});
