/** Limits of the watch over mail hosts with TLSA records, each with its reason. */

/** The hosts of a zone are looked at this often: a key without a record stops mail, and an hour is a short outage. */
export const DANE_LOOK_EVERY_MS = 3_600_000;
/** While something is wrong, or an old key's record is on its way out: a few looks in each of its last two TTLs. */
export const DANE_LOOK_SOON_MS = 300_000;
/** An alert whose reason stays is repeated once a day. */
export const DANE_ALERT_EVERY_MS = 86_400_000;
/** Zones whose hosts are looked at the same time: hosts that do not answer hold one up for STARTTLS_LOOK_MS_MAX. */
export const DANE_ZONES_AT_ONCE = 16;
/** Hosts of one zone that are looked at in one turn; those of a zone with more take turns. No zone holds up others. */
export const DANE_HOSTS_MAX = 16;
/** Of them at the same time: each may have eight connections open. */
export const DANE_HOSTS_AT_ONCE = 4;
