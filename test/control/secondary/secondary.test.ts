/** The parts that keep zones from primaries, put together as the control process has them. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { MAIL_ZONE_TEXT, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('a.test.');

test('NOTIFY of a zone from primaries is a reason to look; one of another zone, or of none, has no effect', async () => {
  const room = temporaryControl();
  await room.load('kept.test.', MAIL_ZONE_TEXT);
  const primaries = [{ ip: '192.0.2.1', port: 53 }];
  good(await room.run({ kind: 'secondary.create', zone: ZONE, primaries, isSigning: false }));
  const { keeper } = room.control.transferParts;
  const notify = room.control.notifyFollowers.get(TYPE.SOA)!;
  for (const zone of ['kept.test.', 'none.test.']) notify(nameOf(zone), '192.0.2.1');
  expect(keeper.counts.notified).toBe(0);
  notify(ZONE, '192.0.2.1');
  expect(keeper.counts.notified).toBe(1);
});
