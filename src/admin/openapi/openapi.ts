/**
 * The API's description of itself: OpenAPI 3.1 at /v1/openapi.json, made from the routes, and pages to browse it at
 * /docs.
 * Not here: what is added to each operation (operations.ts), names of schemas (named-schemas.ts).
 */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { AdminApp } from '#admin/http/admin-app.ts';
import type { Route } from '#admin/http/route.ts';
import { TAGS } from '#admin/http/tags.ts';
import { LOGO } from './logo.ts';
import { nameSchemas } from './named-schemas.ts';
import { completeOperations } from './operations.ts';
import type { Tree } from './tree.ts';

const DESCRIPTION =
  'Every change is one transaction. The server answers after the change is durable. With `?dryRun=1` the server ' +
  'decides and answers in the same way, but writes nothing. Errors are RFC 9457 problem documents that list every ' +
  'problem found; `code` says which problem.';

const SECURITY_SCHEMES = {
  token: {
    type: 'http',
    scheme: 'bearer',
    description:
      'A token: `Authorization: Bearer wax_…` (RFC 6750 §2.1). The word that an operation has beside it says what ' +
      'the token must open: read, zone-list, zone-read, zone-change, rrset-read, rrset-change, zone-manage, admin ' +
      'or signer. Who opens the Unix socket needs no token.',
  },
  vaultToken: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Vault-Token',
    description: 'The token of a signer, as rspamd sends it.',
  },
} as const;

/** `routes`: all that the app will be given. */
export async function describeApi(app: AdminApp, version: string, routes: readonly Route[]): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'waxseal admin API',
        version,
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'this server' }],
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      components: { securitySchemes: SECURITY_SCHEMES },
    },
    transformObject: (made) => complete('openapiObject' in made ? made.openapiObject : made.swaggerObject, routes),
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    uiConfig: { deepLinking: true },
    theme: { title: 'waxseal admin API' },
    logo: { type: 'image/svg+xml', content: LOGO, href: '/docs/' },
  });
  app.get(
    '/v1/openapi.json',
    { config: { access: 'public' }, schema: { hide: true } },
    // The same octets as at /docs/json.
    (_request, reply) => reply.type('application/json').send(app.swagger()),
  );
}

/** A document of its own: the schemas of the given one are those that requests are checked against. */
function complete<T extends object>(made: T, routes: readonly Route[]): T {
  const document = JSON.parse(JSON.stringify(made)) as T & Tree;
  completeOperations(document, routes);
  nameSchemas(document);
  return document;
}
