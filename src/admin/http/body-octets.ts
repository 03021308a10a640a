/**
 * Large bodies under way: each is held in memory until its answer has been sent, so their octets are a budget. A body whose length is
 * not said (chunked) counts as the largest that its route takes.
 * Not here: the largest body of one route (bodyLimit, in route.ts and admin/app.ts).
 */
import { JSON_BODY_BYTES_MAX } from '#base/limits/admin.ts';
import type { AdminApp } from './admin-app.ts';
import { problemError } from './problems.ts';

/** Puts the hook on the app. Call after the one that says who sends the request. */
export function limitBodies(app: AdminApp): void {
  app.addHook('preParsing', async (request, reply, payload) => {
    const limit = request.routeOptions.bodyLimit;
    const stated = Number(request.headers['content-length'] ?? limit);
    // A body that is too large is answered 413 before it is read; an ordinary one is as large as any JSON may be.
    const isLarge = limit > JSON_BODY_BYTES_MAX && stated > JSON_BODY_BYTES_MAX && stated <= limit;
    if (!isLarge || request.identity === null || request.method === 'GET' || request.method === 'HEAD') return payload;
    const refusal = app.budgets.take('octets', request, reply, stated);
    if (refusal !== undefined) throw problemError([refusal]);
    return payload;
  });
}
