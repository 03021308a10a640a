/**
 * Fair turns of TCP connections, on counts: what is answered of clients that ask without end and never read, while another client
 * gets its answers.
 */
import { setImmediate as nextRound } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { TCP_TURNS_PER_ROUND, TCP_TURN_ANSWER_BYTES, TCP_TURN_BYTES } from '#base/limits/server.ts';
import { startWorkerListeners, type WorkerListeners } from '#server/listen.ts';
import { type QueryResponder } from '#server/listener.ts';
import { TCP_LIMITS } from '#server/tcp/table.ts';
import { TcpTurns } from '#server/tcp/turns.ts';
import { framed, idOf, simpleQuery, TcpClient } from '../../support/dns-client.ts';
import { echoResponder, freeAddress, testCounters } from '../fixtures/echo.ts';
import { CARRIERS } from '../fixtures/carriers.ts';

describe.each(CARRIERS)('%s', (_kind, carrierFor) => {
  const open: { listeners: WorkerListeners[]; clients: TcpClient[] } = { listeners: [], clients: [] };

  afterEach(async () => {
    for (const each of open.clients) each.destroy();
    await Promise.all(open.listeners.map((each) => each.close(0)));
    open.clients = [];
    open.listeners = [];
  });

  /** A server whose answers have `bytes`; `answered` says how many queries were answered with an id above `honest`. */
  async function serve(bytes: number, honest: number) {
    const echo = echoResponder(bytes);
    const count = { greedy: 0 };
    const responder: QueryResponder = {
      ...echo,
      respond(query, length, out, transport, client) {
        if (idOf(Buffer.from(query.subarray(0, length))) > honest) count.greedy += 1;
        return echo.respond(query, length, out, transport, client);
      },
    };
    const addresses = [await freeAddress('127.0.0.1')];
    const listeners = await startWorkerListeners({
      responder,
      addresses,
      tcp: carrierFor(addresses),
      counters: testCounters().row,
      tcpLimits: { ...TCP_LIMITS, connections: 1000, connectionsPerClient: 1000, blockedConnections: 1000 },
    });
    open.listeners.push(listeners);
    const at = listeners.addresses[0]!;
    const client = async (reading: boolean) => {
      const made = await TcpClient.open(at, { reading });
      open.clients.push(made);
      return made;
    };
    return { count, client };
  }

  const QUERY_BYTES = framed(simpleQuery(1)).length;

  describe('clients that never read', () => {
    test('100 that ask without end do not hold up one that asks once and again', async () => {
      const GREEDY = 100;
      const EACH = 3000;
      const HONEST = 20;
      const { count, client } = await serve(12, HONEST);
      const blob = Buffer.concat(Array.from({ length: EACH }, () => framed(simpleQuery(1000))));
      const greedy = await Promise.all(Array.from({ length: GREEDY }, () => client(false)));
      for (const each of greedy) each.send(blob);
      while (count.greedy === 0) await nextRound();
      const before = count.greedy;
      for (let id = 1; id <= HONEST; id++) {
        const one = await client(true);
        one.send(framed(simpleQuery(id)));
        expect((await one.receive(1)).map(idOf)).toEqual([id]);
      }
      // A turn of each of the hundred in each of the rounds that a question takes would be all of them.
      expect(count.greedy - before).toBeLessThan((GREEDY * EACH) / 3);
      while (count.greedy < GREEDY * EACH) await nextRound();
    });

    test('one turn ends after some octets of answers, in the middle of a read too, and nothing is lost or out of order', async () => {
      const BYTES = 20_000;
      const { count, client } = await serve(BYTES, 0);
      const one = await client(true);
      const total = 3 * Math.floor(TCP_TURN_BYTES / QUERY_BYTES);
      one.send(Buffer.concat(Array.from({ length: total }, (_, at) => framed(simpleQuery(at + 1)))));
      let most = 0;
      for (let before = 0; before < total;) {
        await nextRound();
        most = Math.max(most, count.greedy - before);
        before = count.greedy;
      }
      const perTurn = Math.ceil(TCP_TURN_ANSWER_BYTES / BYTES);
      // Between two of our own turns there may be two rounds and what came in between.
      expect(most).toBeLessThanOrEqual((2 * TCP_TURNS_PER_ROUND + 2) * perTurn);
      expect((await one.receive(total)).map(idOf)).toEqual(Array.from({ length: total }, (_, at) => at + 1));
    });

    test('RFC 7766 §6.2.4: a client that ends its side in the middle of a turn gets all its answers', async () => {
      const { client } = await serve(20_000, 0);
      const one = await client(true);
      one.socket.end(Buffer.concat(Array.from({ length: 60 }, (_, at) => framed(simpleQuery(at + 1)))));
      expect((await one.receive(60)).map(idOf)).toEqual(Array.from({ length: 60 }, (_, at) => at + 1));
    });
  });
});

describe('the queue of turns', () => {
  test('serves a few in each round, in their order, and each once', async () => {
    const turns = new TcpTurns();
    const served: number[] = [];
    const all = Array.from({ length: 3 * TCP_TURNS_PER_ROUND }, (_, at) => () => void served.push(at));
    for (const each of [...all, all[0]!]) turns.add(each);
    turns.delete(all[1]!);
    expect(served).toEqual([]);
    await nextRound();
    expect(served).toHaveLength(TCP_TURNS_PER_ROUND);
    for (let round = 0; round < 4; round++) await nextRound();
    expect(served).toEqual(all.map((_, at) => at).filter((at) => at !== 1));
  });

  test('one that asks again has its turn behind the others', async () => {
    const turns = new TcpTurns();
    const served: string[] = [];
    let left = 3;
    const busy = () => {
      served.push('busy');
      if (--left > 0) turns.add(busy);
    };
    turns.add(busy);
    for (let each = 0; each < 6; each++) turns.add(() => served.push(String(each)));
    for (let round = 0; round < 5; round++) await nextRound();
    expect(served.slice(0, 2)).toEqual(['busy', '0']);
    expect(served.indexOf('busy', 1)).toBe(7);
  });
});
