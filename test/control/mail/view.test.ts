/** How a zone's mail stands, for those who read it: with a policy all of it, without one what was uploaded. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { hostedFileName } from '#mail/bimi/hosted-file.ts';
import { LOGO } from '../../support/mail/mark-certificate.ts';
import { bad, good, MAIL_ZONE_TEXT, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('post.example.');
const FILE = hostedFileName(LOGO, 'svg');
const POLICY = { dkim: { algorithms: [] }, mtaSts: { mode: 'off' }, bimi: { hosted: true } };

async function control() {
  const made = temporaryControl({ sources: [] });
  await made.load('post.example.', MAIL_ZONE_TEXT);
  const record = () => made.writer.zoneByName(ZONE)!;
  return { ...made, record, mail: made.control.mail };
}

test('a zone without a policy has no view; a look at its hosts says that it has none', async () => {
  const { mail, record } = await control();
  expect(mail.view(record())).toBeUndefined();
  expect(mail.bimi(record())).toEqual({ uploads: [], served: [], lines: [] });
  expect(bad(await mail.liveTlsa(record(), {}))).toMatchObject([{ code: 'MAIL_NO_POLICY' }]);
  expect((await mail.proposal(record())).document).toBeTypeOf('object');
});

test('every life is explained, and what stands against the records', async () => {
  const made = await control();
  const { mail, record } = made;
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  const view = mail.view(record())!;
  expect(view.explanations.map(({ machine }) => machine)).toEqual(expect.arrayContaining(['dmarc', 'mta-sts', 'bimi']));
  expect(view.problems.map(({ code }) => code)).toContain('MAIL_BIMI_UPLOAD');
});

test('an upload has its stage once the policy has it hosted; its octets are found by name and by no other text', async () => {
  const made = await control();
  const { mail, record } = made;
  good(await made.run({ kind: 'bimi.upload', zone: ZONE, selector: 'default', logo: new Uint8Array(LOGO) }));
  expect(mail.bimi(record()).uploads).toMatchObject([{ selector: 'default', title: 'Example', logo: { name: FILE } }]);
  expect(mail.bimi(record()).uploads[0]).not.toHaveProperty('stage');
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  const { uploads, served, lines } = mail.bimi(record());
  expect([uploads[0]?.stage, served[0]?.object]).toEqual(['served', 'bimi-logo-1']);
  expect(lines.join('\n')).toContain('the BIMI record is held back');
  expect(Buffer.from(mail.bimiFile(record(), FILE)!)).toEqual(LOGO);
  for (const name of ['bimi-uploads', '../x', '', `${FILE} `, FILE.replace('.svg', '.pem')])
    expect(mail.bimiFile(record(), name)).toBeUndefined();
});
