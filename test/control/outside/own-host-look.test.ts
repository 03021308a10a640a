/** Handshakes with the policy host itself: which certificates come, and whether they are those that were installed. */
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { fingerprints, judgeServed, ownHostLook } from '#control/outside/own-host-look.ts';
import { readHostCertificate } from '#store/tls/host-certificate.ts';
import { nameOf } from '#dns/name.ts';
import { testPolicyHost } from '../../support/policy-host.ts';

const HOST = 'mta-sts.one.example';

describe('a look at our own policy host', () => {
  test('shows the certificate of the host that is asked for, octet for octet', async () => {
    const made = await testPolicyHost();
    const look = ownHostLook({ addresses: () => [`127.0.0.1:${made.port}`], isServed: () => true });
    const stored = (zone: string) => {
      const { id } = made.writer.zoneByName(nameOf(`${zone}.`))!;
      return new X509Certificate(readHostCertificate(made.writer, id, `mta-sts.${zone}`)!.chain);
    };
    const seen = await look(HOST);
    expect(seen.chain.map((der) => Buffer.from(der))).toEqual([stored('one.example').raw]);
    const expected = fingerprints([new Uint8Array(stored('one.example').raw)]);
    expect(judgeServed({ kind: 'certificate', host: HOST, chain: expected }, seen)).toMatchObject({ isGood: true });
    const other = await look('mta-sts.two.example');
    const judged = judgeServed({ kind: 'certificate', host: HOST, chain: expected }, other);
    expect(judged).toMatchObject({ isGood: false, text: expect.stringContaining('serves another certificate, until') });
  });

  test('a host without a certificate fails in the handshake, and says so', async () => {
    const made = await testPolicyHost();
    const look = ownHostLook({ addresses: () => [`127.0.0.1:${made.port}`], isServed: () => true });
    await expect(look('www.one.example')).rejects.toThrow(/^TLS: /);
  });

  test('a policy host that listens nowhere is told as that, at once', async () => {
    const look = ownHostLook({ addresses: () => [], isServed: () => false });
    const beganMs = performance.now();
    await expect(look(HOST)).rejects.toThrow('connect: the policy host is not running, or listens nowhere');
    expect(performance.now() - beganMs).toBeLessThan(1000);
  });

  test('an address that takes no connection is no reason not to look at the next', async () => {
    const made = await testPolicyHost();
    const closed = createServer();
    await new Promise<void>((resolve) => void closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => void closed.close(resolve));
    const look = ownHostLook({ addresses: () => [`127.0.0.1:${port}`, `0.0.0.0:${made.port}`], isServed: () => true });
    expect((await look(HOST)).at).toBe(`0.0.0.0:${made.port}`);
  });

  test('it waits until what was committed is served, and not for ever', async () => {
    const made = await testPolicyHost();
    let asked = 0;
    const addresses = () => [`127.0.0.1:${made.port}`];
    const soon = ownHostLook({ addresses, isServed: () => ++asked > 3 });
    await soon(HOST);
    expect(asked).toBe(4);
    const never = ownHostLook({ addresses, isServed: () => false });
    expect((await never(HOST)).chain).toHaveLength(1);
  });
});
