/** What ExternalDNS's provider `webhook` sends and demands, in the order of its rounds, by a URL with a password in it. */
const MEDIA_TYPE = 'application/external.dns.webhook+json;version=1';

interface Endpoint {
  readonly dnsName: string;
  readonly recordType: string;
  readonly targets: readonly string[];
  readonly recordTTL?: number;
  readonly providerSpecific?: readonly { readonly name: string; readonly value: string }[];
}

/** Throws where ExternalDNS would log an error, or would find a difference that is none. */
export async function externalDnsWebhook(providerUrl: string, zone: string): Promise<void> {
  const { username, password, host, pathname } = new URL(providerUrl);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const send = async (path: string, body?: unknown): Promise<Response> =>
    await fetch(`http://${host}${pathname}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization, accept: MEDIA_TYPE, ...(body === undefined ? {} : { 'content-type': MEDIA_TYPE }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const hold = (isSo: boolean, what: string): void => {
    if (!isSo) throw new Error(`ExternalDNS: ${what}`);
  };
  const negotiated = await send('');
  hold(negotiated.status === 200 && negotiated.headers.get('content-type') === MEDIA_TYPE, 'wrong content type returned');
  hold(negotiated.headers.get('vary') === 'Content-Type', 'wrong vary value returned');
  const { include } = (await negotiated.json()) as { include: readonly string[] };
  hold(include.join() === zone, `domains ${include.join()}`);
  const read = async (): Promise<readonly Endpoint[]> => {
    const answer = await send('/records');
    hold(answer.status === 200, `records ${answer.status}`);
    return (await answer.json()) as readonly Endpoint[];
  };
  const apply = async (changes: object): Promise<void> => {
    const answer = await send('/records', changes);
    hold(answer.status === 204, `failed to apply changes with code ${answer.status}: ${await answer.text()}`);
  };
  const owner = '"heritage=external-dns,external-dns/owner=default,external-dns/resource=ingress/default/hook"';
  const sources: readonly Endpoint[] = [
    { dnsName: `hook.${zone}`, recordType: 'A', targets: ['192.0.2.11', '192.0.2.10'], recordTTL: 300 },
    { dnsName: `a-_owner.hook.${zone}`, recordType: 'TXT', targets: [owner] },
    { dnsName: zone, recordType: 'CNAME', targets: [`www.${zone}`] },
    { dnsName: `cname-_owner.${zone}`, recordType: 'TXT', targets: [owner] },
  ];
  const desired = (await (await send('/adjustendpoints', sources)).json()) as readonly Endpoint[];
  await apply({ create: desired });
  // As its plan compares them: targets in any order, a TTL where one is wanted, and all properties.
  const there = await read();
  for (const each of desired) {
    const found = there.find(({ dnsName, recordType }) => dnsName === each.dnsName && recordType === each.recordType);
    const sorted = (endpoint: Endpoint | undefined): string => (endpoint?.targets ?? []).toSorted().join();
    hold(sorted(found) === sorted(each), `${each.dnsName} ${each.recordType} is ${sorted(found)}`);
    hold((each.recordTTL ?? 0) === 0 || found?.recordTTL === each.recordTTL, `TTL of ${each.dnsName}`);
    hold(JSON.stringify(found?.providerSpecific) === JSON.stringify(each.providerSpecific), `properties of ${each.dnsName}`);
  }
  const [first, ...rest] = desired;
  const updated = { ...first!, targets: ['192.0.2.12'] };
  await apply({ updateOld: [first], updateNew: [updated] });
  await apply({ delete: [updated, ...rest] });
  const left = (await read()).filter(({ dnsName }) => desired.some((each) => each.dnsName === dnsName && dnsName !== zone));
  hold(left.length === 0, `left: ${left.map(({ dnsName }) => dnsName).join()}`);
}
