import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { writeHandedMessage } from '#base/ipc/handed-message.ts';
import { UPDATES_PER_SECOND_MAX, UPDATE_RECORDS_MAX } from '#base/limits/update.ts';
import { newClientAddress, setClientAddress } from '#base/client-address.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { type TsigKeyWanted } from '#control/api/transfer.ts';
import {
  MAIL_ZONE_TEXT,
  TEST_ACTOR,
  type TestControl,
  type TestControlOptions,
  good,
  temporaryControl,
} from '../../support/temporary-control.ts';
import { type MessageOptions, type UpdateParts, readUpdateReply, signMessage, updateMessage } from '../../support/update-client.ts';

const SECRET = Buffer.alloc(32, 'update').toString('base64');
const ZONE = 'a.test.';
const client = newClientAddress();
setClientAddress(client, '192.0.2.9');

interface Room extends TestControl {
  /** The rcode, and the text of the extended error. */
  send(lines: string | UpdateParts, options?: SendOptions): Promise<readonly [number, string]>;
  handle(message: Uint8Array, transport?: 'udp' | 'tcp'): Promise<Uint8Array>;
  key(name: string, more?: Partial<TsigKeyWanted>): Promise<void>;
  serial(zone?: string): number;
  /** Records of a name, `TYPE data`. */
  at(name: string): string[];
  readonly log: string[];
}

interface SendOptions extends MessageOptions {
  readonly key?: string;
  readonly zone?: string;
  readonly secret?: string;
  readonly afterSeconds?: number;
}

async function room(options: TestControlOptions = {}): Promise<Room> {
  const made = temporaryControl(options);
  made.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  await made.load(ZONE, MAIL_ZONE_TEXT, { dnssec: true });
  const log: string[] = [];
  const { updates } = made.control.transferParts;
  updates.start((event, text) => void log.push(`${event} ${text}`));
  const key: Room['key'] = async (name, more = {}) => {
    const wanted = { name, algorithm: 'hmac-sha256', secret: SECRET, operations: ['update'], zones: [ZONE], ...more } as const;
    good(await made.control.transfer.createKey(wanted, TEST_ACTOR));
  };
  await key('k.');
  const handle: Room['handle'] = (message, transport = 'tcp') => updates.handle(writeHandedMessage(transport, client, message));
  return {
    ...made,
    log,
    key,
    handle,
    async send(lines, { key: name = 'k.', zone = ZONE, secret = SECRET, afterSeconds = 0, ...more } = {}) {
      const now = Math.floor(made.clock.nowMs() / 1000) + afterSeconds;
      const message = signMessage(updateMessage(zone, lines, more), { name, secret }, now);
      const { rcode, text } = readUpdateReply(await handle(message));
      return [rcode, text];
    },
    serial: (zone = ZONE) => made.writer.zoneByName(nameOf(zone))!.serial,
    at(name) {
      const view = made.writer.view(made.writer.zoneByName(nameOf(ZONE))!);
      const rrsets = view.node(ownerKey(nameOf(name)))?.rrsets ?? [];
      const own = rrsets.filter(({ manager }) => manager !== 'dnssec');
      return own.flatMap(({ type, rdatas }) => rdatas.map((rdata) => `${typeName(type)} ${formatRdata(type, rdata)}`));
    },
  };
}

