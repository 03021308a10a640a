/**
 * How a look at a host outside fails: the step and why, written for the operator of that host.
 * Not here: what is looked at (https-request.ts, starttls.ts).
 */

/** Of all looks. */
export type ProbeStep = 'DNS' | 'connect' | 'TLS' | HttpStep | 'SMTP' | 'STARTTLS';

type HttpStep = 'certificate' | 'HTTP' | 'media type' | 'size';

/** Why nothing was seen, and at which step: `certificate: it is for www.example.com, not for mta-sts.example.com`. */
export class ProbeFailure extends Error {
  readonly step: ProbeStep;
  readonly why: string;

  constructor(step: ProbeStep, why: string) {
    super(`${step}: ${why}`);
    this.name = 'ProbeFailure';
    this.step = step;
    this.why = why;
  }
}

const CONNECT_FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'broken off',
  EHOSTUNREACH: 'no way to the host',
  ENETUNREACH: 'no way to the network',
  ETIMEDOUT: 'no answer',
};

export function connectFailure(error: Error): ProbeFailure {
  return new ProbeFailure('connect', CONNECT_FAILURES[codeOf(error)] ?? error.message);
}

/** OpenSSL puts thread, file and line around it: `C0…:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 …`. */
export function opensslReason(error: Error): string {
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
}

export function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}
