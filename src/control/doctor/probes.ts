/**
 * Which looks beyond DNS a check has, from those that the configuration allows.
 * SSRF: who may change a zone chooses hosts, and of logos the path too. Networks that only the operator reaches
 * (mail.probe_networks) are for what this server hosts itself; a logo elsewhere is fetched from public addresses alone.
 * Not here: the looks (control/outside/).
 */
import { nameOf } from '#dns/name.ts';
import { isHostedFileUrl } from '#mail/bimi/hosted-file.ts';
import { type OutsideWitnesses } from '#control/outside/evidence.ts';
import { HTTPS_PROBE } from '#control/outside/https-probe.ts';
import { ProbeFailure } from '#control/outside/probe-failure.ts';
import { isReachable } from '#control/outside/probe-addresses.ts';
import { STARTTLS_LOOK } from '#control/outside/starttls-look.ts';
import { type DoctorProbes } from './look-mail.ts';

const NOT_FETCHED = new ProbeFailure('connect', 'this server fetches no files of other hosts');

export function probesOf(witnesses: OutsideWitnesses, zone: string): DoctorProbes {
  const { probes, bimiProbes, liveChecks, webHosts, publicFiles, isAllowed } = witnesses;
  const hosted = bimiProbes?.get(HTTPS_PROBE);
  const bimi =
    hosted === undefined
      ? undefined
      : (url: string, name: string) => {
          const fetch = isHostedFileUrl(nameOf(zone), url) ? hosted : publicFiles;
          return fetch === undefined ? Promise.reject(NOT_FETCHED) : fetch(url, name);
        };
  return {
    sts: probes.get(HTTPS_PROBE),
    bimi,
    mailHost: liveChecks?.get(STARTTLS_LOOK),
    webHost: webHosts,
    mayAsk: isAllowed ?? isReachable,
  };
}