describe('an UPDATE that is carried out', () => {
  test('RFC 2136 §3.4.2.1 and §3.6: all of it in one step of the serial; what changes nothing makes no step', async () => {
    const server = await room();
    const before = server.serial();
    expect(await server.send('add www 300 A 192.0.2.80\nadd www 300 TXT "x"\ndel mx1\nadd mx1 300 A 192.0.2.26')).toEqual([0, '']);
    expect(server.serial()).toBe(before + 1);
    expect([server.at('www.a.test.'), server.at('mx1.a.test.')]).toEqual([['A 192.0.2.80', 'TXT "x"'], ['A 192.0.2.26']]);
    expect(await server.send('add www 300 A 192.0.2.80\ndel nowhere')).toEqual([0, '']);
    expect(await server.send('yx www A 192.0.2.80')).toEqual([0, '']);
    expect(server.serial()).toBe(before + 1);
  });

  test('RFC 2136 §3.4.2.1: one bad update and none is carried out', async () => {
    const server = await room();
    const before = server.serial();
    expect((await server.send('add www 300 A 192.0.2.80\nadd www.b.test. 300 A 192.0.2.80'))[0]).toBe(RCODE.NOTZONE);
    expect((await server.send('nx mx1\nadd www 300 A 192.0.2.80'))[0]).toBe(RCODE.YXDOMAIN);
    expect([server.serial(), server.at('www.a.test.')]).toEqual([before, []]);
  });

  test('RFC 2136 §3.6: an SOA of the client gives the serial', async () => {
    const server = await room();
    expect(await server.send('add @ 3600 SOA ns1 host 4711 7200 900 1209600 900')).toEqual([0, '']);
    expect(server.serial()).toBe(4711);
    expect(await server.send('add @ 3600 SOA ns1 host 4000 7200 900 1209600 900')).toEqual([0, '']);
    expect(server.serial()).toBe(4711);
  });

  test('the audit log names the key, where the message came from, and what changed; so does the event', async () => {
    const server = await room();
    await server.send('add www 300 A 192.0.2.80\ndel mx1');
    expect(server.control.audit.entries(1)[0]).toMatchObject({
      actor: { kind: 'tsig', id: 'k.', from: '192.0.2.9' },
      action: 'zone.update',
      zone: ZONE,
      detail: expect.stringContaining('set www.a.test. A, delete mx1.a.test. A (serial'),
    });
  });

  test('RFC 2136 §3.8: the answer has id, opcode and zone of the message, and is signed', async () => {
    const server = await room();
    const now = Math.floor(server.clock.nowMs() / 1000);
    const answer = await server.handle(signMessage(updateMessage(ZONE, '', { id: 4711 }), { name: 'k.', secret: SECRET }, now));
    expect([answer[0], answer[1], answer[2], answer[3]]).toEqual([0x12, 0x67, 0xa8, 0]);
    expect([...answer.subarray(4, 12)]).toEqual([0, 1, 0, 0, 0, 0, 0, 2]);
    expect(Buffer.from(answer).indexOf(nameOf(ZONE))).toBe(12);
  });
});

