/**
 * HTTP/2 as no library would write it: frames and header blocks octet by octet (RFC 9113, RFC 7541), names in handshakes and targets that are
 * almost the right ones. None gets a policy that is not its host's, and the server serves on.
 */
import { type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { PATH, type TestPolicyHost, bodyOf, testPolicyHost } from '../support/policy-host.ts';

const HOST = 'mta-sts.one.example';
const OTHER = 'mta-sts.two.example';
const OWN = bodyOf('one.example');
const FOREIGN = 'mx: mx1.two.example';
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const [DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, GOAWAY, WINDOW_UPDATE, CONTINUATION] = [0, 1, 3, 4, 5, 7, 8, 9];
const [END_STREAM, END_HEADERS] = [1, 4];
const READ_MS = 3000;

type Field = readonly [name: string, value: string];

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** RFC 7541 §6.2.2: literal fields without indexing, no Huffman code. */
function block(fields: readonly Field[]): Buffer {
  const text = (value: string): Buffer => Buffer.concat([prefixed(Buffer.byteLength(value, 'latin1')), Buffer.from(value, 'latin1')]);
  return Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])));
}

/** RFC 7541 §5.1 with a prefix of 7 bits. */
function prefixed(length: number): Buffer {
  if (length < 127) return Buffer.from([length]);
  const octets = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) + 128);
  return Buffer.from([...octets, rest]);
}

const GOOD: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', HOST],
  [':path', PATH],
];
const changed = (name: string, value: string): Field[] => GOOD.map((field) => (field[0] === name ? [name, value] : field));
const without = (name: string): Field[] => GOOD.filter((field) => field[0] !== name);
const asked = (fields: readonly Field[], stream = 1): Buffer => frame(HEADERS, END_HEADERS | END_STREAM, stream, block(fields));

interface Seen {
  /** Of all streams. */
  readonly data: string;
  /** How many answers said 200. */
  readonly good: number;
  readonly isEnded: boolean;
}

/** What comes for `octets` after the preface, until nothing comes any more. */
async function talk({ shake }: TestPolicyHost, octets: Uint8Array, serverName = HOST): Promise<Seen> {
  const socket: TLSSocket = await shake(serverName, { ALPNProtocols: ['h2'] });
  // A ping of ours ends the wait: what comes before its answer is all that comes.
  const ping = frame(6, 0, 0, Buffer.from('12345678'));
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, Buffer.alloc(0)), octets, ping]));
  let all = Buffer.alloc(0);
  let isEnded = false;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, READ_MS);
    let quiet: NodeJS.Timeout | undefined;
    const end = (): void => {
      clearTimeout(timer);
      clearTimeout(quiet);
      resolve();
    };
    socket.on('data', (part: Buffer) => {
      all = Buffer.concat([all, part]);
      // The pong is written before answers that take a moment.
      if (framesOf(all).some(({ type, flags }) => type === 6 && flags === 1)) quiet ??= setTimeout(end, 100);
    });
    socket.once('close', () => {
      isEnded = true;
      end();
    });
  });
  socket.destroy();
  const frames = framesOf(all);
  const data = frames.filter(({ type }) => type === DATA).map(({ payload }) => payload.toString('latin1'));
  const good = frames.filter(({ type, payload }) => type === HEADERS && payload[0] === 0x88).length;
  return { data: data.join(''), good, isEnded: isEnded || frames.some(({ type }) => type === GOAWAY) };
}

function framesOf(all: Buffer): { readonly type: number; readonly flags: number; readonly payload: Buffer }[] {
  const frames = [];
  for (let at = 0; at + 9 <= all.length;) {
    const length = all.readUIntBE(at, 3);
    frames.push({ type: all[at + 3]!, flags: all[at + 4]!, payload: all.subarray(at + 9, at + 9 + length) });
    at += 9 + length;
  }
  return frames;
}

async function serves(server: TestPolicyHost): Promise<void> {
  expect(await talk(server, asked(GOOD))).toMatchObject({ data: OWN, good: 1 });
  expect(server.complaints).toEqual([]);
}

