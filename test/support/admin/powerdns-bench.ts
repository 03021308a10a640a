/** Requests of PowerDNS clients to an app in front of a FakeControl. */
import type { LightMyRequestResponse } from 'fastify';
import type { NewToken } from '#control/api/tokens.ts';
import { good } from '../temporary-control.ts';
import { type Bench, bench } from './bench.ts';

export const ZONE_URL = '/api/v1/servers/localhost/zones/example.com.';

export interface RrsetJson {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly records: readonly { readonly content: string }[];
}

export interface PowerdnsBench extends Bench {
  /** With the token in X-API-Key; `payload` is sent as JSON without a content type. */
  readonly ask: (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, payload?: unknown) => Promise<LightMyRequestResponse>;
  /** PATCH of these RRsets of the zone. */
  readonly patch: (...rrsets: readonly unknown[]) => Promise<LightMyRequestResponse>;
  /** `name type content`, as the zone shows them. */
  readonly shown: (query?: string) => Promise<readonly string[]>;
}

/** For the administrator, or a token with these rights. */
export async function powerdnsBench(rights: Partial<NewToken> = { scopes: ['admin'] }, made?: Bench): Promise<PowerdnsBench> {
  const one = made ?? (await bench());
  const actor = { kind: 'system', id: 'test', from: '' } as const;
  const { secret } = good(await one.control.tokens.create({ name: 'test', scopes: [], ...rights }, actor));
  const ask: PowerdnsBench['ask'] = async (method, url, payload) =>
    await one.app.inject({
      method,
      url,
      headers: { 'x-api-key': secret },
      ...(payload === undefined ? {} : { payload: typeof payload === 'string' ? payload : JSON.stringify(payload) }),
    });
  const shown: PowerdnsBench['shown'] = async (query = '') => {
    const { rrsets } = (await ask('GET', ZONE_URL + query)).json<{ rrsets: RrsetJson[] }>();
    return rrsets.flatMap(({ name, type, records }) => records.map(({ content }) => `${name} ${type} ${content}`));
  };
  return { ...one, ask, patch: (...rrsets) => ask('PATCH', ZONE_URL, { rrsets }), shown };
}

/** A REPLACE with these records. */
export function replace(name: string, type: string, ...contents: readonly string[]) {
  return { name, type, ttl: 60, changetype: 'REPLACE', records: contents.map((content) => ({ content, disabled: false })) };
}
