/** Certificates as due work: a process that dies at any moment continues the order it had. */
import { expect, test } from 'vitest';
import { AcmeSilence } from '#control/certificate/acme-request.ts';
import { HOST, TEST_NOW_MS, ZONE, certificateHouse } from '../../support/acme/certificate-house.ts';

test('begin finds the zones whose hosts want certificates, and those that want none any more', async () => {
  const made = await certificateHouse();
  const source = made.control.lifecycles.sources.find(({ name }) => name === 'certificate')!;
  await source.begin!();
  expect(source.due(Number.MAX_SAFE_INTEGER - 1, 10)).toEqual([]);
  await made.want();
  expect(source.due(Number.MAX_SAFE_INTEGER - 1, 10)).toHaveLength(1);
});

test('a process that dies after any request continues with the same account, order and key; the end is the same', async () => {
  const undisturbed = await certificateHouse();
  await undisturbed.want();
  await undisturbed.live(60_000);
  const requests = undisturbed.ca.asked.length;
  expect(requests).toBeGreaterThan(8);
  for (let last = 1; last <= requests; last++) {
    const before = await certificateHouse();
    await before.want();
    const { ca } = before;
    const { transport } = ca;
    // The CA does what it was asked; the process hears nothing of it and dies.
    let isDead = false;
    ca.transport = async (request) => {
      if (isDead) throw new AcmeSilence('dead');
      const reply = await transport(request);
      if (ca.asked.length < last) return reply;
      isDead = true;
      throw new AcmeSilence('dead');
    };
    await before.live(1);
    await before.writer.close();
    ca.transport = transport;
    const after = await certificateHouse({ in: before.dir, nowMs: TEST_NOW_MS + 3_600_000, given: ca });
    await after.live(2 * 3_600_000);
    expect(after.object(), `dead after request ${last}`).toMatchObject({ stage: 'in-use' });
    expect(after.state()!.published).toEqual([]);
    expect(ca.accounts.size).toBe(1);
    // Only the answer to a new order that got lost leaves an order behind, which nobody continues.
    expect(ca.orders.filter(({ status }) => status !== 'pending').map(({ status }) => status)).toEqual(['valid']);
    expect(ca.orders.length).toBeLessThanOrEqual(2);
    await after.writer.close();
  }
});

test('a zone without hosts costs nothing: no document is written', async () => {
  const made = await certificateHouse();
  await made.live(86_400_000);
  expect(made.state()).toBeUndefined();
  expect(made.writer.documentIds(made.writer.zoneByName(ZONE)!.id, 'certificates')).toEqual([]);
  expect(made.certificate(HOST)).toBeUndefined();
});
