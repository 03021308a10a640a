/** RFC 9859 §4.1 when servers of the parent fail: the next one is asked, and without an answer nothing is concluded. */
import { expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { type DirectReply } from '#control/outside/direct-question.ts';
import { findDsync } from '#control/outside/dsync-search.ts';
import { dsyncRdata } from '#dns/dsync.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { RCODE, TYPE } from '#dns/types.ts';

const CHILD = nameOf('a.b.example.');
const EXAMPLE = nameOf('example.');
const DATA = dsyncRdata({ rrType: TYPE.CDS, port: 53, target: nameOf('x.example.') });

const reply = (rcode: number, records: readonly Uint8Array[] = [], isAuthoritative = true): DirectReply => ({
  reply: {
    rcode,
    isAuthoritative,
    isTruncated: false,
    records: records.map((rdata) => ({ ttl: 60, rdata })),
    count: records.length,
    denier: EXAMPLE,
  },
});

/** What is found, and what was asked, when each server gives the reply at its place. */
async function search(replies: readonly DirectReply[], parent?: Uint8Array) {
  const asked: string[] = [];
  const servers = replies.map((_, at) => ipPort(`192.0.2.${at}`, 53));
  const found = await findDsync({
    child: CHILD,
    parent,
    servers,
    ask(server, name) {
      asked.push(`${server.ip} ${formatName(name)}`);
      return Promise.resolve(replies[Number(server.ip.split('.')[3])]!);
    },
  });
  return { found, asked };
}

test('a server that fails, refuses or has no authority is passed over', async () => {
  const bad = [{ failure: 'does not answer' }, reply(RCODE.REFUSED), reply(RCODE.NOERROR, [DATA], false)];
  const { found, asked } = await search([...bad, reply(RCODE.NOERROR, [DATA])]);
  expect(found).toMatchObject({ endpoint: { rrType: TYPE.CDS, port: 53 } });
  expect(asked).toHaveLength(4);
});

test('without any answer there is no endpoint, and no word that there is none', async () => {
  expect((await search([reply(RCODE.SERVFAIL)])).found).toMatchObject({
    isNone: false,
    text: expect.stringContaining('SERVFAIL') as string,
  });
  expect((await search([])).found).toMatchObject({ isNone: false });
});

test('a parent that is known is not guessed: the name is built from it at once', async () => {
  const { found, asked } = await search([reply(RCODE.NXDOMAIN)], EXAMPLE);
  expect(found).toMatchObject({ isNone: true });
  expect(asked).toEqual(['192.0.2.0 a.b._dsync.example.', '192.0.2.0 _dsync.example.']);
});

test('a parent that is one label above is not asked the same name again', async () => {
  const { asked } = await search([reply(RCODE.NXDOMAIN)], nameOf('b.example.'));
  expect(asked).toEqual(['192.0.2.0 a._dsync.b.example.', '192.0.2.0 _dsync.b.example.']);
});
