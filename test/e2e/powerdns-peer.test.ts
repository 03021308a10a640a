/**
 * The PowerDNS-compatible API beside PowerDNS 4.7.3 itself: the same requests to both, one after the other, and the same status, content type
 * and JSON, but for what is masked. What differs on purpose is a table of its own, with the reason.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PowerdnsPeer, startPowerdns } from '../support/powerdns-peer.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';

let peer: PowerdnsPeer;
let server: RunningServer;
let token: string;

beforeAll(async () => {
  [peer, server] = await Promise.all([startPowerdns(), startServer({ workers: 1, config: '[mail]\nprobe = false\n' })]);
  token = (await server.cli('token', 'create', 'pdns', '--all-zones', '--manage')).out.trim();
});
afterAll(async () => {
  peer?.stop();
  await server?.stop();
});

const S = '/api/v1/servers/localhost';
const Z = `${S}/zones/example.com.`;

interface Step {
  readonly method?: string;
  readonly path: string;
  /** An object is sent as JSON, a text as it is; undefined: no body at all. */
  readonly body?: unknown;
  readonly type?: string;
}

interface Answer {
  readonly status: number;
  readonly phrase: string;
  readonly type: string | null;
  readonly body: unknown;
}

async function ask(url: string, key: string, { method = 'GET', path, body, type }: Step): Promise<Answer> {
  const headers = { 'x-api-key': key, ...(type === undefined ? {} : { 'content-type': type }) };
  const sent = body === undefined ? {} : { body: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)) };
  const answer = await fetch(`${url}${path}`, { method, headers, ...sent });
  const contentType = answer.headers.get('content-type');
  const text = await answer.text();
  const isJson = contentType === 'application/json';
  return { status: answer.status, phrase: answer.statusText, type: contentType, body: isJson ? (JSON.parse(text) as unknown) : text };
}

const both = async (step: Step): Promise<readonly [Answer, Answer]> => [
  await ask(peer.url, peer.key, step),
  await ask(`http://127.0.0.1:${server.adminPort}`, token, step),
];

/** Serials and versions are each server's own, zones are signed here unless told otherwise, and a SOA is made by each in its way. */
const MASKED = new Set(['serial', 'edited_serial', 'notified_serial', 'dnssec', 'version', 'autoprimaries_url', 'errors', 'soa_edit_api']);

function masked(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(masked);
    return items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  const fields = new Map(Object.entries(value));
  if (fields.get('type') === 'SOA') fields.set('records', 'SOA');
  if (fields.has('error')) fields.set('error', typeof fields.get('error') === 'string' && fields.get('error') !== '');
  return Object.fromEntries([...fields].filter(([name]) => !MASKED.has(name)).map(([name, each]) => [name, masked(each)]));
}

const set = (name: string, type: string, contents: readonly string[], more: object = {}) => ({
  name,
  type,
  ttl: 300,
  changetype: 'REPLACE',
  records: contents.map((content) => ({ content, disabled: false })),
  ...more,
});
const patch = (...rrsets: readonly unknown[]): Step => ({ method: 'PATCH', path: Z, body: { rrsets } });
const www = 'www.example.com.';

