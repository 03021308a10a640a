/** The codes about TSIG keys, secondaries and UPDATE: a part of the catalogue (problem-codes.ts). */

const bad = (title: string) => ({ title, status: 422, exit: 1 });

export const TRANSFER_PROBLEMS = {
  CATALOG_GROUP: { title: 'a group of a member of a catalog is not a text that it may be', status: 422, exit: 2 },
  CATALOG_MEMBERS_MANY: { title: 'a catalog has as many members as it may', status: 409, exit: 4 },
  CATALOG_MEMBER_GRANT: bad('a secondary follows a catalog and may not have a member of it'),
  CATALOG_MEMBER_NOT_FOUND: { title: 'a zone is no member of the catalog', status: 404, exit: 3 },
  CATALOG_NOT_FOUND: { title: 'no such catalog', status: 404, exit: 3 },
  PRIMARIES_MANY: { title: 'a zone has as many primaries as it may', status: 409, exit: 4 },
  PRIMARY_FAILED: { title: 'a primary does not give the zone', status: 409, exit: 1 },
  SECONDARIES_MANY: { title: 'a zone has as many secondaries as it may', status: 409, exit: 4 },
  SECONDARY_KEYLESS: bad('a secondary may have the zone without a key'),
  SECONDARY_NOT_FOUND: { title: 'no such secondary', status: 404, exit: 3 },
  ZONE_CATALOG: { title: 'a zone is a catalog, whose records follow from its members', status: 409, exit: 4 },
  ZONE_EXPIRED: { title: 'a zone has expired, because no primary was reached', status: 409, exit: 1 },
  ZONE_NOT_SECONDARY: { title: 'a zone is not taken from a primary', status: 409, exit: 4 },
  ZONE_SECONDARY: { title: 'a zone is taken from a primary, and changed there', status: 409, exit: 4 },
  TSIG_ALGORITHM: { title: 'a TSIG algorithm that this server does not have', status: 422, exit: 2 },
  TSIG_ALGORITHM_WEAK: bad('a TSIG algorithm that is kept for old peers only'),
  TSIG_KEYS_MANY: { title: 'there are as many TSIG keys as there may be', status: 409, exit: 4 },
  TSIG_KEY_EXISTS: { title: 'there is a TSIG key of that name', status: 409, exit: 4 },
  TSIG_KEY_GRANT: { title: 'a TSIG key does not open that zone', status: 409, exit: 4 },
  TSIG_KEY_NOT_FOUND: { title: 'no such TSIG key', status: 404, exit: 3 },
  TSIG_SECRET: { title: 'a TSIG secret is no base64 of a proper length', status: 422, exit: 2 },
  UPDATE_FORM: bad('an UPDATE has a form that RFC 2136 does not allow'),
  UPDATE_NOTZONE: bad('an UPDATE is about a name that is not in its zone'),
  UPDATE_NXDOMAIN: { title: 'an UPDATE wants a name that does not exist', status: 409, exit: 4 },
  UPDATE_NXRRSET: { title: 'an UPDATE wants an RRset that does not exist or is different', status: 409, exit: 4 },
  UPDATE_REFUSED: { title: 'an UPDATE would change what its key may not', status: 403, exit: 5 },
  UPDATE_YXDOMAIN: { title: 'an UPDATE wants a name not to exist', status: 409, exit: 4 },
  UPDATE_YXRRSET: { title: 'an UPDATE wants an RRset not to exist', status: 409, exit: 4 },
} as const;
