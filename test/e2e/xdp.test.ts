/**
 * `waxseal serve --udp xdp` over a veth pair: the whole server, confined, in a network namespace of the test's own, asked
 * from another one. What it answers is what its own recvmmsg sockets answer, octet for octet.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/dns-client.ts';
import { exchangeUdp } from '../support/exchange.ts';
import { NetworkLab } from '../support/network-lab.ts';
import { packetOf } from '../support/packets.ts';
import { exhaustiveQueries } from '../support/query-set.ts';
import { seededRandom } from '../support/random.ts';
import { type RunningServer } from '../support/running-server.ts';
import { putZones } from '../support/waxseal.ts';
import { type XdpServerOptions, atOf, isByXdp, metric, startXdpServer, udpLines } from '../support/xdp-server.ts';
import { type QueryShape, buildQuery, parseMessage } from '../support/wire.ts';

const ZONE_NAME = 'meridian-post.example.';
const ZONE = readFileSync(join(import.meta.dirname, '../../zones/meridian-post.example.zone'), 'utf8');
const USER = 23_461;

/** The client that is limited; the others, which ask a lot, are not. */
const LIMITED = '192.0.2.3';
const LIMITS = '[rrl]\nrate = 50\nslip = 1\nallow = ["127.0.0.0/8", "192.0.2.2/32", "2001:db8::/32"]\n';

let lab: NetworkLab;
beforeAll(async () => {
  lab = await NetworkLab.open({ queues: 2 });
  lab.clientIp('addr', 'add', `${LIMITED}/24`, 'dev', 'cli0');
});
afterAll(() => lab.close());

async function serve(options: XdpServerOptions = {}): Promise<RunningServer> {
  const server = await startXdpServer(lab, { config: LIMITS, interfaces: [lab.name, 'none0'], ...options });
  await putZones(server, [{ name: ZONE_NAME, text: ZONE }], 'on');
  if (!(await isByXdp(server))) throw new Error(server.log());
  return server;
}

const soa = (id: number) => buildQuery({ name: ZONE_NAME, type: 'SOA', id });

async function askByXdp(server: RunningServer, family: 4 | 6 = 4, id = 1): Promise<boolean> {
  return (await lab.one(atOf(server, family), soa(id), { timeoutMs: 500 })) !== undefined;
}

/** Questions whose answers do not depend on who asks. */
function questions(): Buffer[] {
  const shapes: QueryShape[] = [
    ...exhaustiveQueries(ZONE_NAME, ZONE, seededRandom(20_261_130)),
    // Truncated at 512 octets, and not at 1232.
    { name: ZONE_NAME, type: 'DNSKEY', edns: { size: 512, dnssecOk: true } },
    { name: ZONE_NAME, type: 'ANY', edns: { size: 1232, dnssecOk: true } },
    { name: ZONE_NAME, type: 'ANY' },
    { name: 'elsewhere.test.', type: 'A' },
    { name: ZONE_NAME, type: 'SOA', opcode: 4 },
    { name: ZONE_NAME, type: 'SOA', edns: { size: 1232, version: 1 } },
    { name: 'version.bind.', type: 'TXT', class: 3 },
  ];
  return shapes.map((shape, id) => buildQuery({ ...shape, id }));
}

