/**
 * The PowerDNS-compatible API (docs/powerdns-api.md, docs/adr/0025-powerdns-api.md): what lego, acme.sh, ExternalDNS,
 * octoDNS, dnscontrol, Terraform, certbot, cert-manager and Caddy ask for.
 */
import type { Route } from '#admin/http/route.ts';
import { cryptokeysRoutes } from './cryptokeys.ts';
import { searchDataRoutes } from './search.ts';
import { serverRoutes } from './server.ts';
import { zoneRoutes } from './zone.ts';
import { zonesRoutes } from './zones.ts';

export function powerdnsRoutes(): readonly Route[] {
  return [...serverRoutes, ...searchDataRoutes, ...zonesRoutes, ...zoneRoutes, ...cryptokeysRoutes];
}