const SAME: readonly Step[] = [
  { path: '/api' },
  { path: '/api/v1' },
  { path: '/api/v1/servers' },
  { path: S },
  { path: '/api/v1/servers/other' },
  { path: `${S}/nothing` },
  { path: `${S}/zones` },
  { path: `${S}/zones?zone=example.com.` },
  { path: `${S}/zones?zone=.` },
  { path: Z },
  { method: 'PATCH', path: Z, body: { rrsets: [] } },
  { method: 'PUT', path: `${Z}/notify` },
  { path: `${Z}/cryptokeys` },
  { path: `${Z}/metadata` },
  {
    method: 'POST',
    path: `${S}/zones`,
    body: { name: 'example.com.', kind: 'Native', nameservers: ['ns1.example.com.', 'ns2.example.net.'] },
  },
  { method: 'POST', path: `${S}/zones`, body: { name: 'example.com.', kind: 'Native', nameservers: ['ns1.example.com.'] } },
  { method: 'POST', path: `${S}/zones`, body: { name: 'example.org', kind: 'Native', nameservers: ['ns1.example.com.'] } },
  { method: 'POST', path: `${S}/zones`, body: { name: 'example.org.', kind: 'Native', nameservers: ['ns1'] } },
  {
    method: 'POST',
    path: `${S}/zones`,
    body: {
      name: 'example.org.',
      kind: 'Native',
      nameservers: ['ns1.example.org.'],
      rrsets: [set('example.org.', 'NS', ['ns1.example.org.'])],
    },
  },
  // octoDNS: lower case, no name servers but those in rrsets, a serial.
  {
    method: 'POST',
    path: `${S}/zones`,
    body: {
      name: 'octo.example.',
      kind: 'native',
      masters: [],
      nameservers: [],
      soa_edit_api: 'default',
      serial: 0,
      rrsets: [set('octo.example.', 'NS', ['ns1.example.net.'], { comments: undefined })],
    },
  },
  { path: `${S}/zones` },
  { path: `${S}/zones?zone=example.com.` },
  { path: `${S}/zones?zone=nothing.` },
  { path: Z },
  { path: `${S}/zones/example.com` },
  { path: `${S}/zones/example=2Ecom=2E` },
  { path: `${S}/zones/example%2Ecom.` },
  { path: `${Z}?rrsets=false` },
  patch(set(www, 'A', ['192.0.2.1'])),
  patch({ ...set(www, 'a', ['192.0.2.1', '192.0.2.2']), changetype: 'replace' }),
  { ...patch(set(www, 'A', ['192.0.2.3'])), type: 'application/json' },
  { ...patch(set(www, 'A', ['192.0.2.3'])), type: 'application/x-www-form-urlencoded' },
  patch({ ...set(www, 'A', ['192.0.2.1']), ttl: '300' }),
  patch(set(www, 'A', ['192.0.2.1', '192.0.2.1'])),
  patch(set('www.example.net.', 'A', ['192.0.2.1'])),
  patch({ ...set(www, 'A', ['192.0.2.1']), ttl: undefined }),
  patch({ ...set(www, 'A', ['192.0.2.1']), changetype: undefined }),
  patch({ ...set(www, 'A', ['192.0.2.1']), changetype: 'FOO' }),
  patch({ ...set(www, 'A', ['192.0.2.1']), name: undefined }),
  patch({ ...set(www, 'A', ['192.0.2.1']), type: undefined }),
  patch({ ...set(www, 'A', ['192.0.2.1']), records: null }),
  patch({ ...set(www, 'A', ['192.0.2.1']), records: [{}] }),
  patch(set(www, 'NOPE', ['192.0.2.1'])),
  patch(set(www, 'A', ['nope'])),
  patch(1),
  { method: 'PATCH', path: Z, body: {} },
  { method: 'PATCH', path: Z, body: [] },
  { method: 'PATCH', path: Z, body: '"x"' },
  { method: 'PATCH', path: Z, body: { rrsets: {} } },
  { method: 'PATCH', path: Z, body: '{"rrsets":' },
  { method: 'PATCH', path: Z, body: '' },
  patch(set('c.example.com.', 'CNAME', ['www'])),
  patch(set('c.example.com.', 'CNAME', ['WWW.example.com.'])),
  patch(set('c.example.com.', 'A', ['192.0.2.1'])),
  patch(set('m.example.com.', 'MX', ['10 mail'])),
  patch(set('m.example.com.', 'MX', ['10 mail.example.net.'])),
  patch(set('six.example.com.', 'AAAA', ['2001:DB8:0:0::1'])),
  patch(set('t.example.com.', 'TXT', ['unquoted'])),
  patch(set('t.example.com.', 'TXT', ['"v=DMARC1\\; p=none"'])),
  patch(set('long.example.com.', 'TXT', [`"${'k'.repeat(400)}"`])),
  patch(set('f.example.com.', 'A', ['192.0.2.1']), set('f.example.com.', 'A', ['192.0.2.2'])),
  // A becomes CNAME in one transaction.
  patch(set('e.example.com.', 'A', ['192.0.2.1'])),
  patch({ name: 'e.example.com.', type: 'A', changetype: 'DELETE', ttl: 300, records: [] }, set('e.example.com.', 'CNAME', [www])),
  patch({ name: 'gone.example.com.', type: 'A', changetype: 'DELETE', records: null }),
  patch({ name: 'e.example.com.', type: 'CNAME', changetype: 'DELETE' }),
  // cert-manager's webhook deletes so, and once more.
  patch(set('t.example.com.', 'TXT', [])),
  patch(set('t.example.com.', 'TXT', [])),
  patch(set('t.example.com.', 'TXT', ['"a"', '"b"'], { kind: 'Master' })),
  patch(set('example.com.', 'SOA', ['ns1.example.com. host.example.com. 77 10800 3600 604800 3600'])),
  { method: 'PATCH', path: Z, body: { name: '', type: 'Zone', nameservers: [], rrsets: [] } },
  { path: Z },
  { method: 'PUT', path: `${Z}/notify` },
  { method: 'PUT', path: `${Z}/notify`, body: '', type: 'application/json' },
  { method: 'PUT', path: `${Z}/notify`, body: '', type: 'application/x-www-form-urlencoded' },
  { method: 'PUT', path: `${Z}/notify`, body: '{}', type: 'application/json' },
  { method: 'PUT', path: `${Z}/rectify` },
  { path: `${Z}/metadata` },
  { method: 'PUT', path: `${Z}/metadata/SOA-EDIT-API`, body: { metadata: ['X'] } },
  { path: `${S}/tsigkeys` },
  { path: `${S}/search-data?q=nothing&max=10` },
  { path: `${S}/search-data?q=&max=10` },
  { path: `${S}/search-data?q=x&max=0` },
  { path: `${Z}/cryptokeys/77` },
  { method: 'PUT', path: Z, body: { name: 'example.com.', kind: 'Master', account: 'admin', soa_edit_api: '' } },
  { path: `${Z}?rrsets=false` },
  { method: 'DELETE', path: `${S}/zones/octo.example.` },
  { method: 'DELETE', path: `${S}/zones/octo.example.` },
  { method: 'DELETE', path: '/api/v1/servers' },
];

