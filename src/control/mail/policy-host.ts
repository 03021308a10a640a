/**
 * What a step of a zone's mail knows of this server's policy host: how others find it, and whether it has
 * certificates for the zone's hosts.
 * Not here: what follows from it (mail/mta-sts/policy-host.ts), the policy host itself (policy-host/).
 */
import { LIFECYCLE_DUE_AT_ONCE } from '#base/limits/lifecycle.ts';
import { type Result, ok } from '#base/problem.ts';
import { formatName, lowerName, type Name, nameOf } from '#dns/name.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { BIMI_HOST_LABEL } from '#mail/bimi/hosted-file.ts';
import { type HostCertificateFacts, type PolicyHostFacts } from '#mail/hosting/host-life.ts';
import { readMailDocument } from '#store/mail/policy.ts';
import { policyHostMarkWrite, readPolicyHostMark } from '#store/mail/policy-host.ts';
import { wakeWrite } from '#store/mail/state.ts';
import { type StoreReader } from '#store/reader.ts';
import { readHostCertificate } from '#store/tls/host-certificate.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Actor } from '#control/api/control.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { isReachable } from '#control/outside/probe-addresses.ts';

/** The part of the configuration that zones publish. */
export interface PolicyHostSettings {
  readonly addresses: readonly string[];
  /** Lower case, no final dot. */
  readonly host: string | undefined;
  /** The policy host is this server's own process, which serves with the certificates in the store. */
  readonly isServing: boolean;
}

export const NO_POLICY_HOST: PolicyHostSettings = { addresses: [], host: undefined, isServing: false };

/** What is known of the policy host of the zone `apex`; undefined where zones publish none. `nowMs` is wall time. */
export function policyHostFacts(
  { addresses, host, isServing }: PolicyHostSettings,
  reader: StoreReader,
  apex: Name,
  nowMs: number,
): PolicyHostFacts | undefined {
  if (addresses.length === 0 && host === undefined) return undefined;
  return {
    addresses,
    ...(host === undefined ? {} : { host: nameOf(`${host}.`) }),
    unreachable: addresses.filter((ip) => !isReachable(ip)),
    ...(isServing
      ? {
          certificate: certificateFacts('mta-sts', reader, apex, nowMs),
          bimiCertificate: certificateFacts(BIMI_HOST_LABEL, reader, apex, nowMs),
        }
      : {}),
  };
}

function certificateFacts(label: string, reader: StoreReader, apex: Name, nowMs: number): HostCertificateFacts {
  const host = `${label}.${formatName(lowerName(apex)).replace(/\.$/, '')}`;
  const zone = reader.zoneByName(lowerName(apex));
  const certificate = zone === undefined ? undefined : readHostCertificate(reader, zone.id, host);
  const see = `waxseal cert show ${host}`;
  if (certificate === undefined) return { isThere: false, text: `${host} has no certificate yet: ${see}` };
  const { notBeforeMs, notAfterMs } = certificate;
  const unusable = (text: string) => ({ isThere: false, text: `its certificate ${text}: ${see}` });
  if (notAfterMs <= nowMs) return unusable(`ended on ${formatTime(notAfterMs)}`);
  if (notBeforeMs > nowMs) return unusable(`begins on ${formatTime(notBeforeMs)}`);
  return { isThere: true, text: `its certificate is valid until ${formatTime(notAfterMs)}` };
}

export interface PolicyHostWakeOptions {
  readonly writer: StoreWriter;
  readonly time: CountedTime;
  readonly funnel: Funnel;
  /** As it is configured now. */
  readonly policyHost: () => PolicyHostSettings;
}

const START: Actor = { kind: 'system', id: 'mail', from: '' };

/** At the start and on HUP: zones with a mail policy are due when the policy host is found in another way. */
export async function wakeForPolicyHost(options: PolicyHostWakeOptions): Promise<Result<unknown>> {
  const { writer, time, funnel } = options;
  const { addresses, host = '' } = options.policyHost();
  const mark = JSON.stringify([addresses, host]);
  const known = readPolicyHostMark(writer) ?? JSON.stringify([[], '']);
  if (mark === known) return ok(undefined);
  const turn = { actor: START, action: 'mail.policy-host', upkeep: true };
  const ids = writer.zones().map(({ id }) => id);
  // Some at a time: other changes run in between. The mark comes last, so that a start that was cut short begins again.
  for (let at = 0; at < ids.length; at += LIFECYCLE_DUE_AT_ONCE) {
    const some = ids.slice(at, at + LIFECYCLE_DUE_AT_ONCE);
    const wakes = () =>
      some.flatMap((id) => {
        const record = writer.zoneById(id);
        const hasPolicy = record !== undefined && readMailDocument(writer, record) !== undefined;
        return hasPolicy ? [wakeWrite(id, time.nowMs())] : [];
      });
    if (wakes().length === 0) continue;
    const woken = await funnel.change(turn, () => ok({ documents: [...wakes(), time.write()], isChanged: true }));
    if (!woken.ok) return woken;
  }
  return funnel.change(turn, () => ok({ documents: [policyHostMarkWrite(mark)], isChanged: true }));
}
