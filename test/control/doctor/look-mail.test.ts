/** What is asked and fetched of a domain's mail. */
import { expect, test } from 'vitest';
import { lookAtBimi, lookAtMailHosts, lookAtSts } from '#control/doctor/look-mail.ts';
import { probesOf } from '#control/doctor/probes.ts';
import { NO_WITNESSES } from '#control/outside/evidence.ts';
import { HTTPS_PROBE } from '#control/outside/https-probe.ts';
import { ProbeFailure } from '#control/outside/probe-failure.ts';
import { nameOf } from '#dns/name.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';

const ZONE = nameOf('z.example.');
const { signal } = new AbortController();
const HASH = '0'.repeat(32);

function look(table: Table, probes: Parameters<typeof lookAtSts>[1]['probes'] = { mayAsk: () => true }) {
  const client = { resolver: tableResolver(table), within: <T>(work: () => Promise<T>): Promise<T> => work() };
  return { client, probes, signal };
}

test('RFC 8461 §3.3: a policy is fetched where there is a record, from the one place where it can be', async () => {
  const urls: string[] = [];
  const sts = (url: string, ends?: (atMs: number) => void) => {
    urls.push(url);
    ends?.(2000);
    ends?.(1000);
    return Promise.resolve('version: STSv1');
  };
  const probes = { sts, mayAsk: () => true };
  expect((await lookAtSts(ZONE, look({}, probes))).body).toBeUndefined();
  const found = await lookAtSts(ZONE, look({ '_mta-sts.z.example': { txt: ['v=STSv1; id=1;'] } }, probes));
  expect(found).toMatchObject({ body: { octets: 'version: STSv1' }, certificateEndsMs: 1000 });
  expect(urls).toEqual(['https://mta-sts.z.example/.well-known/mta-sts.txt']);
});

test('mail hosts: each once, the best eight; names of addresses of own ones, confirmed by addresses of names', async () => {
  const hosts = Array.from({ length: 9 }, (_, at) => `10 mx${at}.other.test`);
  const facts = await lookAtMailHosts(
    ZONE,
    look({
      'z.example': { mx: ['5 mx.z.example', '6 MX.z.example', ...hosts] },
      'mx.z.example': { a: ['192.0.2.1', '192.0.2.2'] },
      '1.2.0.192.in-addr.arpa': { ptr: ['mx.z.example'] },
      '2.2.0.192.in-addr.arpa': { ptr: ['other.z.example'] },
    }),
  );
  expect([facts.hosts.length, facts.unasked]).toEqual([8, ['mx7.other.test.', 'mx8.other.test.']]);
  expect(facts.hosts[0]).toMatchObject({ host: 'mx.z.example.', isOwn: true });
  expect(facts.hosts[0]!.names.map(({ ip, confirmed }) => [ip, confirmed])).toEqual([
    ['192.0.2.1', ['mx.z.example.']],
    ['192.0.2.2', []],
  ]);
  expect(facts.hosts[1]).toMatchObject({ isOwn: false, names: [] });
});

test('a logo of this server is fetched with the networks of the operator, another one from public addresses alone', async () => {
  const by: string[] = [];
  const fetch = (who: string) => (url: string) => {
    by.push(`${who} ${url}`);
    return Promise.resolve(new Uint8Array(1));
  };
  const witnesses = {
    ...NO_WITNESSES,
    bimiProbes: new Map([[HTTPS_PROBE, fetch('hosted')]]),
    publicFiles: fetch('public'),
  };
  const bimi = (logo: string) => ({ 'default._bimi.z.example': { txt: [`v=BIMI1; l=${logo}; a=;`] } });
  const [own, other] = [`https://bimi.z.example/bimi/${HASH}.svg`, 'https://intranet.z.example/secret.svg'];
  await lookAtBimi(ZONE, look(bimi(own), probesOf(witnesses, 'z.example.')));
  await lookAtBimi(ZONE, look(bimi(other), probesOf(witnesses, 'z.example.')));
  expect(by).toEqual([`hosted ${own}`, `public ${other}`]);
  const { publicFiles: _none, ...without } = witnesses;
  const refused = await lookAtBimi(ZONE, look(bimi(other), probesOf(without, 'z.example.')));
  expect(refused.logo).toMatchObject({ failure: expect.stringContaining('no files of other hosts') });
});

test('what cannot be fetched says at which step', async () => {
  const sts = () => Promise.reject(new ProbeFailure('certificate', 'it is self-signed'));
  const found = await lookAtSts(
    ZONE,
    look({ '_mta-sts.z.example': { txt: ['v=STSv1; id=1;'] } }, { sts, mayAsk: () => true }),
  );
  expect(found.body).toEqual({ failure: 'certificate: it is self-signed', step: 'certificate' });
});