describe('a header block', () => {
  const nothing: readonly [string, readonly Field[]][] = [
    ['§8.3.1 :path twice, the good one first', [...GOOD, [':path', '/none']]],
    ['§8.3.1 :path twice, the good one last', [[':path', '/none'], ...GOOD]],
    ['§8.3.1 :authority twice', [...GOOD, [':authority', OTHER]]],
    ['§8.3.1 another :authority first', [[':authority', OTHER], ...GOOD]],
    ['§8.3.1 :authority of another zone', changed(':authority', OTHER)],
    ['§8.3.1 another :authority beside a good Host', [...changed(':authority', OTHER), ['host', HOST]]],
    ['§8.3.1 a good :authority beside another Host', [...GOOD, ['host', OTHER]]],
    ['§8.3.1 no :authority and another Host', [...without(':authority'), ['host', OTHER]]],
    ['§8.3.1 no :authority and two Hosts', [...without(':authority'), ['host', HOST], ['host', OTHER]]],
    ['§8.3.1 neither', without(':authority')],
    ['§8.3.1 an empty :authority', changed(':authority', '')],
    ['§8.3.1 no :path', without(':path')],
    ['§8.3.1 an empty :path', changed(':path', '')],
    ['§8.3.1 no :method', without(':method')],
    ['§8.3.1 no :scheme', without(':scheme')],
    ['§8.3 a pseudo field after others', [...without(':path'), ['accept', '*/*'], [':path', PATH]]],
    ['§8.3 one that is unknown', [...GOOD, [':protocol', 'websocket']]],
    ['§8.3 one of answers', [...GOOD, [':status', '200']]],
    ['§8.2 upper case', [...without(':path'), [':PATH', PATH]]],
    ['§8.2 upper case in a field', [...GOOD, ['Host', OTHER]]],
    ['§8.2.1 a blank before a value of :path', changed(':path', ` ${PATH}`)],
    ['§8.2.1 a line end in :path', changed(':path', `${PATH} HTTP/1.1\r\nHost: ${OTHER}`)],
    ['§8.2.1 a line end in :authority', changed(':authority', `${HOST}\r\nHost: ${OTHER}`)],
    ['§8.2.2 Connection', [...GOOD, ['connection', 'host']]],
    ['§8.2.2 Transfer-Encoding', [...GOOD, ['transfer-encoding', 'chunked']]],
    ['§8.2.2 Upgrade', [...GOOD, ['upgrade', 'h2c']]],
    ['§8.2.2 TE', [...GOOD, ['te', 'gzip']]],
    ['§8.1.1 a length without a body', [...GOOD, ['content-length', '5']]],
    [
      '§8.5 CONNECT',
      [
        [':method', 'CONNECT'],
        [':authority', OTHER],
      ],
    ],
    ['§10.5.1 fields of 16 KiB', [...GOOD, ['x', 'a'.repeat(16_000)], ['y', 'a'.repeat(200)]]],
    ['§10.5.1 300 fields', [...GOOD, ...Array.from({ length: 300 }, (_, at): Field => [`x${at}`, 'a'])]],
  ];
  test(`${nothing.length} of them: none gets a policy`, async () => {
    const server = await testPolicyHost();
    const got: string[] = [];
    for (const [what, fields] of nothing) {
      const { data, good } = await talk(server, asked(fields));
      if (data !== '' || good > 0) got.push(`${what}: ${good} ${data}`);
    }
    expect(got).toEqual([]);
    await serves(server);
  });

  test('§8.2.1: a field with octets that no field has is left out, and puts nothing into the request', async () => {
    const server = await testPolicyHost();
    // The RFC wants the request to be malformed; nghttp2 drops such a field. Nothing here passes fields on.
    const dropped: Field[] = [
      ['x', `a\r\nhost: ${OTHER}`],
      [`x\r\nhost: ${OTHER}`, 'a'],
      ['host', `${OTHER}\r\n`],
      ['x', 'a\0b'],
    ];
    for (const field of dropped) expect((await talk(server, asked([...GOOD, field]))).data).toBe(OWN);
    for (const field of dropped) expect((await talk(server, asked([...changed(':path', '/none'), field]))).data).toBe('');
  });

  test('what means the same has the same policy: the name in upper case, the port, Host alone, an empty field beside it', async () => {
    const server = await testPolicyHost();
    const same = [
      changed(':authority', HOST.toUpperCase()),
      [...without(':authority'), ['host', HOST] as const],
      [...GOOD, ['host', HOST] as const],
      [...GOOD, ['x', ''] as const],
      [...GOOD, ['te', 'trailers'] as const],
    ];
    for (const fields of same) expect((await talk(server, asked(fields))).data).toBe(OWN);
  });
});

