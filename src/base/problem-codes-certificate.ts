/** The codes about certificates: a part of the catalogue (problem-codes.ts). */

const bad = (title: string) => ({ title, status: 422, exit: 1 });

export const CERTIFICATE_PROBLEMS = {
  ACME_ANSWER: { title: 'a CA answered with something that ACME does not have', status: 502, exit: 1 },
  ACME_CAA: { title: 'the CAA records of a host do not let the CA issue a certificate', status: 409, exit: 6 },
  ACME_CHALLENGE_NAME: { title: 'the name of a challenge is taken by records put by hand', status: 409, exit: 4 },
  ACME_DELEGATION: { title: 'resolvers outside do not find this server for a zone', status: 409, exit: 6 },
  ACME_NONE: { title: 'no directory of a CA is configured', status: 409, exit: 4 },
  ACME_RATE_LIMIT: { title: 'a CA takes no further orders for a time', status: 429, exit: 1 },
  ACME_REJECTED: { title: 'a CA rejected an order or a request', status: 502, exit: 1 },
  ACME_UNREACHABLE: { title: 'a CA did not answer', status: 504, exit: 7 },
  CERTIFICATE_EXPIRING: { title: 'a certificate ends soon, and there is no new one', status: 409, exit: 6 },
  CERTIFICATE_FILE: bad('a file with a certificate and its key cannot be used'),
  CERTIFICATE_HOST: bad('a name cannot have a certificate here'),
  CERTIFICATE_MANY: { title: 'a zone has as many hosts with certificates as it may have', status: 409, exit: 4 },
  CERTIFICATE_NONE: { title: 'there is no such host with a certificate', status: 404, exit: 3 },
  CERTIFICATE_WRONG: bad('a certificate is not the one that was ordered, or cannot be used'),
} as const;
