import { fork } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { formatIpPort, type IpPort } from '#base/address.ts';
import { readIpcMessage } from '#base/ipc/form.ts';
import { type IpcMessage, type TcpKind, type UdpKind, type WorkerState } from '#base/ipc/messages.ts';
import { TYPE } from '#dns/types.ts';
import { NODE } from '#store/node-codec.ts';
import { openWriter, type StoreWriter } from '#store/writer.ts';
import { eventually, framed, simpleQuery, TcpClient, udpQuery } from '../support/dns-client.ts';
import { auditEvent, nodeWrite, temporaryFolder, writerOptions, zoneRecord } from '../support/temporary-store.ts';
import { freeAddress } from '../server/fixtures/echo.ts';

/** The real answer process on the store in `dir`, told what a supervisor would tell it. */
function start(dir: string, at: IpPort, udp: UdpKind = 'auto', execArgv: readonly string[] = [], tcp: TcpKind = 'auto') {
  const child = fork(new URL('../../src/process/answer-process.ts', import.meta.url), ['text', 'info'], {
    execArgv: [...execArgv],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const heard: IpcMessage[] = [];
  let exit: number | null | undefined;
  child.on('message', (value) => {
    const message = readIpcMessage(value);
    if (message !== undefined) heard.push(message);
    if (message?.kind === 'store-open') child.send({ kind: 'store-held' } satisfies IpcMessage);
  });
  child.once('exit', (code) => {
    exit = code;
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.send({ kind: 'start', settings: { storeDir: dir, listen: [formatIpPort(at)], workers: 2, udp, tcp } } satisfies IpcMessage);
  const threads = udp === 'dgram' && tcp !== 'epoll' ? 2 : 3;
  const newest = <K extends IpcMessage['kind']>(kind: K) =>
    heard.findLast((each): each is Extract<IpcMessage, { kind: K }> => each.kind === kind);
  const workers = (): readonly WorkerState[] => newest('served')?.workers ?? [];
  return {
    child,
    newest,
    log: () => log,
    tell: (message: IpcMessage) => child.send(message),
    serves: (generation: number) =>
      eventually(() => workers().length === threads && workers().every((each) => each.generation >= generation)),
    ended: async () => ((await eventually(() => exit !== undefined)) ? exit : 'running'),
  };
}

/** RCODE and number of answer records. */
const outcome = (reply: Buffer | undefined) =>
  reply === undefined ? 'no answer' : { rcode: reply[3]! & 15, answers: reply.readUInt16BE(6) };
const ask = async (at: IpPort, name: string) => outcome(await udpQuery(at, simpleQuery(1, name, TYPE.TXT), 1000));

async function commit(writer: StoreWriter, owner: string, flags = 0): Promise<number> {
  const nodes = [nodeWrite(1, owner, flags === NODE.APEX ? [TYPE.NS, TYPE.SOA, TYPE.TXT] : [TYPE.TXT], flags)];
  await writer.commit({ audit: auditEvent(), zones: { put: [{ ...zoneRecord(1, 'example.test.'), dnssec: 'off' }] }, nodes });
  return writer.generation();
}

const FOUND = { rcode: 0, answers: 1 };
const REFUSED = { rcode: 5, answers: 0 };

describe('the answer process on a real store', () => {
  test.each<[UdpKind, TcpKind]>([
    ['dgram', 'net'],
    ['mmsg', 'net'],
    ['mmsg', 'epoll'],
  ])('%s and %s: waits for the store, serves each generation as told, counts, drains on TERM', async (udp, tcp) => {
    const dir = join(temporaryFolder(), 'store');
    const at = await freeAddress();
    const answer = start(dir, at, udp, [], tcp);
    expect(await eventually(() => answer.newest('hello') !== undefined, 30_000)).toBe(true);
    expect(answer.newest('listening')).toBeUndefined();

    const writer = openWriter(dir, writerOptions());
    onTestFinished(() => writer.close());
    expect(await eventually(() => answer.newest('listening') !== undefined, 30_000)).toBe(true);
    expect(answer.newest('listening')?.addresses).toEqual([formatIpPort(at)]);
    expect(await ask(at, 'example.test')).toEqual(REFUSED);

    for (const owner of ['example.test.', 'a.example.test.', 'b.example.test.']) {
      const generation = await commit(writer, owner, owner === 'example.test.' ? NODE.APEX : 0);
      answer.tell({ kind: 'generation', generation });
      expect(await answer.serves(generation)).toBe(true);
      // Each query from another port: both workers are asked sooner or later.
      for (let n = 0; n < 8; n++) expect(await ask(at, owner)).toEqual(FOUND);
    }

    const client = await TcpClient.open(at);
    client.send(Buffer.concat([framed(simpleQuery(1, 'b.example.test', TYPE.TXT)), framed(simpleQuery(2, 'other.test', TYPE.TXT))]));
    expect((await client.receive(2)).map(outcome)).toEqual([FOUND, REFUSED]);
    answer.tell({ kind: 'counters-wanted' });
    const total = (name: string) => (answer.newest('counters')?.workers ?? []).reduce((sum, each) => sum + (each.values[name] ?? 0), 0);
    expect(await eventually(() => total('tcpQueries') === 2 && total('udpQueries') === 25)).toBe(true);
    expect([total('requestsUdp'), total('requestsTcp')]).toEqual([25, 2]);

    answer.child.kill('SIGTERM');
    expect(await client.ending()).toBe('end');
    expect(await answer.ended()).toBe(0);
  });

  test('without koffi: auto tells why and goes on with node:dgram, mmsg and epoll end with 78', async () => {
    const dir = join(temporaryFolder(), 'store');
    const writer = openWriter(dir, writerOptions());
    onTestFinished(() => writer.close());
    const generation = await commit(writer, 'example.test.', NODE.APEX);
    const without = ['--import', new URL('../server/fixtures/no-koffi.ts', import.meta.url).href];
    const at = await freeAddress();
    const answer = start(dir, at, 'auto', without);
    expect(await eventually(() => answer.newest('listening') !== undefined, 30_000)).toBe(true);
    expect(await ask(at, 'example.test')).toEqual(FOUND);
    expect(answer.newest('served')?.workers).toEqual([0, 1].map((id) => ({ id, alive: true, generation })));
    expect(answer.log()).toBe("waxseal: answer: UDP by node:dgram, at about half the speed of recvmmsg: Cannot find package 'koffi'\n");
    const strict = start(dir, await freeAddress(), 'mmsg', without);
    expect(await strict.ended()).toBe(78);
    expect(strict.log()).toContain("Cannot find package 'koffi'");
    const strictTcp = start(dir, await freeAddress(), 'dgram', without, 'epoll');
    expect(await strictTcp.ended()).toBe(78);
    expect(strictTcp.log()).toContain(`dns.tcp is "epoll", and that does not work here: Cannot find package 'koffi'`);
  });

  test('ends when its supervisor has gone', async () => {
    const answer = start(join(temporaryFolder(), 'store'), await freeAddress());
    expect(await eventually(() => answer.newest('hello') !== undefined, 30_000)).toBe(true);
    answer.child.disconnect();
    expect(await answer.ended()).toBe(1);
  });
});