describe('whose message it is', () => {
  test('RFC 8945 §5.2: BADSIG, BADTIME with our time, BADKEY', async () => {
    const server = await room();
    const other = Buffer.alloc(32, 'other').toString('base64');
    expect((await server.send('', { secret: other }))[0]).toBe(RCODE.NOTAUTH);
    expect((await server.send('', { afterSeconds: 301 }))[0]).toBe(RCODE.NOTAUTH);
    expect((await server.send('', { afterSeconds: -301 }))[0]).toBe(RCODE.NOTAUTH);
    for (const off of [299, -299]) expect((await server.send('', { afterSeconds: off }))[0]).toBe(RCODE.NOERROR);
    expect((await server.send('', { key: 'nobody.' }))[0]).toBe(RCODE.NOTAUTH);
    expect(server.log.map((line) => /(BAD\w+)/.exec(line)?.[1])).toEqual(['BADSIG', 'BADTIME', 'BADTIME', 'BADKEY']);
  });

  test('facts X2: a flipped bit anywhere in the message is never carried out', async () => {
    const server = await room();
    const now = Math.floor(server.clock.nowMs() / 1000);
    const bare = updateMessage(ZONE, 'add www 300 A 192.0.2.80', { id: 1 });
    const message = signMessage(bare, { name: 'k.', secret: SECRET }, now);
    // The id may be another one (RFC 8945 §4.2), and bit 5 is the case of letters in the names of key and algorithm; all else is signed.
    const [keyName, algorithm] = [bare.length, bare.length + nameOf('k.').length + 10];
    const isIn = (at: number, from: number, name: string): boolean => at >= from && at < from + nameOf(name).length;
    const isCase = (at: number): boolean =>
      (isIn(at, keyName, 'k.') || isIn(at, algorithm, 'hmac-sha256.')) && /[a-z]/.test(String.fromCharCode(message[at]!));
    let flips = 0;
    for (let at = 2; at < message.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        if (bit === 5 && isCase(at)) continue;
        const spoiled = message.slice();
        spoiled[at]! ^= 1 << bit;
        const answer = await server.handle(spoiled);
        if (answer.length > 0) expect([at, bit, readUpdateReply(answer).rcode]).not.toEqual([at, bit, RCODE.NOERROR]);
        flips += 1;
      }
    expect([server.at('www.a.test.'), flips]).toEqual([[], 8 * (message.length - 2) - 1 - 'hmacsha'.length]);
    expect(readUpdateReply(await server.handle(message)).rcode).toBe(RCODE.NOERROR);
  });

  test('a revoked key opens nothing, and a new one of its name begins anew', async () => {
    const server = await room();
    good(await server.control.transfer.revokeKey('k.', TEST_ACTOR));
    expect((await server.send(''))[0]).toBe(RCODE.NOTAUTH);
    await server.key('k.');
    expect((await server.send(''))[0]).toBe(RCODE.NOERROR);
  });

  test('RFC 3007 §3: a key of one zone can do nothing in another, nor ask what there is', async () => {
    const server = await room();
    await server.load('b.test.', MAIL_ZONE_TEXT);
    const refused = [RCODE.REFUSED, 'the key k. does not open b.test.'];
    expect(await server.send('add www 300 A 192.0.2.80', { zone: 'b.test.' })).toEqual(refused);
    expect(await server.send('nx mx1', { zone: 'b.test.' })).toEqual(refused);
    await server.key('all.', { zones: 'all' });
    expect(await server.send('add www 300 A 192.0.2.80', { zone: 'b.test.', key: 'all.' })).toEqual([0, '']);
  });

  test('RFC 2136 §3.1.2: NOTAUTH for a zone that is not here, a name in a zone, another class', async () => {
    const server = await room();
    await server.key('all.', { zones: 'all' });
    expect((await server.send('', { zone: 'c.test.', key: 'all.' }))[0]).toBe(RCODE.NOTAUTH);
    expect((await server.send('', { zone: 'www.a.test.', key: 'all.' }))[0]).toBe(RCODE.NOTAUTH);
    // CVE-2026-5946: class ANY and NONE in the zone section.
    for (const zoneClass of [3, 254, 255]) expect((await server.send('', { zoneClass }))[0]).toBe(RCODE.NOTAUTH);
    expect((await server.send('', { zoneType: TYPE.A }))[0]).toBe(RCODE.FORMERR);
  });
});

describe('facts X2: a message that comes again', () => {
  test('has the same answer, over UDP and TCP, while the first is under way and after it, and has no second effect', async () => {
    const server = await room();
    const now = Math.floor(server.clock.nowMs() / 1000);
    const message = signMessage(updateMessage(ZONE, 'nx www\nadd www 300 A 192.0.2.80'), { name: 'k.', secret: SECRET }, now);
    const before = server.serial();
    const [one, two] = await Promise.all([server.handle(message, 'udp'), server.handle(message, 'udp')]);
    expect([readUpdateReply(one).rcode, two]).toEqual([RCODE.NOERROR, one]);
    good(await server.run({ kind: 'rrsets.change', zone: nameOf(ZONE), operations: [{ op: 'delete', name: 'www', type: 'A' }] }));
    server.clock.pass(299_000);
    // Another id on the way changes nothing: it is not signed (RFC 8945 §4.2).
    const forwarded = message.slice();
    forwarded[0]! ^= 0xff;
    const three = await server.handle(forwarded);
    expect([readUpdateReply(three).rcode, three[0]]).toEqual([RCODE.NOERROR, forwarded[0]]);
    expect([server.serial(), server.at('www.a.test.')]).toEqual([before + 2, []]);
  });
});

