/** A client of CAs: nonces, what is repeated, and what kind of failure an answer is. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AcmeClient } from '#control/certificate/acme-client.ts';
import { type AcmeReply, type AcmeRequest, AcmeSilence } from '#control/certificate/acme-request.ts';

const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const DIRECTORY = {
  url: 'https://ca.example/dir',
  newNonce: 'https://ca.example/nonce',
  newAccount: 'https://ca.example/account',
  newOrder: 'https://ca.example/order',
  profiles: [],
  caaIdentities: [],
  isExternalAccountRequired: false,
};

/** A client whose requests get these replies, one after the other; a text is silence. */
function clientOf(...replies: readonly (Partial<AcmeReply> | string)[]) {
  const asked: AcmeRequest[] = [];
  const left = [...replies];
  const client = new AcmeClient({
    nowMs: () => 0,
    transport: (request) => {
      asked.push(request);
      const next = left.shift();
      if (next === undefined || typeof next === 'string') return Promise.reject(new AcmeSilence(next ?? 'nothing is left'));
      return Promise.resolve({ status: 200, text: '{}', ...next });
    },
  });
  return { client, asked };
}

const nonceOf = ({ body = '' }: AcmeRequest): string =>
  JSON.parse(Buffer.from(JSON.parse(body).protected as string, 'base64url').toString()).nonce as string;
const post = (client: AcmeClient) => client.post(DIRECTORY, { key: KEY }, DIRECTORY.newAccount, {});
const error = (status: number, type: string, more: Partial<AcmeReply> = {}): Partial<AcmeReply> => ({
  status,
  text: JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail: 'because' }),
  ...more,
});

describe('RFC 8555 §6.5: nonces', () => {
  test('the first is asked for; each answer brings the next', async () => {
    const { client, asked } = clientOf({ nonce: 'n1' }, { nonce: 'n2' }, { nonce: 'n3' });
    await post(client);
    await post(client);
    expect(asked.map(({ method }) => method)).toEqual(['HEAD', 'POST', 'POST']);
    expect(asked.slice(1).map(nonceOf)).toEqual(['n1', 'n2']);
  });

  test('one that is rejected is replaced by that of the rejection, and the request sent again', async () => {
    const { client, asked } = clientOf({ nonce: 'n1' }, error(400, 'badNonce', { nonce: 'n2' }), { nonce: 'n3' });
    expect(await post(client)).toMatchObject({ ok: true });
    expect(asked.slice(1).map(nonceOf)).toEqual(['n1', 'n2']);
  });

  test('a CA that rejects them all is asked again later', async () => {
    const rejected = Array.from({ length: 40 }, (_, at) => error(400, 'badNonce', { nonce: `m${at}` }));
    const { client, asked } = clientOf({ nonce: 'n1' }, ...rejected);
    expect(await post(client)).toMatchObject({ ok: false, what: 'again', problem: { code: 'ACME_UNREACHABLE' } });
    expect(asked.length).toBeLessThanOrEqual(16);
  });

  test('a CA that gives none', async () => {
    const { client } = clientOf({}, {}, {});
    expect(await post(client)).toMatchObject({ ok: false, problem: { message: 'the CA gives no nonce (HTTP status 200)' } });
  });
});

describe('what kind of failure', () => {
  const kinds: [string, Partial<AcmeReply> | string, object][] = [
    ['no answer', 'the connection broke off', { what: 'again', problem: { code: 'ACME_UNREACHABLE' } }],
    ['a fault of the CA', error(500, 'serverInternal'), { what: 'again', problem: { code: 'ACME_UNREACHABLE' } }],
    ['a page of a proxy', { status: 503, text: '<html>' }, { what: 'again', problem: { message: 'the CA has a fault: HTTP status 503' } }],
    ['a redirect', { status: 307, text: '' }, { what: 'again', problem: { code: 'ACME_UNREACHABLE' } }],
    ['a limit', error(429, 'rateLimited', { retryAfterMs: 60_000 }), { what: 'again', retryAfterMs: 60_000, type: 'rateLimited' }],
    ['a rejection', error(403, 'unauthorized'), { what: 'rejected', type: 'unauthorized', problem: { code: 'ACME_REJECTED' } }],
    ['not found', { status: 404, text: '' }, { what: 'rejected' }],
  ];
  for (const [name, reply, expected] of kinds)
    test(`is ${name}`, async () => {
      const { client } = clientOf(reply, reply, reply);
      expect(await client.get('https://ca.example/x')).toMatchObject({ ok: false, ...expected });
    });

  test('what may be repeated is asked three times; a new order once', async () => {
    const all = clientOf('silence', 'silence', {});
    expect(await all.client.get('https://ca.example/x')).toMatchObject({ ok: true });
    const once = clientOf({ nonce: 'n1' }, 'silence', {});
    expect(await once.client.postOnce(DIRECTORY, { key: KEY }, DIRECTORY.newOrder, {})).toMatchObject({ ok: false });
    expect(once.asked).toHaveLength(2);
  });
});

test('RFC 8555 §7.1.1: a directory is read once an hour', async () => {
  const { url: _url, profiles: _profiles, caaIdentities: _identities, isExternalAccountRequired: _required, ...resources } = DIRECTORY;
  const { client, asked } = clientOf({ text: JSON.stringify(resources) });
  expect(await client.directory(DIRECTORY.url)).toMatchObject({ ok: true });
  expect(await client.directory(DIRECTORY.url)).toMatchObject({ ok: true, value: { newOrder: DIRECTORY.newOrder } });
  expect(asked).toHaveLength(1);
});
