/** Zones are listed for those who may see them, and made as octoDNS and Terraform want them. */
import { describe, expect, test } from 'vitest';
import { powerdnsBench, replace } from '../../support/admin/powerdns-bench.ts';

const ZONES = '/api/v1/servers/localhost/zones';

describe('the list', () => {
  test('has what the token may see; a name finds none or one, and is never 404', async () => {
    const { ask } = await powerdnsBench({ grants: [{ zone: 'example.com.', may: 'read', types: ['TXT'] }] });
    const names = async (query: string) => (await ask('GET', ZONES + query)).json<{ name: string }[]>().map(({ name }) => name);
    expect(await names('')).toEqual(['example.com.']);
    expect(await names('?zone=EXAMPLE.com')).toEqual(['example.com.']);
    for (const other of ['www.example.com.', 'com.', '.', '=2E', 'other.test.']) expect(await names(`?zone=${other}`)).toEqual([]);
    const stranger = await powerdnsBench({ scopes: ['zone:other.test.'] });
    expect((await stranger.ask('GET', `${ZONES}?zone=example.com.`)).json()).toEqual([]);
    expect((await ask('GET', `${ZONES}?zone=a..b`)).statusCode).toBe(422);
  });
});

describe('a new zone', () => {
  test('of octoDNS: words in lower case, NS in rrsets, no SOA', async () => {
    const { ask } = await powerdnsBench();
    const rrsets = [replace('octo.test.', 'NS', 'ns1.example.net.'), replace('www.octo.test.', 'A', '192.0.2.1')];
    const made = await ask('POST', ZONES, {
      name: 'octo.test.',
      kind: 'native',
      masters: [],
      nameservers: [],
      rrsets,
      soa_edit_api: 'default',
      serial: 0,
    });
    expect([made.statusCode, made.json()]).toMatchObject([
      201,
      {
        id: 'octo.test.',
        kind: 'Native',
        soa_edit_api: 'DEFAULT',
        dnssec: true,
        rrsets: [
          { type: 'NS' },
          { type: 'SOA', records: [{ content: 'ns1.example.net. hostmaster.octo.test. 1 10800 3600 604800 3600' }] },
          { type: 'A' },
        ],
      },
    ]);
    expect((await ask('POST', ZONES, { name: 'octo.test.', kind: 'native', nameservers: ['ns1.example.net.'] })).body).toBe('Conflict');
  });

  test('of Terraform: its empty soa_edit_api and its account come back', async () => {
    const { ask } = await powerdnsBench();
    const body = {
      id: '',
      name: 'tf.test.',
      url: '',
      kind: 'Native',
      dnsssec: false,
      serial: 0,
      account: 'admin',
      nameservers: ['ns1.example.net.'],
      soa_edit_api: '',
    };
    expect((await ask('POST', ZONES, body)).json()).toMatchObject({ account: 'admin', soa_edit_api: '', kind: 'Native' });
    expect((await ask('DELETE', `${ZONES}/tf.test.`)).statusCode).toBe(204);
  });

  test('of another name than the token may manage is 403, also where it could not be seen', async () => {
    const { ask } = await powerdnsBench({ grants: [{ zone: 'mine.test.', may: 'manage' }] });
    const body = (name: string) => ({ name, kind: 'Native', nameservers: ['ns1.example.net.'] });
    expect((await ask('POST', ZONES, body('example.com.'))).statusCode).toBe(403);
    expect((await ask('POST', ZONES, body('other.test.'))).statusCode).toBe(403);
    expect((await ask('POST', ZONES, body('mine.test.'))).statusCode).toBe(201);
  });
});