describe('facts X3: rights of a key', () => {
  test('names, types and TTLs', async () => {
    const server = await room();
    await server.key('acme.', { update: { names: ['_acme-challenge.*'], types: ['TXT'], ttlMin: 10, ttlMax: 600 } });
    const as = { key: 'acme.' };
    expect(await server.send('add _acme-challenge.www 60 TXT "x"', as)).toEqual([0, '']);
    expect(await server.send('del _acme-challenge.www TXT "x"', as)).toEqual([0, '']);
    expect(await server.send('del _acme-challenge', as)).toEqual([0, '']);
    for (const [line, text] of [
      ['add www 60 TXT "x"', 'the key acme. may not change www.a.test.'],
      ['del mx1', 'the key acme. may not change mx1.a.test.'],
      ['add _acme-challenge 60 A 192.0.2.1', 'the key acme. may not change A records'],
      ['add _acme-challenge 5 TXT "x"', 'the key acme. may not set a TTL of 5 s'],
      ['add _acme-challenge 601 TXT "x"', 'the key acme. may not set a TTL of 601 s'],
    ])
      expect(await server.send(line!, as)).toEqual([RCODE.REFUSED, text]);
    good(
      await server.run({
        kind: 'rrsets.change',
        zone: nameOf(ZONE),
        operations: [{ op: 'set', name: '_acme-challenge', type: 'A', ttl: 60, records: ['192.0.2.1'] }],
      }),
    );
    server.clock.pass(1000);
    // A name with a type that the key may not change is not deleted.
    expect(await server.send('del _acme-challenge', as)).toEqual([RCODE.REFUSED, 'the key acme. may not change A records']);
    expect(server.log.at(-1)).toBe('update.refused UPDATE by acme. from 192.0.2.9: REFUSED: the key acme. may not change A records');
  });
});

describe('records that have a manager', () => {
  test('RFC 4035 §2: the signer keeps its own; a name is deleted but for them', async () => {
    const server = await room();
    for (const line of [
      'add @ 300 DNSKEY 257 3 13 AAAA',
      'del @ DNSKEY',
      'del @ NSEC',
      'add x 60 NSEC3PARAM 1 0 0 -',
      'del mx1 RRSIG',
      'del @ CDS',
    ]) {
      const [rcode, text] = await server.send(line);
      expect([line, rcode, /is managed by the DNSSEC signer; see: waxseal dnssec status/.test(text)]).toEqual([line, RCODE.REFUSED, true]);
    }
    expect(await server.send('add @ 300 ZONEMD 1 1 1 ' + 'ab'.repeat(48))).toMatchObject([RCODE.REFUSED, /DNSSEC/]);
    expect(await server.send('del @')).toEqual([0, '']);
    const view = server.writer.view(server.writer.zoneByName(nameOf(ZONE))!);
    const types = view.node(view.apexKey)!.rrsets.map(({ type }) => typeName(type));
    expect(types).toEqual(expect.arrayContaining(['SOA', 'NS', 'DNSKEY', 'NSEC']));
    expect(types).not.toContain('MX');
  });

  test('the mail policy keeps what it publishes; TXT beside SPF is free', async () => {
    const server = await room({ sources: ['mail'] });
    good(
      await server.run({ kind: 'mail.apply', zone: nameOf(ZONE), policy: { mtaSts: { mode: 'off' }, dkim: { algorithms: [] }, spf: {} } }),
    );
    const spf = server.at(ZONE).find((each) => each.includes('v=spf1'));
    expect(spf).toBeDefined();
    const ttl = server.writer
      .view(server.writer.zoneByName(nameOf(ZONE))!)
      .node(ownerKey(nameOf(ZONE)))!
      .rrsets.find(({ type }) => type === TYPE.TXT)!.ttl;
    expect(await server.send(`add @ ${ttl} TXT "site-verification=1"`)).toEqual([0, '']);
    expect(await server.send('del @ TXT "site-verification=1"')).toEqual([0, '']);
    const keeper = 'a.test. TXT is managed by the mail policy; change the policy that yields it';
    for (const line of ['del @ TXT', 'del @', `del @ ${spf}`, `add @ ${ttl} TXT "v=spf1 -all"`, `add @ ${ttl + 1} TXT "y"`])
      expect([line, ...(await server.send(line))]).toEqual([line, RCODE.REFUSED, keeper]);
    expect(server.at(ZONE)).toContain(spf);
  });
});

