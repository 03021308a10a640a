/** The API's description of itself: OpenAPI 3.1 at /v1/openapi.json, made from the routes' schemas, and pages to browse it at /docs. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { AdminApp } from './admin-app.ts';

const TAGS = {
  zones: 'Zones and their zone files',
  rrsets: 'Records, by RRset',
  changes: 'The journal of each zone',
  dnssec: 'Signing and DS records',
  mail: 'Mail policy, and the lives of what it publishes',
  events: 'What happens, as it happens',
  query: 'What is answered, and why',
  server: 'State of the server',
  signers: 'Mail signers and their keys',
  tokens: 'Access over TCP',
  audit: 'Who changed what',
};

export async function describeApi(app: AdminApp, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'waxseal admin API',
        version,
        description:
          'Every change is one transaction, durable before it is answered. `?dryRun=1` decides and answers the same without writing. ' +
          'Errors are RFC 9457 problem documents with every problem found.',
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
    // The same bytes as at /docs/json.
    (_request, reply) => reply.type('application/json').send(app.swagger()),
  );
}
