/** Which addresses of a host a look goes to. Not here: looks (https-probe.test.ts, starttls-look.test.ts). */
import { describe, expect, test } from 'vitest';
import { PROBE_ADDRESSES_MAX } from '#base/limits/outside.ts';
import { NetworkSet, parseNetwork } from '#base/network.ts';
import { probeAddresses } from '#control/outside/probe-addresses.ts';
import { type ProbeFailure } from '#control/outside/probe-failure.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';

const HOST = 'mx1.example.com';

function found(table: Table, networks: readonly string[] = [], signal = AbortSignal.timeout(20_000)) {
  const allowed = new NetworkSet(networks.map((text) => parseNetwork(text)!));
  return probeAddresses(HOST, { resolver: tableResolver(table), allowed, signal }).catch((failure: ProbeFailure) => failure.message);
}

describe('addresses', () => {
  test('of both families, also through an alias; a share of many', async () => {
    const real = { a: ['198.41.0.4'], aaaa: ['2001:503:ba3e::2:30'] };
    expect(await found({ [HOST]: real })).toEqual(['2001:503:ba3e::2:30', '198.41.0.4']);
    expect(await found({ [HOST]: { cname: 'real.example' }, 'real.example': real })).toHaveLength(2);
    const many = Array.from({ length: PROBE_ADDRESSES_MAX + 5 }, (_, at) => `198.41.0.${at + 1}`);
    expect(await found({ [HOST]: { a: many } })).toHaveLength(PROBE_ADDRESSES_MAX);
  });

  test.each<[string, Table, string]>([
    ['no such name', {}, `DNS: ${HOST} does not exist`],
    ['no address', { [HOST]: { txt: ['x'] } }, `DNS: ${HOST} has no address`],
    ['no answer', { [HOST]: { timeout: true } }, `DNS: ${HOST}: TIMEOUT`],
    ['a failing server', { [HOST]: { servfail: true } }, `DNS: ${HOST}: SERVFAIL`],
  ])('%s', async (_title, table, text) => expect(await found(table)).toBe(text));

  // RFC 6890; RFC 6052 §2.1: 64:ff9b::a00:1 is 10.0.0.1 behind a translator.
  test.each(['127.0.0.1', '10.1.2.3', '192.168.0.1', '100.64.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1'])(
    'SSRF: %s is inside',
    async (ip) => {
      expect(await found({ [HOST]: { a: ['198.41.0.4', ip] } })).toBe(
        `DNS: ${HOST} has the address ${ip}, which no host outside can reach (mail.probe_networks)`,
      );
      expect(await found({ [HOST]: { a: [ip] } }, [`${ip}/32`])).toEqual([ip]);
    },
  );

  test.each(['::1', '::ffff:10.0.0.1', 'fd00::1', 'fe80::1', '64:ff9b::a00:1', '2001:db8::1', '2002:a00:1::1'])(
    'SSRF: %s is inside',
    async (ip) => {
      expect(await found({ [HOST]: { aaaa: [ip] } })).toMatch(/which no host outside can reach/);
    },
  );

  test('a resolver that does not answer is not waited for', async () => {
    const resolver = { lookup: () => new Promise<never>(() => {}) };
    const search = { resolver, allowed: new NetworkSet([]), signal: AbortSignal.timeout(50) };
    await expect(probeAddresses(HOST, search)).rejects.toThrow('DNS: no answer in time');
    await expect(probeAddresses(HOST, { ...search, signal: AbortSignal.abort() })).rejects.toThrow('DNS: no answer in time');
  });
});