describe('what the API would not take either', () => {
  test.each([
    ['add x 60 DNAME a.\nadd x 60 DNAME b.', 'x.a.test. DNAME has 2 records'],
    ['add *.w 60 NS ns1', '*.w.a.test. is a wildcard and cannot be delegated'],
    ['add @ 60 DS 1 13 2 ' + 'ab'.repeat(32), 'a.test. is the apex and has a DS record'],
  ])('%s', async (lines, text) => {
    const server = await room();
    const [rcode, why] = await server.send(lines);
    expect([rcode, why.includes(text)]).toEqual([RCODE.REFUSED, true]);
  });

  test('facts X7: as many records in an RRset as limits.records_per_rrset', async () => {
    const server = await room({ recordsPerRrsetMax: 3 });
    const lines = (count: number) => Array.from({ length: count }, (_, at) => `add many 60 A 192.0.2.${at}`).join('\n');
    expect((await server.send(lines(3)))[0]).toBe(RCODE.NOERROR);
    expect(await server.send('add many 60 A 192.0.2.9')).toMatchObject([RCODE.REFUSED, /has 4 records/]);
  });

  test('facts X6: names out of the zone are NOTZONE', async () => {
    const server = await room();
    expect((await server.send('add ns.b.test. 60 A 192.0.2.1'))[0]).toBe(RCODE.NOTZONE);
  });
});

describe('limits', () => {
  test('updates in one message', async () => {
    const server = await room();
    const lines = (count: number) => Array.from({ length: count }, () => 'del x').join('\n');
    expect((await server.send(lines(UPDATE_RECORDS_MAX)))[0]).toBe(RCODE.NOERROR);
    expect(await server.send(lines(UPDATE_RECORDS_MAX + 1))).toMatchObject([RCODE.REFUSED, /at most 4000/]);
  });

  test('updates of one key in a second; another key is not held up', async () => {
    const server = await room();
    await server.key('other.');
    let rcode = 0;
    for (let id = 0; id <= UPDATES_PER_SECOND_MAX; id++) [rcode] = await server.send('nx mx1', { id });
    expect(rcode).toBe(RCODE.SERVFAIL);
    expect((await server.send('', { key: 'other.' }))[0]).toBe(RCODE.NOERROR);
    server.clock.pass(1000);
    expect((await server.send(''))[0]).toBe(RCODE.NOERROR);
  });
});

test('a full disk: SERVFAIL with the reason, nothing is changed, and updates go on when there is space', async () => {
  let isFull = false;
  const space = () => ({ freeBytes: isFull ? 0 : 1e12, totalBytes: 1e12, reserveBytes: 1e6, state: isFull ? 'full' : 'good' });
  const server = await room({ space: space as never });
  const before = server.serial();
  isFull = true;
  const [rcode, text] = await server.send('add www 300 A 192.0.2.80');
  expect([rcode, text]).toEqual([RCODE.SERVFAIL, 'the store takes no change now (STORE_FULL)']);
  expect([server.serial(), server.at('www.a.test.')]).toEqual([before, []]);
  isFull = false;
  expect((await server.send('add www 300 A 192.0.2.80'))[0]).toBe(RCODE.NOERROR);
});

test('RFC 2136 §3.1.1: a record of a form that its type does not have is FORMERR', async () => {
  const server = await room();
  const record = Uint8Array.from([...nameOf(ZONE), 0, 1, 0, 1, 0, 0, 0, 60, 0, 3, 1, 2, 3]);
  expect((await server.send({ prerequisites: [], updates: [record] }))[0]).toBe(RCODE.FORMERR);
});

