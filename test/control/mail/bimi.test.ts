/** Uploads in the store over the life of a logo: which files are kept, which go with what, and how much is too much. */
import { expect, test } from 'vitest';
import { formatRdata } from '#dns/registry.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type BimiProbe } from '#control/outside/file-probes.ts';
import { BIMI_HOSTED_PAIRS_MAX } from '#base/limits/mail.ts';
import { hostedFileName } from '#mail/bimi/hosted-file.ts';
import { hostedFileNames, readHostedFile } from '#store/hosted/files.ts';
import { readBimiUploads } from '#store/hosted/bimi-uploads.ts';
import { readMailState } from '#store/mail/state.ts';
import { LOGO } from '../../support/mail/mark-certificate.ts';
import { bad, good, MAIL_ZONE_TEXT, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('post.example.');
const DAY_MS = 86_400_000;
const POLICY = {
  dkim: { algorithms: [] },
  spf: { enabled: false },
  dmarc: { policy: 'reject', ramp: { enabled: false }, rua: [] },
  mtaSts: { mode: 'off' },
  bimi: { hosted: true },
};
const logo = (title: string) => new Uint8Array(Buffer.from(LOGO.toString().replace('Example', title)));
const [A, B] = [logo('A'), logo('B')];
const nameA = hostedFileName(A, 'svg');
const nameB = hostedFileName(B, 'svg');

/** What the probe outside sees; octets unless it is to fail. */
async function hosting(probe: BimiProbe = (_url, name) => Promise.resolve(name === nameA ? A : B)) {
  const witnesses = { nameServers: new Map(), probes: new Map([['p', () => Promise.resolve('')]]), bimiProbes: new Map([['p', probe]]) };
  const made = temporaryControl({ sources: ['mail'], witnesses });
  await made.load('post.example.', MAIL_ZONE_TEXT);
  made.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  const id = made.writer.zoneByName(ZONE)!.id;
  const upload = (octets: Uint8Array, selector = 'default') => made.run({ kind: 'bimi.upload', zone: ZONE, selector, logo: octets });
  const record = () => {
    const node = made.writer.view(made.writer.zoneByName(ZONE)!).node(ownerKey(nameOf('default._bimi.post.example.')));
    return (node?.rrsets.find(({ type }) => type === TYPE.TXT)?.rdatas ?? []).map((rdata) => formatRdata(TYPE.TXT, rdata)).join();
  };
  const stages = () => readMailState(made.writer, id)?.bimi?.files.objects.map(({ stage }) => stage) ?? [];
  return { ...made, id, upload, record, stages, files: () => hostedFileNames(made.writer, id).toSorted() };
}

test('a file stays as long as its life, and goes in the transaction that ends it', async () => {
  const made = await hosting();
  good(await made.upload(A));
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  expect([made.stages(), made.record(), made.files()]).toEqual([['served'], '', [nameA]]);
  await made.live(60_000);
  expect([made.stages(), made.record()]).toEqual([['confirmed'], expect.stringContaining(`/bimi/${nameA};`)]);
  good(await made.upload(B));
  await made.live(3 * 3_600_000);
  expect([made.stages(), made.record()]).toEqual([['superseded', 'confirmed'], expect.stringContaining(`/bimi/${nameB};`)]);
  expect(made.files()).toEqual([nameA, nameB].toSorted());
  await made.live(31 * DAY_MS);
  expect([made.stages(), made.files()]).toEqual([['confirmed'], [nameB]]);
  good(await made.run({ kind: 'bimi.remove', zone: ZONE, selector: 'default' }));
  expect([made.record(), made.files(), readBimiUploads(made.writer, made.id)]).toEqual(['', [nameB], {}]);
  await made.live(31 * DAY_MS);
  expect([made.stages(), made.files()]).toEqual([[], []]);
});

test('other octets than those that were uploaded hold the record back, and status says so', async () => {
  const made = await hosting(() => Promise.resolve(B));
  good(await made.upload(A));
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  await made.live(3_600_000);
  expect([made.stages(), made.record()]).toEqual([['served'], '']);
  const { lines } = made.control.mail.bimi(made.writer.zoneByName(ZONE)!);
  expect(lines.join('\n')).toContain('other octets than those that were uploaded');
});

test('a policy that is removed leaves the upload and no more; a record that stays is warned of', async () => {
  const made = await hosting();
  good(await made.upload(A));
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  await made.live(60_000);
  good(await made.upload(B));
  await made.live(60_000);
  expect(made.files()).toHaveLength(2);
  const removed = good(await made.run({ kind: 'mail.remove', zone: ZONE, records: 'keep' }));
  expect(removed.warnings).toMatchObject([{ code: 'MAIL_BIMI_HOST', message: expect.stringContaining('no longer served') }]);
  expect([made.stages(), made.files(), made.record()]).toEqual([[], [nameB], expect.stringContaining(nameB)]);
  good(await made.run({ kind: 'zone.remove', zone: ZONE }));
  expect([made.files(), readBimiUploads(made.writer, made.id)]).toEqual([[], {}]);
});

test('without a policy the upload is kept, replaced and removed with its file', async () => {
  const made = await hosting();
  good(await made.upload(A));
  expect(Buffer.from(readHostedFile(made.writer, made.id, nameA)!)).toEqual(Buffer.from(A));
  good(await made.upload(B));
  expect(made.files()).toEqual([nameB]);
  good(await made.upload(B, 'other'));
  good(await made.run({ kind: 'bimi.remove', zone: ZONE, selector: 'default' }));
  expect(made.files()).toEqual([nameB]);
  good(await made.run({ kind: 'bimi.remove', zone: ZONE, selector: 'OTHER' }));
  expect(made.files()).toEqual([]);
  expect(bad(await made.run({ kind: 'bimi.remove', zone: ZONE, selector: 'other' }))).toMatchObject([{ code: 'BIMI_UPLOAD_NOT_FOUND' }]);
});

test('what is kept of one domain has an end; the problem says what can go', async () => {
  const octets = new Map<string, Uint8Array>();
  const made = await hosting((_url, name) => Promise.resolve(octets.get(name) ?? A));
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  let last: Awaited<ReturnType<typeof made.upload>> | undefined;
  for (let at = 0; at <= BIMI_HOSTED_PAIRS_MAX && last?.ok !== false; at++) {
    const each = logo(`T${at}`);
    octets.set(hostedFileName(each, 'svg'), each);
    last = await made.upload(each);
    await made.live(10_000);
  }
  expect(bad(last!).slice(0, 1)).toMatchObject([
    { code: 'BIMI_UPLOADS_FULL', fix: expect.stringContaining('waxseal mail override post.example bimi-logo-1 kept') },
  ]);
  expect(made.files()).toHaveLength(BIMI_HOSTED_PAIRS_MAX);
  expect(made.stages().filter((stage) => stage === 'confirmed')).toHaveLength(1);
});

test('an upload is in the audit log and among the events by the name of its files, never by its octets', async () => {
  const made = await hosting();
  good(await made.upload(A));
  const text = JSON.stringify([made.control.audit.entries(10), made.control.events.after(0, 50)]);
  expect(text).toContain(`BIMI logo ${nameA} without evidence for selector default`);
  expect(text).toContain('bimi.upload');
  expect(text).not.toContain('<svg');
});