describe('a server with two workers on two queues', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await serve();
  });
  afterAll(() => server.stop());

  test('one line for each interface says how it is served', () => {
    expect(udpLines(server).toSorted()).toEqual([
      "UDP at none0 by the kernel's sockets (recvmmsg), not by AF_XDP: there is no such interface (see: ip link)",
      expect.stringMatching(
        /^UDP at srv0 by AF_XDP by its driver, with copies .*: 2 queues, 2 of 2 workers.*tcpdump do not see it$/,
      ),
    ]);
  });

  test('the law: over IPv4 and IPv6 it answers what its recvmmsg sockets answer', async () => {
    const queries = questions();
    const expected = await exchangeUdp(server, queries);
    expect(expected.filter((each) => each !== undefined).length).toBeGreaterThan(queries.length - 3);
    const before = await metric(server, 'waxseal_xdp_packets_received_total');
    for (const family of [4, 6] as const)
      expect(await lab.ask({ to: atOf(server, family), queries, timeoutMs: 2000 })).toEqual(expected);
    const received = async () => (await metric(server, 'waxseal_xdp_packets_received_total')) - before;
    expect(await server.eventually(async () => (await received()) >= 2 * queries.length)).toBe(true);
    expect(await metric(server, 'waxseal_xdp_queues{mode="native"}')).toBe(2);
    expect(expected.some((each) => each !== undefined && (each[2]! & 2) !== 0)).toBe(true);
  });

  test('TCP, fragments and VLAN tags are the kernel’s', async () => {
    const at = atOf(server, 4);
    expect(await lab.one(at, soa(1), { transport: 'tcp' })).toEqual(await lab.one(atOf(server, 6), soa(1)));
    // Counters are reported every second.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const before = await metric(server, 'waxseal_xdp_packets_received_total');
    // Longer than the interface takes at once: in two fragments, answered by recvmmsg.
    const padding = Buffer.alloc(2004);
    padding.writeUInt16BE(12, 0);
    padding.writeUInt16BE(2000, 2);
    const long = buildQuery({ name: ZONE_NAME, type: 'SOA', id: 2, edns: { size: 1232, options: padding } });
    expect(parseMessage((await lab.one(at, long))!).answer).toHaveLength(1);
    await lab.ask({ to: at, transport: 'ethernet', queries: [tagged(server.port)] });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await metric(server, 'waxseal_xdp_packets_received_total')).toBe(before);
  });

  test('cookies and rate limits hold', async () => {
    const at = atOf(server, 4);
    const withOption = (id: number, hex: string) =>
      buildQuery({ name: ZONE_NAME, type: 'SOA', id, edns: { size: 1232, options: Buffer.from(hex, 'hex') } });
    // RFC 7873 §5.2.5: a cookie that came with an answer is taken with the next question.
    const first = await lab.one(at, withOption(3, '000a00080102030405060708'), { from: LIMITED });
    const given = parseMessage(first!).edns!.options.get(10)!;
    expect(given).toMatch(/^010203040506070801000000[0-9a-f]{24}$/);
    const again = await lab.one(at, withOption(4, `000a0018${given}`), { from: LIMITED });
    expect(parseMessage(again!).edns!.options.get(10)).toBe(given);
    const isTruncated = (each: Buffer | undefined) => each !== undefined && (each[2]! & 2) !== 0;
    const ids = Array.from({ length: 600 }, (_, id) => id);
    const burst = await lab.ask({ to: at, from: LIMITED, queries: ids.map(soa) });
    expect(burst.some(isTruncated)).toBe(true);
    // Who has a good cookie is not limited.
    const known = await lab.ask({
      to: at,
      from: LIMITED,
      queries: ids.map((id) => withOption(id, `000a0018${given}`)),
    });
    expect([known.some(isTruncated), known.some((each) => each === undefined)]).toEqual([false, false]);
  });

  test('kill -9 leaves nothing behind, and the next process has it again; so does the next server', async () => {
    const [program] = lab.programs();
    await server.killChild('answer');
    expect(await isByXdp(server, 2)).toBe(true);
    expect(await askByXdp(server)).toBe(true);
    expect(lab.programs()).toHaveLength(1);
    expect(lab.programs()).not.toContain(program);
    // Whole groups of processes at once, nothing that could tidy up.
    await server.killAll();
    expect(await eventually(() => lab.programs().length === 0)).toBe(true);
    await server.start();
    expect(await isByXdp(server, 3)).toBe(true);
    expect(await askByXdp(server, 6)).toBe(true);
    expect(await server.terminate()).toBe(0);
    expect(lab.programs()).toEqual([]);
  });
});

