/**
 * Every route of the admin API. A new resource is its file and a line here.
 * Not here: the description of the API (openapi/openapi.ts), which is made from these routes.
 */
import { ZONE_FILE_BYTES_MAX } from '#base/limits/admin.ts';
import type { Route } from '#admin/http/route.ts';
import { searchRoutes } from '#admin/search/route.ts';
import { auditRoutes } from '#admin/v1/history/audit.ts';
import { alertsRoutes } from '#admin/v1/server/alerts.ts';
import { catalogsRoutes } from '#admin/v1/catalogs/catalogs.ts';
import { followedCatalogsRoutes } from '#admin/v1/catalogs/followed.ts';
import { certificatesRoutes } from '#admin/v1/certificates.ts';
import { changesRoutes } from '#admin/v1/history/changes.ts';
import { dnssecChildrenRoutes } from '#admin/v1/dnssec-children.ts';
import { delegationCheckRoutes } from '#admin/v1/delegation-check.ts';
import { zoneCheckRoutes } from '#admin/v1/zone-check.ts';
import { dnssecPolicyRoutes } from '#admin/v1/dnssec-policies.ts';
import { dnssecKeysRoutes } from '#admin/v1/dnssec-keys.ts';
import { dnssecRolloverRoutes } from '#admin/v1/dnssec-rollovers.ts';
import { dnssecRoutes } from '#admin/v1/dnssec.ts';
import { EVENT_TIMES, type EventTimes } from '#admin/v1/event-stream.ts';
import { eventsRoutes } from '#admin/v1/events.ts';
import { healthRoutes } from '#admin/v1/health.ts';
import { backupsRoutes } from '#admin/v1/backups/backups.ts';
import { bimiRoutes } from '#admin/v1/mail/bimi.ts';
import { mailCheckRoutes } from '#admin/v1/mail/check.ts';
import { dkimRoutes } from '#admin/v1/mail/dkim.ts';
import { dmarcRoutes } from '#admin/v1/mail/dmarc.ts';
import { mtaStsRoutes } from '#admin/v1/mail/mta-sts.ts';
import { mailOrdersRoutes } from '#admin/v1/mail/orders.ts';
import { policyRoutes } from '#admin/v1/mail/policy.ts';
import { mailProposalRoutes } from '#admin/v1/mail/proposal.ts';
import { reportsRoutes } from '#admin/v1/mail/reports.ts';
import { mailStatusRoutes } from '#admin/v1/mail/status.ts';
import { tlsaLiveRoutes } from '#admin/v1/mail/tlsa-live.ts';
import { tlsaRoutes } from '#admin/v1/mail/tlsa.ts';
import { keysRoutes } from '#admin/v1/keys.ts';
import { queryRoutes } from '#admin/v1/query.ts';
import { rrsetRoutes } from '#admin/v1/rrset.ts';
import { rrsetsRoutes } from '#admin/v1/rrsets.ts';
import { primariesRoutes } from '#admin/v1/primaries.ts';
import { secondariesRoutes } from '#admin/v1/secondaries.ts';
import { signerExportRoutes } from '#admin/v1/signers/export.ts';
import { signerKeysRoutes } from '#admin/v1/signers/keys.ts';
import { publicKeysRoutes } from '#admin/v1/signers/public-keys.ts';
import { signersRoutes } from '#admin/v1/signers/signers.ts';
import { vaultRoutes } from '#admin/v1/signers/vault.ts';
import { spfRoutes } from '#admin/v1/spf.ts';
import { statusRoutes } from '#admin/v1/server/status.ts';
import { tokensRoutes } from '#admin/v1/tokens.ts';
import { tsigRoutes } from '#admin/v1/tsig.ts';
import { zoneRoutes } from '#admin/v1/zone.ts';
import { zonefileRoutes } from '#admin/v1/zonefile.ts';
import { zonesRoutes } from '#admin/v1/zones.ts';

export interface RouteOptions {
  readonly zoneFileBytesMax?: number;
  /** Times of event streams. */
  readonly eventTimes?: EventTimes;
}

/**
 * In the order in which OpenAPI shows them. Routes that count something (open event streams) count it for this list
 * alone.
 */
export function adminRoutes({ zoneFileBytesMax = ZONE_FILE_BYTES_MAX, eventTimes = EVENT_TIMES }: RouteOptions = {}): readonly Route[] {
  return [
    ...zonesRoutes,
    ...delegationCheckRoutes,
    ...zoneCheckRoutes,
    ...zoneRoutes,
    ...zonefileRoutes(zoneFileBytesMax),
    ...rrsetsRoutes,
    ...rrsetRoutes,
    ...changesRoutes,
    ...dnssecRoutes,
    ...dnssecChildrenRoutes,
    ...dnssecRolloverRoutes,
    ...dnssecPolicyRoutes,
    ...dnssecKeysRoutes,
    ...policyRoutes,
    ...mailStatusRoutes,
    ...mailCheckRoutes,
    ...mailProposalRoutes,
    ...mailOrdersRoutes,
    ...dkimRoutes,
    ...dmarcRoutes,
    ...mtaStsRoutes,
    ...bimiRoutes,
    ...reportsRoutes,
    ...tlsaRoutes,
    ...certificatesRoutes,
    ...primariesRoutes,
    ...secondariesRoutes,
    ...catalogsRoutes,
    ...followedCatalogsRoutes,
    ...tlsaLiveRoutes,
    ...searchRoutes,
    ...queryRoutes,
    ...spfRoutes,
    ...signersRoutes,
    ...publicKeysRoutes,
    ...signerExportRoutes,
    ...signerKeysRoutes,
    ...vaultRoutes,
    ...statusRoutes,
    ...alertsRoutes,
    ...keysRoutes,
    ...backupsRoutes,
    ...tsigRoutes,
    ...tokensRoutes,
    ...auditRoutes,
    ...eventsRoutes(eventTimes),
    ...healthRoutes,
  ];
}
