/**
 * What the `[acme]` section says, ready to be used: the CA's roots are read at start, so that a wrong file is noticed
 * then.
 * Not here: the section's form (config/acme.ts).
 */
import { type Result, ok } from '#base/problem.ts';
import { type AcmeSettings } from '#config/acme.ts';
import { readRoots } from '#control/outside/resolver-of.ts';
import { acmeTransport } from './acme-request.ts';
import { type CertificateSettings } from './certificates.ts';

type Acme = CertificateSettings['acme'];

/** undefined: no CA is configured. `stopped` ends requests that are under way. */
export function acmeOf(settings: AcmeSettings | undefined, nowMs: () => number, stopped: AbortSignal): Result<Acme> {
  if (settings === undefined) return ok(undefined);
  const roots = settings.caFile === undefined ? ok(undefined) : readRoots(settings.caFile, 'acme.ca_file');
  if (!roots.ok) return roots;
  return ok({ settings, transport: acmeTransport({ extraRoots: roots.value, stopped, nowMs }) });
}
