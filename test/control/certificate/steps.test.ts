/** Steps of certificates in the store: all of an installation or nothing of it. */
import { expect, test } from 'vitest';
import { HOST, ZONE, certificateHouse } from '../../support/acme/certificate-house.ts';
import { fullFor, installsCertificate } from '../../support/full-store.ts';

/** A host with a certificate, whose next one the disk has no space for. */
async function fullHouse() {
  const made = await certificateHouse();
  await made.want();
  await made.live(60_000);
  const first = made.certificate()!;
  const disk = { isFull: true };
  fullFor(made.writer, (write) => disk.isFull && installsCertificate(write));
  await made.want();
  await made.live(5 * 60_000);
  expect(made.certificate()).toEqual(first);
  expect(made.object()).toMatchObject({ stage: 'visible' });
  return { made, first, disk };
}

test('a full disk while installing: the certificate in use stays, and the same order is installed when there is space', async () => {
  const { made, first, disk } = await fullHouse();
  expect(
    made.control.events
      .after(0, 1000)
      .filter(({ kind }) => kind === 'alert')
      .map(({ event }) => event),
  ).toEqual(['STORE_FULL']);
  disk.isFull = false;
  await made.live(5 * 60_000);
  expect(made.certificate()!.keyVersion).toBeGreaterThan(first.keyVersion);
  expect(made.ca.orders.filter(({ host }) => host === HOST)).toHaveLength(2);
  expect(made.view()).not.toHaveProperty('failure');
});

test('a full disk while installing: it is shown what is wrong, since when, when it is tried again, what to do', async () => {
  const { made, first } = await fullHouse();
  const nowMs = made.clock.nowMs();
  const { failure, lines, ...view } = made.view()!;
  expect(view).toMatchObject({ stage: 'in-use', served: first, coming: 'visible' });
  expect(failure).toMatchObject({
    code: 'STORE_FULL',
    message: 'no space is left',
    fix: `make room on that file system; it is tried again by itself, and at once with: waxseal cert renew ${HOST}`,
  });
  expect(failure!.sinceMs).toBeLessThan(nowMs - 4 * 60_000);
  expect(failure!.retryAtMs).toBeGreaterThan(nowMs - 1);
  expect(failure!.retryAtMs).toBeLessThanOrEqual(nowMs + 60_000);
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}no space is left; tried again 2026-01-01 \d\d:\d\d UTC$/));
});

test('a full disk while installing: an order by hand is tried at once, not when the next try is due', async () => {
  const { made, first, disk } = await fullHouse();
  disk.isFull = false;
  await made.want();
  await made.live(1000);
  expect(made.certificate()!.keyVersion).toBeGreaterThan(first.keyVersion);
  expect(made.ca.orders.filter(({ host }) => host === HOST)).toHaveLength(2);
});

test('an order whose object goes while the CA is asked leaves no key behind', async () => {
  const made = await certificateHouse();
  await made.want();
  const { transport } = made.ca;
  let isGone = false;
  made.ca.transport = async (request) => {
    const reply = await transport(request);
    if (request.url.endsWith('/new-order') && !isGone) {
      isGone = true;
      await made.run({ kind: 'certificate.unwant', zone: ZONE, host: HOST });
    }
    return reply;
  };
  await made.live(60_000);
  expect(isGone).toBe(true);
  expect(made.writer.sealedSecret(made.writer.zoneByName(ZONE)!.id, `acme-order/${HOST}`)).toBeUndefined();
  expect(made.state()!.lifecycle.objects).toEqual([]);
});