describe('frames', () => {
  const [first, rest] = [block(GOOD.slice(0, 2)), block(GOOD.slice(2))];
  const inner = Buffer.from(`GET ${PATH} HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`);
  const shapes: readonly [string, Uint8Array][] = [
    [
      '§6.10 a block that goes on in another stream',
      Buffer.concat([frame(HEADERS, END_STREAM, 1, first), frame(CONTINUATION, END_HEADERS, 3, rest)]),
    ],
    [
      '§6.10 a frame between the parts',
      Buffer.concat([frame(HEADERS, END_STREAM, 1, first), frame(DATA, 0, 1, inner), frame(CONTINUATION, 4, 1, rest)]),
    ],
    ['§6.10 a continuation of nothing', frame(CONTINUATION, END_HEADERS, 1, block(GOOD))],
    [
      '§6.10 400 empty continuations',
      Buffer.concat([
        frame(HEADERS, END_STREAM, 1, first),
        ...Array.from({ length: 400 }, () => frame(CONTINUATION, 0, 1, Buffer.alloc(0))),
      ]),
    ],
    ['§5.1.1 an even stream', asked(GOOD, 2)],
    ['§5.1.1 stream 0', asked(GOOD, 0)],
    ['§5.1 data on a stream that is idle', frame(DATA, END_STREAM, 1, inner)],
    ['§6.6 a promise by a client', frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([Buffer.alloc(4), block(GOOD)]))],
    ['§4.2 a frame that is too long', frame(DATA, 0, 1, Buffer.alloc(17_000))],
    ['§4.3 a block that ends in a field', frame(HEADERS, END_HEADERS | END_STREAM, 1, block(GOOD).subarray(0, -4))],
    ['RFC 7541 §2.3.3 an index that is none', frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.from([0xff, 0xff, 0x7f]))],
    ['RFC 7541 §5.1 a number without end', frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.alloc(40, 0xff))],
    ['§6.9 a window of 0', frame(WINDOW_UPDATE, 0, 0, Buffer.alloc(4))],
    ['§6.5 settings of 5 octets', frame(SETTINGS, 0, 0, Buffer.alloc(5))],
    ['§6.4 a reset of a stream that is idle', frame(RST_STREAM, 0, 5, Buffer.alloc(4))],
    ['HTTP/1.1 after the preface', inner],
  ];
  test(`${shapes.length} shapes that are wrong: no policy, and the session ends`, async () => {
    const server = await testPolicyHost();
    const got: string[] = [];
    for (const [what, octets] of shapes) {
      const { data, good, isEnded } = await talk(server, octets);
      if (data !== '' || good > 0 || !isEnded) got.push(`${what}: ${good} ${isEnded} ${data}`);
    }
    expect(got).toEqual([]);
    await serves(server);
  });

  test('§8.1: a request inside the body of another is no request', async () => {
    const server = await testPolicyHost();
    const head = frame(HEADERS, END_HEADERS, 1, block([...changed(':path', '/none'), ['content-length', `${inner.length}`]]));
    for (const body of [inner, asked(GOOD, 3)]) {
      const { data, good } = await talk(server, Buffer.concat([head, frame(DATA, END_STREAM, 1, body)]));
      expect([data, good]).toEqual(['', 0]);
    }
    await serves(server);
  });

  test('two requests in one write, of two hosts: each stream has its own answer', async () => {
    const server = await testPolicyHost();
    const { data, good } = await talk(server, Buffer.concat([asked(changed(':authority', OTHER), 1), asked(GOOD, 3)]));
    expect([data, good]).toEqual([OWN, 1]);
  });
});

describe('RFC 6066 §3: names in the handshake', () => {
  const NAMES = [
    ...[`${HOST}.`, `.${HOST}`, `x.${HOST}`, `${HOST}:443`, `${HOST}.two.example`, 'one.example', '*.one.example', 'mta-sts', 'localhost'],
    ...['mta-sts..one.example', ' mta-sts.one.example', 'mta%2dsts.one.example'],
    ...[
      'mta-sts\u002eone.exampl\u00e9',
      'xn--mta-sts-.one.example',
      `${'a.'.repeat(120)}example`,
      `${HOST},${OTHER}`,
      '127.0.0.1',
      '::1',
      '_',
      '-',
    ],
  ];
  test(`${NAMES.length} names that are almost the right one: no handshake, or only what is theirs`, async () => {
    const server = await testPolicyHost();
    for (const name of NAMES) {
      const got = await server
        .raw(`GET ${PATH} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`, { serverName: name })
        .catch(() => '');
      expect(`${name} ${got}`).not.toContain('version: STSv1');
    }
    const upper = await talk(server, asked(GOOD), HOST.toUpperCase());
    expect(upper.data).toBe(OWN);
    await serves(server);
  });

  test('targets and hosts of octets that are no ASCII, over both protocols', async () => {
    const server = await testPolicyHost();
    const utf8 = (text: string) => Buffer.from(text).toString('latin1');
    const texts = [
      '\uff4d\uff54\uff41-sts',
      'mta\u2010sts',
      'mta-sts\u200b',
      'mt\u0430-sts',
      '\u202emta-sts',
      'mta-st\u017f',
      '\ufeffmta-sts',
    ].map(utf8);
    for (const text of [...texts, 'mta-sts\xff', 'mta\xadsts', '\xc0\xaemta-sts']) {
      const [path, host] = [`/.well-known/${text}.txt`, `${text}.one.example`];
      for (const [target, name] of [
        [path, HOST],
        [PATH, host],
      ] as const) {
        const one = await server.raw(`GET ${target} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
        expect(one).toMatch(/^HTTP\/1\.1 (?:400|404|421) /);
        expect(one).not.toContain(FOREIGN);
        const two = await talk(
          server,
          asked([
            [':method', 'GET'],
            [':scheme', 'https'],
            [':authority', name],
            [':path', target],
          ]),
        );
        expect([two.data, two.good]).toEqual(['', 0]);
      }
    }
    await serves(server);
  });
});
