/** What of a restored store is older than the world, asked outside. */
import { expect, test } from 'vitest';
import { formatIpPort } from '#base/address.ts';
import { type AskServer } from '#control/dnssec/parent.ts';
import { type DirectReply } from '#control/outside/direct-question.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { TYPE } from '#dns/types.ts';
import { dsRdata } from '#dnssec/ds.ts';
import { MAIL_ZONE_TEXT, good, temporaryControl } from '../../support/temporary-control.ts';

const MAIL = nameOf('mail.example.');

/** By server, name and type: the one record that is answered; no other question is. */
async function serverWith(answers: Readonly<Record<string, Uint8Array>>) {
  const askServer: AskServer = (server, name, type): Promise<DirectReply> => {
    const rdata = answers[`${formatIpPort(server)} ${formatName(name)} ${type}`];
    if (rdata === undefined) return Promise.resolve({ failure: 'does not answer' });
    const record = { ttl: 60, rdata };
    return Promise.resolve({
      reply: { rcode: 0, isAuthoritative: true, isValidated: false, count: 1, records: [record] } as never,
    });
  };
  const server = temporaryControl({ askServer });
  await server.load('mail.example.', MAIL_ZONE_TEXT);
  await server.load('plain.example.', MAIL_ZONE_TEXT, { dnssec: false });
  return server;
}

test('review names a secondary with a newer serial, a DS of a key that is lost, and another MTA-STS id; silence is no finding', async () => {
  const lost = new Uint8Array([1, 1, 3, 13, ...Array.from({ length: 64 }, (_, at) => at)]);
  const soa = good(parseRecordData(TYPE.SOA, 'ns1.mail.example. host.mail.example. 999999999 1 1 1 1', MAIL));
  const txt = good(parseRecordData(TYPE.TXT, '"v=STSv1; id=20300101"', MAIL));
  const server = await serverWith({
    [`192.0.2.7:53 mail.example. ${TYPE.SOA}`]: soa,
    [`192.0.2.7:53 _mta-sts.plain.example. ${TYPE.TXT}`]: txt,
    [`192.0.2.9:53 mail.example. ${TYPE.DS}`]: dsRdata(MAIL, lost, 2),
  });
  const operations = [{ op: 'set', name: '_mta-sts', type: 'TXT', ttl: 60, records: ['v=STSv1; id=1'] }] as const;
  good(await server.run({ kind: 'rrsets.change', zone: nameOf('plain.example.'), operations }));
  for (const zone of [MAIL, nameOf('plain.example.')])
    good(await server.run({ kind: 'secondary.add', zone, ip: '192.0.2.7', port: 53 }));
  good(await server.run({ kind: 'secondary.add', zone: MAIL, ip: '192.0.2.8', port: 53 }));
  good(await server.run({ kind: 'dnssec.policy', zone: MAIL, policy: { parentServers: ['192.0.2.9'] } }));
  const { findings, unanswered, zones } = await server.control.backups.review();
  expect(zones).toBe(2);
  expect(findings.map(({ zone, kind, text }) => `${zone} ${kind} ${text}`).toSorted()).toEqual([
    expect.stringMatching(/^mail\.example\. ds .*of a key that is not in the store/),
    expect.stringMatching(/^mail\.example\. serial secondary 192\.0\.2\.7 port 53 has serial 999999999/),
    expect.stringMatching(/^plain\.example\. mta-sts secondary 192\.0\.2\.7 port 53 gives out "v=STSv1; id=20300101"/),
  ]);
  expect(unanswered.toSorted()).toEqual([
    'mail.example. 192.0.2.8 port 53: does not answer',
    'plain.example. 192.0.2.7 port 53: does not answer',
  ]);
});
