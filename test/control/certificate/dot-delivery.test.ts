/** The certificate of DNS over TLS on its way to the answer process: as it is, when it is another one, and why there is none. */
import { expect, test } from 'vitest';
import { type CallOutcome } from '#base/ipc/calls.ts';
import { readTlsCertificate } from '#base/ipc/tls-certificate.ts';
import { type Log } from '#base/log.ts';
import { fail, ok } from '#base/problem.ts';
import { makeCertificateKey, selfSignedCertificate, toPem } from '#certificate/x509.ts';
import { DotDelivery, type DotDeliveryOptions } from '#control/certificate/dot-delivery.ts';
import { nameOf } from '#dns/name.ts';
import { type HostCertificate, hostKeyWrite } from '#store/tls/host-certificate.ts';
import { HOST, TEST_NOW_MS, ZONE, certificateHouse } from '../../support/acme/certificate-house.ts';
import { TEST_ACTOR, good } from '../../support/temporary-control.ts';
import { countedRandom } from '../../support/temporary-store.ts';

const DAY_MS = 86_400_000;
const NOTHING: CallOutcome = { ok: true, body: new Uint8Array(0) };

async function house(more: Partial<DotDeliveryOptions> = {}) {
  const made = await certificateHouse();
  const sent: (string | undefined)[] = [];
  const lines: string[] = [];
  let outcome: CallOutcome = NOTHING;
  const request = (_: string, body: Uint8Array) => {
    sent.push(readTlsCertificate(body)?.chain);
    return Promise.resolve(outcome);
  };
  const say = (event: string, text: string) => void lines.push(`${event}: ${text}`);
  const log = { warn: say, info: say } as unknown as Log;
  const delivery = new DotDelivery({
    reader: made.writer,
    sealer: () => ok(made.writer.sealer),
    host: HOST,
    isSelfSigned: false,
    calls: { request },
    log,
    ...more,
  });
  let version = 0;
  const install = async (origin: HostCertificate['origin'] = 'file') => {
    const key = await makeCertificateKey('ecdsa-p256');
    const [notBeforeMs, notAfterMs] = [TEST_NOW_MS - DAY_MS, TEST_NOW_MS + DAY_MS];
    const der = selfSignedCertificate({ hosts: [HOST], privateKey: key, notBeforeMs, notAfterMs, random: countedRandom() });
    const certificate = { host: HOST, chain: toPem('CERTIFICATE', der), keyVersion: ++version, notBeforeMs, notAfterMs, origin };
    const pkcs8 = { der: new Uint8Array(key.export({ type: 'pkcs8', format: 'der' })), version };
    const secret = hostKeyWrite(made.writer.sealer, made.writer.zoneByName(ZONE)!.id, HOST, pkcs8);
    const command = { kind: 'certificate.install', zone: nameOf('post.example.'), certificate, secret } as const;
    good(await made.control.run(command, { actor: TEST_ACTOR, dryRun: false }));
    return certificate.chain;
  };
  return { ...made, delivery, sent, lines, install, answer: (next: CallOutcome) => (outcome = next) };
}

const hello = { kind: 'hello', role: 'answer', pid: 1 } as const;

test('each answer process gets the certificate, and a new one when it changes; nothing is sent twice', async () => {
  const { delivery, sent, lines, install } = await house();
  const first = await install();
  await delivery.look();
  // There is no answer process yet.
  expect(sent).toEqual([]);
  delivery.receive(hello);
  await expect.poll(() => sent).toEqual([first]);
  await delivery.look();
  expect(sent).toEqual([first]);
  const second = await install();
  await delivery.look();
  expect(sent).toEqual([first, second]);
  delivery.receive({ kind: 'gone', role: 'answer' });
  await delivery.look();
  expect(sent).toHaveLength(2);
  delivery.receive(hello);
  await expect.poll(() => sent).toEqual([first, second, second]);
  // Another process's hello is no reason.
  delivery.receive({ kind: 'hello', role: 'policy-host', pid: 2 });
  expect(sent).toHaveLength(3);
  expect(lines).toEqual([`tls.certificate: DNS over TLS is served as ${HOST}`]);
  await delivery.stop();
});

test('without a certificate the answer process is sent none, and the log says why, once', async () => {
  const none = await house();
  none.delivery.receive(hello);
  await none.delivery.look();
  expect(none.sent).toEqual([undefined]);
  expect(none.lines).toEqual([expect.stringContaining(`${HOST} (dns.tls_host) has no certificate yet; see: waxseal cert list`)]);
  const elsewhere = await house({ host: 'ns1.elsewhere.test' });
  elsewhere.delivery.receive(hello);
  expect(elsewhere.lines).toEqual([expect.stringContaining('is in no zone of this server')]);
  const trial = await house();
  await trial.install('self-signed');
  trial.delivery.receive(hello);
  await expect.poll(() => trial.sent).toEqual([undefined]);
  expect(trial.lines).toEqual([expect.stringContaining('https.self_signed is off')]);
  const shown = await house({ isSelfSigned: true });
  const chain = await shown.install('self-signed');
  shown.delivery.receive(hello);
  await expect.poll(() => shown.sent).toEqual([chain]);
  const at = { kind: 'object', text: 'key' } as never;
  const problem = { code: 'SECRET_SEALED', severity: 'error', at, message: 'does not open' } as never;
  const sealed = await house({ sealer: () => fail(problem) });
  await sealed.install();
  sealed.delivery.receive(hello);
  expect(sealed.lines).toEqual([expect.stringContaining('does not open')]);
});

test('what the answer process did not take is sent again', async () => {
  const { delivery, sent, lines, install, answer } = await house();
  const chain = await install();
  answer({ ok: false, why: 'overloaded' });
  delivery.receive(hello);
  await expect.poll(() => lines).toHaveLength(2);
  expect(lines[1]).toContain('it is sent again');
  answer(NOTHING);
  await delivery.look();
  await delivery.look();
  expect(sent).toEqual([chain, chain]);
});
