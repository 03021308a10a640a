/** The results of looking for a name (find.ts). */
export const FOUND = {
  /** No zone here is at or above the name. */
  NO_ZONE: 0,
  /** The zone has no SOA: nothing can be said about it. */
  BROKEN: 1,
  /** `node` is the name itself. */
  EXACT: 2,
  /** `node` is a delegation point at or above the name. */
  REFERRAL: 3,
  /** `node` owns a DNAME above the name. */
  DNAME: 4,
  /** `node` is the wildcard below the closest encloser. */
  WILDCARD: 5,
  /** Neither the name nor a wildcard for it exists. */
  NOTHING: 6,
} as const;
