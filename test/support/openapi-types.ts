/**
 * A program: an OpenAPI document on standard input, the types that openapi-typescript makes of it on standard output. openapi-typescript uses the
 * compiler's functions, which TypeScript 7 does not have: it is given TypeScript 5.
 */
import { registerHooks } from 'node:module';
import { text } from 'node:stream/consumers';

registerHooks({
  resolve: (specifier, context, next) => next(specifier === 'typescript' ? 'typescript5' : specifier, context),
});
const { default: openapiTS, astToString } = await import('openapi-typescript');
const made = await openapiTS(JSON.parse(await text(process.stdin)) as Parameters<typeof openapiTS>[0]);
process.stdout.write(astToString(made));
