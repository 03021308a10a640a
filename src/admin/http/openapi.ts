/**
 * The API's description of itself: OpenAPI 3.1 at /v1/openapi.json, made from the routes' schemas, and pages to browse
 * it at /docs.
 */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { AdminApp } from './admin-app.ts';

const TAGS = {
  zones: 'Zones and zone files',
  rrsets: 'Records, by RRset',
  changes: 'The journal of each zone',
  dnssec: 'Signing and DS records',
  mail: 'The mail policy of a zone, and the keys, records and modes that follow from it',
  certificates: 'Certificates of hosts, from CAs or files',
  transfer: 'TSIG keys, and secondaries that have zones by transfer',
  spf: 'SPF records of any domain',
  signers: 'Mail signers and their keys',
  events: 'What happens, as it happens',
  query: 'The answer to a DNS question, and the reasons for it',
  server: 'The state of the server',
  tokens: 'Access to this API over TCP',
  audit: 'Who changed what',
};

export type Tag = keyof typeof TAGS;

export async function describeApi(app: AdminApp, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'waxseal admin API',
        version,
        description:
          'Every change is one transaction. The server answers after the change is durable. With `?dryRun=1` the ' +
          'server decides and answers in the same way, but writes nothing. Errors are RFC 9457 problem documents ' +
          'that list every problem found.',
      },
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, uiConfig: { deepLinking: true } });
  app.get(
    '/v1/openapi.json',
    { config: { access: 'public' }, schema: { hide: true } },
    // The same octets as at /docs/json.
    (_request, reply) => reply.type('application/json').send(app.swagger()),
  );
}
