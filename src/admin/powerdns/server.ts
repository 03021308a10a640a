/** `/api`, `/api/v1/servers/localhost` and what belongs to no zone. */
import { ok } from '#base/problem.ts';
import { sendJson } from './answer.ts';
import { SERVER, powerdnsRoute } from './route.ts';

/**
 * octoDNS makes numbers of the first three parts, and behaves as with PowerDNS before 4.2 or 4.5 below these. What this
 * API does is what 4.7 does, and a little of 4.9.
 */
const VERSION = '4.9.0-waxseal';

const VERSION_FORM = { api_features: [], server_url: '/api/v1/servers{/server}' };

const SERVER_FORM = {
  config_url: `${SERVER}/config{/config_setting}`,
  daemon_type: 'authoritative',
  id: 'localhost',
  type: 'Server',
  url: SERVER,
  version: VERSION,
  zones_url: `${SERVER}/zones{/zone}`,
};

/** Answers that are the same whatever the server serves; a list is empty where this server has no such thing. */
const CONSTANT: Readonly<Record<string, { readonly summary: string; readonly value: unknown }>> = {
  // When this is anything else, lego continues without /api/v1 in its paths.
  '/api': { summary: 'Show the versions of the API', value: [{ url: '/api/v1', version: 1 }] },
  '/api/v1': { summary: 'Show where servers are', value: [VERSION_FORM] },
  '/api/v1/servers': { summary: 'List servers', value: [SERVER_FORM] },
  [SERVER]: { summary: 'Show the server', value: SERVER_FORM },
  [`${SERVER}/config`]: { summary: 'List settings', value: [] },
  [`${SERVER}/statistics`]: { summary: 'List statistics; see /metrics', value: [] },
  [`${SERVER}/tsigkeys`]: { summary: 'List TSIG keys; see /v1/tsig', value: [] },
};

export const serverRoutes = Object.entries(CONSTANT).map(([url, { summary, value }]) =>
  powerdnsRoute({
    method: 'GET',
    url,
    // Any token that has a zone at all: clients ask this first.
    access: 'zone-list',
    summary,
    answer: ({ reply }) => ok(sendJson(reply, 200, value)),
  }),
);
