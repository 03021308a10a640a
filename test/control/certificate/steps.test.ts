/** Steps of certificates in the store: all of an installation or nothing of it. */
import { expect, test, vi } from 'vitest';
import { StoreFailure } from '#store/failure.ts';
import { WHOLE } from '#base/place.ts';
import { HOST, ZONE, certificateHouse } from '../../support/acme/certificate-house.ts';

test('a full disk while installing: the certificate in use stays, and the same order is installed when there is space', async () => {
  const made = await certificateHouse();
  await made.want();
  await made.live(60_000);
  const first = made.certificate()!;
  const commit = made.writer.commit.bind(made.writer);
  let isFull = true;
  vi.spyOn(made.writer, 'commit').mockImplementation((write) => {
    const installs = write.documents?.some((each) => each.kind === 'tls-host') ?? false;
    if (isFull && installs) return Promise.reject(new StoreFailure('STORE_FULL', WHOLE, 'no space is left', 'make space'));
    return commit(write);
  });
  await made.want();
  await made.live(5 * 60_000);
  expect(made.certificate()).toEqual(first);
  expect(made.object()).toMatchObject({ stage: 'visible' });
  expect(
    made.control.events
      .after(0, 1000)
      .filter(({ kind }) => kind === 'alert')
      .map(({ event }) => event),
  ).toEqual(['STORE_FULL']);
  isFull = false;
  await made.live(5 * 60_000);
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
