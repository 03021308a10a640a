/**
 * The only parser of JSON bodies. An empty body is none (DELETE and PUT without one are fine whatever their
 * Content-Type says), and `__proto__` and `constructor` keys are rejected.
 */
import { errorCodes } from 'fastify';
import type { AdminApp } from './admin-app.ts';

/** RFC 9110 §8.3.1: a type and a subtype; parameters do not matter here. */
const MEDIA_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;|$)/;

export function acceptJson(app: AdminApp): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  // RFC 9110 §8.3.1: blanks and tabs may stand around the semicolon; RFC 9110 §8.3.1: types have no case.
  app.addContentTypeParser(/^application\/json(?:[\t ]*;|[\t ]*$)/i, { parseAs: 'string' }, (request, body, done) => {
    const text = body.toString();
    if (text.trim() === '') done(null, undefined);
    else void parse(request, text, done);
  });
  // A type that is not even well formed stops Fastify before it reads the body, which may be empty.
  app.addHook('onRequest', (request, _reply, done) => {
    const { 'content-length': length, 'content-type': type } = request.headers;
    if (length === '0' || !MEDIA_TYPE.test(type ?? '')) delete request.headers['content-type'];
    done();
  });
  // RFC 9110 §9.3.5, §8.3: an empty body says nothing, whatever type a client states for it; DELETE through many libraries has one.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE(request.headers['content-type'] ?? ''));
  });
}

/** Bodies of this scope are JSON, whatever type their clients state for them, or none. */
export function acceptAnyJson(app: AdminApp): void {
  // Fields that this server does not know are ignored here, and so are these.
  const parse = app.getDefaultJsonParser('remove', 'remove');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    const text = body.toString();
    if (text.trim() === '') done(null, undefined);
    else void parse(request, text, done);
  });
}