test('what the answer process would not pass on has no answer', async () => {
  const { control } = await room();
  const { updates } = control.transferParts;
  for (const body of [[], [9], [0, 0, 1, 2, 3], [...writeHandedMessage('udp', client, updateMessage(ZONE, ''))]])
    expect(await updates.handle(Uint8Array.from(body))).toEqual(new Uint8Array(0));
});

test('answers are counted by rcode', async () => {
  const server = await room();
  await server.send('');
  await server.send('nx mx1');
  const family = server.control.metrics().find(({ name }) => name === 'waxseal_updates_total')!;
  const counts = Object.fromEntries(family.samples.map(({ labels, value }) => [labels['rcode'], value]));
  expect(counts).toMatchObject({ NOERROR: 1, YXDOMAIN: 1, REFUSED: 0 });
});

describe('RFC 2136 §6: a zone that comes from primaries', () => {
  async function secondary(answer: (message: Buffer) => Uint8Array | undefined) {
    const server = await room();
    const received: Buffer[] = [];
    const primary = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (octets: Buffer) => {
        received.push(octets.subarray(2));
        const reply = answer(octets.subarray(2));
        if (reply === undefined) socket.destroy();
        else socket.end(Uint8Array.of(reply.length >> 8, reply.length & 0xff, ...reply));
      });
    });
    await new Promise<void>((resolve) => void primary.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void primary.close());
    const { port } = primary.address() as { port: number };
    const command = {
      kind: 'secondary.create',
      zone: nameOf('second.test.'),
      primaries: [{ ip: '127.0.0.1', port }],
      isSigning: false,
    } as const;
    good(await server.control.run(command, { actor: TEST_ACTOR, dryRun: false }));
    return { ...server, received };
  }
  const done = (message: Buffer, length = 13) =>
    Uint8Array.from({ length }, (_, at) => [message[0], message[1], 0xa8, RCODE.YXRRSET][at] ?? 9);
  const zone = 'second.test.';

  test("the key is the primary's, and so is the answer; it is counted", async () => {
    const server = await secondary((message) => done(message));
    const message = signMessage(updateMessage(zone, 'add www 60 A 192.0.2.1', { id: 4711 }), { name: 'theirs.', secret: SECRET }, 1);
    expect([...(await server.handle(message))]).toEqual([...done(Buffer.from(message))]);
    expect(server.received[0]!.subarray(2)).toEqual(Buffer.from(message.subarray(2)));
    expect([...server.control.transferParts.updates.counts]).toEqual([[RCODE.YXRRSET, 1]]);
  });

  test('a key that is known here is verified, and must be for the zone', async () => {
    const server = await secondary((message) => done(message));
    await server.key('both.', { zones: [zone] });
    expect((await server.send('', { zone, key: 'both.' }))[0]).toBe(RCODE.YXRRSET);
    expect((await server.send('', { zone, key: 'both.', secret: Buffer.alloc(32).toString('base64') }))[0]).toBe(RCODE.NOTAUTH);
    expect((await server.send('', { zone, key: 'k.' }))[0]).toBe(RCODE.REFUSED);
    expect(server.received).toHaveLength(1);
  });

  test('no answer: SERVFAIL without the address of the primary, which is in the log', async () => {
    const server = await secondary(() => undefined);
    const [rcode, text] = await server.send('', { zone, key: 'theirs.' });
    expect([rcode, text]).toEqual([RCODE.SERVFAIL, 'no primary of the zone has answered; it may have been carried out']);
    expect(server.log).toEqual([
      'update.refused UPDATE of second.test. from 192.0.2.9 has no answer of a primary: 127.0.0.1 closes the connection before the end',
    ]);
  });

  test('an answer that is too long for UDP: none, and the client comes by TCP', async () => {
    const server = await secondary((message) => done(message, 1300));
    const message = signMessage(updateMessage(zone, ''), { name: 'theirs.', secret: SECRET }, 1);
    expect([(await server.handle(message, 'udp')).length, (await server.handle(message, 'tcp')).length]).toEqual([0, 1300]);
  });
});
