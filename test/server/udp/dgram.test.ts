/** What only node:dgram can meet; the rest is in choose.test.ts. */
import { expect, onTestFinished, test } from 'vitest';
import { openUdp } from '#server/udp/dgram.ts';
import { idOf, simpleQuery, udpQuery } from '../../support/dns-client.ts';
import { echoResponder, freeAddress, testCounters } from '../fixtures/echo.ts';

test('an answer longer than a datagram can be is an error that is counted, and the next query is answered', async () => {
  const at = await freeAddress();
  const { row, count } = testCounters();
  const listener = await openUdp([at], { respond: (...query) => (idOf(query[0]) === 1 ? 65_535 : echoResponder().respond(...query)) }, row);
  onTestFinished(() => listener.close(100));
  expect(await udpQuery(at, simpleQuery(1), 200)).toBeUndefined();
  expect(count('udpSendErrors')).toBe(1);
  expect(idOf((await udpQuery(at, simpleQuery(2)))!)).toBe(2);
});
