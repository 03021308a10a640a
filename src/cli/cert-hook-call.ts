/**
 * Calls of the admin API by a hook. An ACME client runs its hook once, so a server that is restarted just then is asked
 * again. All that a hook asks for may be repeated.
 * Not here: one call (api-client.ts).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock } from '#base/clock.ts';
import { CLI_HOOK_RETRY_MS } from '#base/limits/admin.ts';
import { type ApiRequest, callApi } from './api-client.ts';
import { CommandFailure } from './failure.ts';
import { type ServerAddress } from './server-address.ts';

/** The answer's JSON document. */
export type HookCall = <T>(request: ApiRequest) => Promise<T>;

/** Calls that are repeated until `endMs` while no server answers, or one that is busy. */
export function hookCall(server: ServerAddress, clock: Clock, endMs: () => number): HookCall {
  return async <T>(request: ApiRequest) => {
    for (;;) {
      try {
        return await callApi<T>(server, request);
      } catch (error) {
        if (clock.nowMs() >= endMs() || !isPassing(error)) throw error;
        await delay(CLI_HOOK_RETRY_MS);
      }
    }
  };
}

/** True for a server that is restarted, or busy, and is there again soon. */
function isPassing(error: unknown): boolean {
  const codes = error instanceof CommandFailure ? error.problems.map(({ code }) => code) : [];
  return codes.some((code) => code === 'CLI_SERVER' || code === 'CLI_TIMEOUT' || code === 'OVERLOADED');
}
