/**
 * The only parser of JSON bodies. An empty body is none (DELETE and PUT without one are fine whatever their
 * Content-Type says), and `__proto__` and `constructor` keys are rejected.
 */
import type { AdminApp } from './admin-app.ts';

export function acceptJson(app: AdminApp): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  // RFC 9110 §8.3.1: blanks and tabs may stand around the semicolon; RFC 9110 §8.3.1: types have no case.
  app.addContentTypeParser(/^application\/json(?:[\t ]*;|[\t ]*$)/i, { parseAs: 'string' }, (request, body, done) => {
    const text = body.toString();
    if (text.trim() === '') done(null, undefined);
    else void parse(request, text, done);
  });
}
