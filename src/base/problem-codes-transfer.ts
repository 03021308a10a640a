/** The codes about TSIG keys and secondaries: a part of the catalogue (problem-codes.ts). */

const bad = (title: string) => ({ title, status: 422, exit: 1 });

export const TRANSFER_PROBLEMS = {
  SECONDARIES_MANY: { title: 'a zone has as many secondaries as it may', status: 409, exit: 4 },
  SECONDARY_KEYLESS: bad('a secondary may have the zone without a key'),
  SECONDARY_NOT_FOUND: { title: 'no such secondary', status: 404, exit: 3 },
  TSIG_ALGORITHM: { title: 'a TSIG algorithm that this server does not have', status: 422, exit: 2 },
  TSIG_ALGORITHM_WEAK: bad('a TSIG algorithm that is kept for old peers only'),
  TSIG_KEYS_MANY: { title: 'there are as many TSIG keys as there may be', status: 409, exit: 4 },
  TSIG_KEY_EXISTS: { title: 'there is a TSIG key of that name', status: 409, exit: 4 },
  TSIG_KEY_GRANT: { title: 'a TSIG key does not open that zone', status: 409, exit: 4 },
  TSIG_KEY_NOT_FOUND: { title: 'no such TSIG key', status: 404, exit: 3 },
  TSIG_SECRET: { title: 'a TSIG secret is no base64 of a proper length', status: 422, exit: 2 },
} as const;
