/**
 * RFC 8461 §8.1 in the control room: an id is announced when the body has been fetched over HTTPS, and not before. The policy host is a
 * real server that serves what the room says, or what was before: a deployment that lags.
 */
import { type RequestListener } from 'node:http';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseNetwork } from '#base/network.ts';
import { HTTPS_PROBE } from '#control/outside/https-probe.ts';
import { stsProbe } from '#control/outside/file-probes.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { announcedBody, servedBody, stsMode } from '#mail/mta-sts/lifecycle.ts';
import { formatStsPolicy, policyId } from '#mail/mta-sts/record.ts';
import { txtText } from '#mail/text/txt.ts';
import { rrsetOf } from '#zone/view.ts';
import { tableResolver } from '../support/table-resolver.ts';
import { good, temporaryControl, MAIL_ZONE_TEXT } from '../support/temporary-control.ts';
import { type ThrowawayCa, httpsServer, throwawayCa } from '../support/throwaway-ca.ts';

const ZONE = nameOf('post.example.');
const MINUTE_MS = 60_000;
const policy = (mtaSts: object) => ({ dkim: { algorithms: [] }, mtaSts: { testingFor: '3h', shortFor: '2d', ...mtaSts } });

let ca: ThrowawayCa;
beforeAll(() => void (ca = throwawayCa()));
afterAll(() => ca.remove());

/** A room whose policy host is a server here. `host.body` is what it serves; undefined: 404. */
async function house() {
  const host: { body: string | undefined } = { body: undefined };
  const listener: RequestListener = (_request, response) =>
    void response.writeHead(host.body === undefined ? 404 : 200, { 'content-type': 'text/plain' }).end(host.body);
  const server = await httpsServer(ca.leaf(['mta-sts.post.example']), listener);
  onTestFinished(() => server.stop());
  const resolver = tableResolver({ 'mta-sts.post.example': { a: ['127.0.0.1'] } });
  const probe = stsProbe({ resolver, extraRoots: ca.root, networks: [parseNetwork('127.0.0.0/8')!], port: server.port });
  const room = temporaryControl({ witnesses: { nameServers: new Map(), probes: new Map([[HTTPS_PROBE, probe]]) } });
  await room.load('post.example.', MAIL_ZONE_TEXT);
  room.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  const sts = () => room.control.mail.view(room.control.zones.find(ZONE)!)!.state.mtaSts;
  return {
    ...room,
    host,
    sts,
    /** What the policy host should serve now. */
    wanted: () => formatStsPolicy(servedBody(sts())!.data.policy),
    apply: async (mtaSts: object) => good(await room.run({ kind: 'mail.apply', zone: ZONE, policy: policy(mtaSts) })),
    record: () => {
      const node = room.control.zones.view(room.control.zones.find(ZONE)!).node(ownerKey(nameOf('_mta-sts.post.example.')));
      return rrsetOf(node, TYPE.TXT)?.rdatas.map(txtText)[0];
    },
    lines: () =>
      room.control.mail
        .view(room.control.zones.find(ZONE)!)!
        .explanations.flatMap((each) => each.lines)
        .join('\n'),
  };
}

const record = (body: string) => `v=STSv1; id=${policyId(body)};`;

describe('RFC 8461 §8.1: the body before its id', () => {
  test('testing, then enforce: each id is announced once its body is seen; while it is not, the one before stays', async () => {
    const home = await house();
    await home.apply({ mode: 'enforce' });
    const testing = home.wanted();
    await home.live(20 * MINUTE_MS);
    expect(home.record()).toBeUndefined();
    expect(home.lines()).toContain('HTTPS from this server: HTTP: status 404, not 200');

    home.host.body = 'version: STSv1\nmode testing\n';
    await home.live(10 * MINUTE_MS);
    expect(home.record()).toBeUndefined();
    expect(home.lines()).toContain('HTTPS from this server: syntax: line 2');

    home.host.body = testing;
    await home.live(10 * MINUTE_MS);
    expect(home.record()).toBe(record(testing));

    // The mode goes on by itself; the policy host lags two hours behind.
    await home.live(190 * MINUTE_MS);
    const enforce = home.wanted();
    expect(enforce).toContain('mode: enforce');
    await home.live(120 * MINUTE_MS);
    expect(stsMode(home.sts())).toBe('enforceShort');
    expect(home.record()).toBe(record(testing));
    expect(home.lines()).toContain('HTTPS from this server: another body: mode testing, max_age 86400, mx mx1.post.example');
    home.host.body = enforce;
    await home.live(10 * MINUTE_MS);
    expect(home.record()).toBe(record(enforce));
  });

  test('a mail host more: the new id waits for the new body', async () => {
    const home = await house();
    await home.apply({ mode: 'testing' });
    const before = home.wanted();
    home.host.body = before;
    await home.live(10 * MINUTE_MS);
    await home.apply({ mode: 'testing', mx: ['mx9.post.example'] });
    const after = home.wanted();
    expect(after).toContain('mx: mx9.post.example');
    await home.live(60 * MINUTE_MS);
    expect(home.record()).toBe(record(before));
    home.host.body = after;
    await home.live(10 * MINUTE_MS);
    expect(home.record()).toBe(record(after));
    expect(announcedBody(home.sts())?.data.policy.mxPatterns).toEqual(['mx1.post.example', 'mx9.post.example']);
  });
});
