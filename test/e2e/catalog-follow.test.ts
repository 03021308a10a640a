/**
 * Catalogs of Knot, BIND and PowerDNS are followed (RFC 9432): members come, are served, change their group and go, and a
 * zone of ours of the same name stays.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dig } from '../support/dig.ts';
import { type CatalogProducer, type ProducerKind, startProducer } from '../support/catalog-producers.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { putZones } from '../support/waxseal.ts';

const SECRET = Buffer.alloc(32, 9).toString('base64');
const FOLLOW_MS = 30_000;
let server: RunningServer;

async function run(...words: string[]): Promise<string> {
  const { exit, out, err } = await server.cli(...words);
  if (exit !== 0) throw new Error(`${words.join(' ')}: ${err}`);
  return out;
}

interface Followed {
  readonly state: string;
  readonly members: number;
  readonly clashes: readonly { readonly zone: string }[];
}

beforeAll(async () => {
  server = await startServer({ workers: 1 });
}, 60_000);
afterAll(() => server.stop());

describe.each<ProducerKind>(['knot', 'bind', 'powerdns'])('%s', (kind) => {
  const catalog = `${kind}.catalog.example.`;
  const member = (name: string): string => `${name}.${kind}.example.`;
  const key = { name: `${kind}.key`, algorithm: 'hmac-sha256', secret: SECRET };
  let producer: CatalogProducer;
  let rounds = 0;
  const serialOf = async (zone: string) => (await dig(server, [zone, 'SOA'])).answer[0]?.split(/\s+/)[6];
  const follows = async (holds: () => Promise<boolean>): Promise<boolean> => {
    return server.eventually(async () => {
      // No producer here sends NOTIFY: with other primaries the catalog is looked at now. At port 1 nothing listens.
      const primaries = [at(), ...(rounds++ % 2 === 0 ? [{ ...at(), port: 1 }] : [])];
      await server.api('PUT', `/v1/zones/${catalog}/primaries`, JSON.stringify({ primaries }));
      return holds();
    }, FOLLOW_MS);
  };
  const at = () => ({ address: '127.0.0.1', port: producer.port, key: key.name });
  const view = async () => JSON.parse(await run('catalog', 'show', catalog, '--json')) as Followed;

  beforeAll(async () => {
    await putZones(
      server,
      [{ name: member('ours'), text: `$ORIGIN ${member('ours')}\n@ 60 SOA ns host 99 60 60 86400 60\n@ 60 NS ns\nns 60 A 192.0.2.9\n` }],
      'off',
    );
    const members = [{ zone: member('one'), group: 'eu' }, { zone: member('ours') }];
    producer = await startProducer(kind, { catalog, key, members });
    const body = { name: key.name, algorithm: key.algorithm, secret: key.secret, zones: [catalog] };
    const made = await server.api('POST', '/v1/tsig', JSON.stringify(body));
    if (!made.ok) throw new Error(await made.text());
    await run('catalog', 'follow', catalog, '--primary', `127.0.0.1#${producer.port}`, '--tsig', key.name);
  }, 60_000);
  afterAll(() => producer.stop());

  test('members are served as they come; a zone of ours is not taken; no query gets the catalog', async () => {
    expect(await follows(async () => (await serialOf(member('one'))) === '7')).toBe(true);
    expect(await serialOf(member('ours'))).toBe('99');
    expect(await view()).toMatchObject({ state: 'current', members: 1, clashes: [{ zone: member('ours') }] });
    expect((await dig(server, [catalog, 'SOA'])).text).toContain('status: REFUSED');
    expect(await run('catalog', 'list', catalog)).toMatch(new RegExp(`one\\.${kind}\\.example\\. +eu `));
  });

  test('members come and go; who is removed there is REFUSED here, and ours stays', async () => {
    await producer.produce([{ zone: member('one'), group: 'us' }, { zone: member('two') }]);
    expect(await follows(async () => (await serialOf(member('two'))) === '7')).toBe(true);
    expect(await run('catalog', 'list', catalog)).toMatch(new RegExp(`one\\.${kind}\\.example\\. +us `));
    expect(await view()).toMatchObject({ members: 2, clashes: [] });
    await producer.produce([{ zone: member('two') }]);
    const isGone = async () => (await dig(server, [member('one'), 'SOA'])).text.includes('status: REFUSED');
    expect(await follows(isGone)).toBe(true);
    expect([await serialOf(member('ours')), await serialOf(member('two'))]).toEqual(['99', '7']);
  });
});
