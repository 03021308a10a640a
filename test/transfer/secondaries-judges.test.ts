/** NSD, Knot and BIND follow a signed zone of ours: NOTIFY, signed, announces each change, and they fetch it by IXFR. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { zoneNotifier } from '#control/transfer/notifier.ts';
import { nameOf } from '#dns/name.ts';
import { type Endpoint } from '../support/exchange.ts';
import { type PeerKind } from '../support/peer-kinds.ts';
import { randomOperations } from '../support/random-operations.ts';
import { seededRandom } from '../support/random.ts';
import { startSecondary } from '../support/secondary-peers.ts';
import { MAIL_ZONE_TEXT, TEST_ACTOR, good } from '../support/temporary-control.ts';
import { runTool } from '../support/tools.ts';
import { testKey, transferServer } from '../support/transfer-server.ts';

const ZONE = nameOf('a.test.');
const KEY = testKey('transfer.key.');
const ROUNDS = 12;
const WAIT_MS = 20_000;

/** All records as the server gives them, sorted; the SOA once. */
async function recordsAt({ address, port }: Pick<Endpoint, 'address' | 'port'>, ...how: string[]): Promise<readonly string[]> {
  const argumentList = [
    `@${address}`,
    '-p',
    String(port),
    'a.test',
    'AXFR',
    '+onesoa',
    '+nocomments',
    '+nocmd',
    '+nostats',
    '+time=5',
    ...how,
  ];
  const { stdout } = await runTool('dig', argumentList);
  const lines = stdout.split('\n').filter((line) => line !== '' && !/\sTSIG\s/.test(line));
  // NSD and Knot keep names in lower case (RFC 4343 §3 lets them).
  return lines.map((line) => line.replaceAll(/\s+/g, ' ').replace(/^\S+/, (owner) => owner.toLowerCase())).toSorted();
}

async function serialAt({ address, port }: Endpoint): Promise<number> {
  const { stdout } = await runTool('dig', [`@${address}`, '-p', String(port), 'a.test', 'SOA', '+short', '+time=2']);
  return Number(stdout.split(' ')[2]);
}

test.each(['nsd', 'knot', 'bind'] as const satisfies readonly PeerKind[])(
  '%s follows by IXFR, and has the same zone at the end',
  async (kind) => {
    const server = await transferServer({ keys: [KEY] });
    // So large that its differences are less than the zone.
    await server.load('a.test.', MAIL_ZONE_TEXT + Array.from({ length: 300 }, (_, at) => `h${at} 300 A 192.0.2.1`).join('\n'));
    server.follow();
    const random = seededRandom(11);
    const peer = await startSecondary(kind, { port: server.at.port, zones: ['a.test.'], key: KEY });
    onTestFinished(() => peer.stop());
    const { name, algorithm, secret } = KEY;
    const wanted = { name, algorithm, secret, operations: ['transfer', 'notify'], zones: ['a.test'] } as const;
    good(await server.control.transfer.createKey(wanted, TEST_ACTOR));
    good(await server.run({ kind: 'secondary.add', zone: ZONE, ip: peer.address, port: peer.port, key: name }));
    // The test's own clock stands in January.
    const notifier = zoneNotifier({
      writer: server.writer,
      publisher: server.publisher,
      keys: server.control.transferParts.keys,
      clock: systemClock,
    });
    notifier.start(createLog({ level: 'silent' }));
    onTestFinished(() => notifier.stop());
    for (let round = 0; round < ROUNDS; round++) {
      // Several changes between two notices: one IXFR then has several versions.
      for (let change = 0; change <= round % 3; change++)
        await server.run({ kind: 'rrsets.change', zone: ZONE, operations: randomOperations(random) });
      server.follow();
      const { serial } = server.control.zones.find(ZONE)!;
      for (const until = Date.now() + WAIT_MS; Date.now() < until && (await serialAt(peer)) !== serial;) await delay(20);
      expect(await serialAt(peer)).toBe(serial);
    }
    // RFC 1995 §5: what is missed for long comes as one difference.
    for (let change = 0; change < 60; change++)
      await server.run({ kind: 'rrsets.change', zone: ZONE, operations: randomOperations(random) });
    server.follow();
    const last = server.control.zones.find(ZONE)!.serial;
    for (const until = Date.now() + WAIT_MS; Date.now() < until && (await serialAt(peer)) !== last;) await delay(20);
    expect(server.log.findLast((line) => line.startsWith('transfer.sent'))).toMatch(/^transfer.sent IXFR .condensed/);
    // It is asked whether it has followed, too.
    const { id, serial } = server.control.zones.find(ZONE)!;
    await expect.poll(() => notifier.view(id, peer.address), { timeout: WAIT_MS }).toEqual({ acknowledged: serial, seen: serial });
    const ours = await recordsAt({ address: server.at.ip, port: server.at.port }, '-y', `${KEY.algorithm}:${KEY.name}:${KEY.secret}`);
    expect(await recordsAt(peer)).toEqual(ours);
    const sent = server.log.filter((line) => line.startsWith('transfer.'));
    expect(sent.filter((line) => /^transfer\.sent AXFR/.test(line)).length).toBeLessThanOrEqual(2);
    expect(sent.filter((line) => /^transfer\.sent IXFR/.test(line)).length).toBeGreaterThanOrEqual(ROUNDS / 2);
  },
);
