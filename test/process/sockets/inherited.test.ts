/** sd_listen_fds(3): which sockets there are, by what the kernel says; and what each is for, by name and address. */
import { describe, expect, test } from 'vitest';
import { parseIpPort } from '#base/address.ts';
import { INHERITED_SOCKETS_MAX } from '#base/limits/process.ts';
import { type Result, formatProblem } from '#base/problem.ts';
import { type AssignedSockets, assignSockets, descriptorsOf, renumber } from '#process/sockets/assign.ts';
import { forgetVariables, inheritedSockets } from '#process/sockets/inherited.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (local: string, state: string, inode: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`;
const TABLES: Readonly<Record<string, string>> = {
  tcp: HEAD + row('00000000:01BB', '0A', 11) + row('0100007F:0035', '0A', 12) + row('0100007F:9000', '01', 13),
  tcp6: HEAD + row('00000000000000000000000000000000:01BB', '0A', 21) + row('B80D0120000000000000000001000000:01BB', '0A', 22),
  udp: HEAD + row('0100007F:0035', '07', 31),
  udp6: '',
};

function find(inodes: readonly (number | string)[], names: string | undefined, more: Record<string, string> = {}) {
  const env = { LISTEN_PID: '77', LISTEN_FDS: String(inodes.length), ...(names === undefined ? {} : { LISTEN_FDNAMES: names }), ...more };
  return inheritedSockets(
    { pid: 77, env },
    {
      linkOf(fd) {
        const inode = inodes[fd - 3];
        if (inode === undefined || inode === 'closed') throw new Error('ENOENT');
        return typeof inode === 'number' ? `socket:[${inode}]` : inode;
      },
      table: (name) => TABLES[name] ?? '',
    },
  );
}

const texts = (result: Result<unknown>) => (result.ok ? [] : result.problems.map(formatProblem));
const addresses = (...all: readonly string[]) =>
  all.map((text) => {
    const parsed = parseIpPort(text);
    if (!parsed.ok) throw new Error(text);
    return parsed.value;
  });

describe('which there are', () => {
  test('TCP and UDP, IPv4 and IPv6, in the order of the descriptors', () => {
    const found = find([11, 31, 21, 22], 'https:dns:https:other');
    expect(found.ok && found.value.map(({ fd, name, transport, address }) => [fd, name, transport, address.ip, address.port])).toEqual([
      [3, 'https', 'TCP', '0.0.0.0', 443],
      [4, 'dns', 'UDP', '127.0.0.1', 53],
      [5, 'https', 'TCP', '::', 443],
      [6, 'other', 'TCP', '2001:db8::1', 443],
    ]);
  });

  test('none for another process, or without a number', () => {
    expect(find([11], 'https', { LISTEN_PID: '78' })).toMatchObject({ ok: true, value: [] });
    expect(inheritedSockets({ pid: 77, env: {} })).toMatchObject({ ok: true, value: [] });
    expect(inheritedSockets({ pid: 77, env: { LISTEN_PID: '77' } })).toMatchObject({ ok: true, value: [] });
  });

  test('without names each is "unknown"', () => {
    const found = find([11], undefined);
    expect(found.ok && found.value[0]!.name).toBe('unknown');
  });

  test.each([
    ['a file', ['/dev/null'], /descriptor 3 \("https"\), which is no socket but \/dev\/null/],
    ['a Unix socket, or one of another network', [99], /is no TCP or UDP socket with an address in this network.*PrivateNetwork=no/],
    ['a connection', [13], /is a connection and does not listen.*Accept=no/],
    ['one that is closed', ['closed'], /is not open/],
  ])('%s', (_, inodes, why) => {
    expect(texts(find(inodes, 'https')).join()).toMatch(why);
  });

  test('all that is wrong at once', () => {
    expect(texts(find([99, 11, 13], 'a:b:c'))).toHaveLength(2);
  });

  test.each(['-1', 'x', '', String(INHERITED_SOCKETS_MAX + 1), '1e3'])('LISTEN_FDS=%j', (count) => {
    expect(texts(find([11], 'https', { LISTEN_FDS: count })).join()).toMatch(/LISTEN_FDS is/);
  });

  test('the variables are taken once', () => {
    const env: Record<string, string | undefined> = {
      LISTEN_PID: '1',
      LISTEN_FDS: '1',
      LISTEN_FDNAMES: 'a',
      LISTEN_PIDFDID: '5',
      PATH: '/',
    };
    forgetVariables(env);
    expect(env).toEqual({ PATH: '/' });
  });
});

describe('what each is for', () => {
  const WANTED = {
    dns: addresses('127.0.0.1:53'),
    tls: addresses('127.0.0.1:853'),
    https: addresses('0.0.0.0:443', '[::]:443'),
    admin: [],
  };
  const assign = (inodes: readonly number[], names: string, wanted = WANTED): Result<AssignedSockets> => {
    const found = find(inodes, names);
    if (!found.ok) throw new Error(texts(found).join());
    return assignSockets(found.value, wanted);
  };

  test('by name and address', () => {
    const assigned = assign([21, 31, 11, 12], 'https:dns:https:dns');
    expect(assigned).toMatchObject({
      ok: true,
      value: { dns: { '127.0.0.1:53': { udp: 4, tcp: 6 } }, https: { '[::]:443': { tcp: 3 }, '0.0.0.0:443': { tcp: 5 } }, admin: {} },
    });
  });

  test('one of several addresses: the other is opened as ever', () => {
    expect(assign([11], 'https').ok).toBe(true);
  });

  test.each([
    [
      'a name of no part',
      [11],
      'web',
      /TCP 0\.0\.0\.0:443 \(descriptor 3, "web"\), and no part of waxseal has this name.*FileDescriptorName=/,
    ],
    [
      'an address that is not in the configuration',
      [12],
      'https',
      /https\.listen does not have it: it has 0\.0\.0\.0:443, \[::\]:443.*put 127/,
    ],
    ['what is off', [12], 'admin', /admin\.listen does not have it: it is off/],
    [
      'an address of DNS that is not one of DNS over TLS',
      [12],
      'tls',
      /dns\.tls_listen does not have it: it has 127\.0\.0\.1:853.*into dns\.tls_listen/,
    ],
    ['UDP where there is none', [31], 'https', /https is served over TCP.*ListenStream=/],
    ['DNS over UDP alone', [31], 'dns', /DNS needs both.*add ListenStream=127\.0\.0\.1:53/],
    ['DNS over TCP alone', [12], 'dns', /DNS needs both.*add ListenDatagram=127\.0\.0\.1:53/],
    ['twice the same', [11, 11], 'https:https', /a second time.*once/],
  ])('%s', (_, inodes, names, why) => {
    const problems = texts(assign(inodes, names));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(why);
  });

  test('a child has its own numbers', () => {
    const fds = { a: { udp: 9, tcp: 4 }, b: { tcp: 7 } };
    expect(descriptorsOf(fds)).toEqual([4, 9, 7]);
    expect(renumber(fds, descriptorsOf(fds), 4)).toEqual({ a: { tcp: 4, udp: 5 }, b: { tcp: 6, udp: undefined } });
  });
});