test(`${SAME.length} requests: status, content type and JSON as PowerDNS has them`, { timeout: 60_000 }, async () => {
  const differences: unknown[] = [];
  for (const step of SAME) {
    const [theirs, ours] = await both(step);
    const [a, b] = [theirs, ours].map((each) => ({ ...each, body: masked(each.body) }));
    if (JSON.stringify(a) !== JSON.stringify(b)) differences.push({ step, theirs: a, ours: b, said: ours.body });
  }
  expect(differences).toEqual([]);
});

test('the order of the keys in a zone and in an RRset is that of PowerDNS', async () => {
  const [theirs, ours] = await both({ path: Z });
  const keys = (value: unknown) => Object.keys(Object(value));
  expect(keys(ours.body)).toEqual(keys(theirs.body));
  const rrset = ({ body }: Answer) => keys((body as { rrsets: unknown[] }).rrsets[0]);
  expect(rrset(ours)).toEqual(rrset(theirs));
});

/** Status of PowerDNS, ours, and why. */
const DIFFERENT: readonly (readonly [string, number, number, Step])[] = [
  ['a name without its last dot is taken, with a warning', 422, 204, patch(set('nodot.example.com', 'A', ['192.0.2.1']))],
  [
    'a disabled record would be published',
    204,
    422,
    patch(set(www, 'A', ['192.0.2.1'], { records: [{ content: '192.0.2.1', disabled: true }] })),
  ],
  ['set-ptr is ignored by 4.7', 204, 422, patch(set(www, 'A', [], { records: [{ content: '192.0.2.1', 'set-ptr': true }] }))],
  ['an empty list of comments changes nothing', 422, 204, patch(set(www, 'A', ['192.0.2.1'], { comments: [] }))],
  [
    'a comment cannot be kept',
    422,
    422,
    patch(set(www, 'A', ['192.0.2.1'], { comments: [{ content: 'x', account: '', modified_at: 1 }] })),
  ],
  ['EXTEND is of newer versions', 422, 204, patch({ ...set('ext.example.com.', 'A', ['192.0.2.1']), changetype: 'EXTEND' })],
  ['PRUNE is of newer versions', 422, 204, patch({ ...set('ext.example.com.', 'A', ['192.0.2.1']), changetype: 'PRUNE' })],
  ['an ALIAS out of our zones needs a resolver', 204, 422, patch(set('alias.example.com.', 'ALIAS', ['lb.example.net.']))],
  ['a TTL below 0 is none', 204, 422, patch({ ...set(www, 'A', ['192.0.2.1']), ttl: -1 })],
  [
    'a kind that is none is taken for Native',
    201,
    422,
    { method: 'POST', path: `${S}/zones`, body: { name: 'k.example.', kind: 'x', nameservers: ['a.b.'] } },
  ],
  [
    'a zone without NS is lame',
    201,
    422,
    { method: 'POST', path: `${S}/zones`, body: { name: 'ns.example.', kind: 'Native', nameservers: [] } },
  ],
  ['a zone in any case', 422, 200, { path: `${S}/zones?zone=EXAMPLE.com` }],
];

test.each(DIFFERENT)('differs: %s', async (_why, theirs, ours, step) => {
  const answers = await both(step);
  expect(answers.map(({ status }) => status)).toEqual([theirs, ours]);
  if (ours === 422) expect(answers[1].body).toEqual({ error: expect.stringMatching(/\S/), errors: [expect.any(String)] });
});

test('a wrong token is 401 in both, a reason phrase is never missing', async () => {
  const answers = await Promise.all(
    [peer.url, `http://127.0.0.1:${server.adminPort}`].map((url) => ask(url, 'wrong', { path: `${S}/zones` })),
  );
  expect(answers.map(({ status, phrase, type, body }) => [status, phrase, type, body])).toEqual(
    Array.from({ length: 2 }, () => [401, 'Unauthorized', 'text/plain; charset=utf-8', 'Unauthorized']),
  );
});