describe('an interface that is deleted under load, and comes back', () => {
  let server: RunningServer;
  beforeAll(async () => {
    // Started by root, who is only there for moments afterwards: those in which something is opened.
    const users = `[process]\nuser = "${USER}"\nanswer_user = "${USER + 1}"\n`;
    server = await serve({ config: LIMITS + users, owner: USER });
  });
  afterAll(() => server.stop());

  /** Asks all the time until it has ended; nothing is expected of it. */
  function askAll(): () => Promise<void> {
    const load = { isOver: false };
    const running = (async () => {
      for (let id = 0; !load.isOver; id = (id + 64) % 0x8000)
        await lab.ask({
          to: atOf(server, 4),
          queries: Array.from({ length: 64 }, (_, at) => soa(id + at)),
          timeoutMs: 20,
        });
    })();
    return async () => {
      load.isOver = true;
      await running;
    };
  }

  test('by AF_XDP again without a restart, one line each; no worker ends, and nothing of the old one stays', async () => {
    const { answer } = server.pids();
    const descriptors = () => readdirSync(`/proc/${answer}/fd`).length;
    const maps = () => readFileSync(`/proc/${answer}/maps`, 'latin1').split('waxseal-xdp').length;
    const before = [descriptors(), maps()];
    for (let times = 2; times <= 3; times++) {
      const end = askAll();
      await lab.without(async () => {
        expect(await eventually(() => udpLines(server).length >= 2 * times - 1)).toBe(true);
        // 127.0.0.1 is not reached by that interface.
        expect((await exchangeUdp(server, [soa(1)]))[0]).toBeDefined();
      });
      expect(await isByXdp(server, times)).toBe(true);
      await end();
      for (const family of [4, 6] as const) expect(await askByXdp(server, family)).toBe(true);
      expect(lab.programs()).toHaveLength(1);
      const received = await metric(server, 'waxseal_xdp_packets_received_total');
      for (let id = 0; id < 20; id++) await askByXdp(server, 4, id);
      const isServed = async () => (await metric(server, 'waxseal_xdp_packets_received_total')) >= received + 20;
      expect(await server.eventually(isServed)).toBe(true);
    }
    expect(await eventually(() => descriptors() === before[0] && maps() === before[1])).toBe(true);
    expect(server.pids().answer).toBe(answer);
    expect(server.log()).not.toContain('"worker.ended"');
    const gone =
      "UDP at srv0 by the kernel's sockets (recvmmsg), not by AF_XDP: the interface has gone. " +
      'When it is there again, AF_XDP is opened again';
    const there = expect.stringMatching(/^UDP at srv0 by AF_XDP by its driver, .*: 2 queues, 2 of 2 workers/);
    const none = expect.stringContaining('UDP at none0');
    expect(udpLines(server)).toEqual([none, there, gone, there, gone, there]);
  });

  test('one that was not there at the start is opened when it comes', async () => {
    lab.ip('link', 'add', 'none0', 'numrxqueues', '1', 'type', 'veth', 'peer', 'name', 'none1');
    lab.ip('link', 'set', 'none0', 'up');
    onTestFinished(() => void lab.ip('link', 'del', 'none0'));
    expect(await isByXdp(server, 4)).toBe(true);
    expect(udpLines(server).at(-1)).toMatch(/^UDP at none0 by AF_XDP by its driver/);
    expect(await server.terminate()).toBe(0);
    expect(lab.programs()).toEqual([]);
  });
});

test('rights: an ordinary user with three capabilities; they are gone before anything is answered', async () => {
  const names = ['net_raw', 'bpf', 'net_admin'].map((each) => `+${each}`).join(',');
  const who = [
    '--reuid',
    String(USER),
    '--regid',
    String(USER),
    '--clear-groups',
    '--inh-caps',
    names,
    '--ambient-caps',
    names,
  ];
  const program = [
    'setpriv',
    ...who,
    '--bounding-set',
    `-all,${names}`,
    join(import.meta.dirname, '../../waxseal'),
  ] as const;
  // The memory of one queue fits into the limit that users have.
  const single = await NetworkLab.open();
  onTestFinished(() => single.close());
  const server = await serve({ program, owner: USER });
  onTestFinished(async () => void (await server.stop()));
  expect(await single.one(atOf(server, 4), soa(1))).toBeDefined();
  expect(server.log()).toContain('1 queue, 1 of 2 workers');
  // What opens it again has the rights of who started the server, and ends.
  await single.without(async () => void (await eventually(() => udpLines(server).at(-1)!.includes('has gone'))));
  expect(await isByXdp(server, 2)).toBe(true);
  expect(await single.one(atOf(server, 4), soa(2))).toBeDefined();
  expect(await server.eventually(() => Object.values(server.pids()).every((pid) => pid !== undefined))).toBe(true);
  const { answer, control, policyHost } = server.pids();
  for (const pid of [answer!, control!, policyHost!])
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) expect(statusOf(pid, set)).toBe('0000000000000000');
  expect(statusOf(answer!, 'Seccomp')).toBe('2');
});

/** A good query in a frame with a VLAN's tag. */
function tagged(port: number): Buffer {
  const options = {
    ...lab.hardwareAddresses(),
    source: [192, 0, 2, 2],
    destination: [192, 0, 2, 1],
    destinationPort: port,
  };
  const packet = packetOf(soa(9), options);
  return Buffer.concat([packet.subarray(0, 12), Buffer.from([0x81, 0, 0, 5]), packet.subarray(12)]);
}

/** A field of proc(5) status. */
function statusOf(pid: number, field: string): string | undefined {
  return new RegExp(`^${field}:\\s*(\\S+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
}
