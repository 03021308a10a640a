/** Requests to an app in front of a FakeControl. */
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { onTestFinished } from 'vitest';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { type AdminOptions, buildAdmin } from '#admin/app.ts';
import { watchAnswers } from './documented-answers.ts';
import { type FakeControl, fakeWithZone } from './fake-control.ts';

export interface Bench {
  readonly app: AdminApp;
  readonly control: FakeControl;
  readonly tokens: Awaited<ReturnType<typeof fakeWithZone>>['tokens'];
  /** As the administrator, unless headers say otherwise. */
  readonly call: (
    method: NonNullable<InjectOptions['method']>,
    url: string,
    options?: Omit<InjectOptions, 'method' | 'url'>,
  ) => Promise<LightMyRequestResponse>;
}

export async function bench(options: Omit<AdminOptions, 'control'> = {}): Promise<Bench> {
  const { control, tokens } = await fakeWithZone();
  const app = await buildAdmin({ control, ...options });
  watchAnswers(app);
  onTestFinished(async () => {
    await app.close();
  });
  const call: Bench['call'] = async (method, url, { headers, ...rest } = {}) =>
    await app.inject({ method, url, ...rest, headers: { authorization: `Bearer ${tokens.admin}`, ...headers } });
  return { app, control, tokens, call };
}

export interface ProblemBody {
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly fix?: string;
  readonly errors: readonly {
    readonly code: string;
    readonly at: string;
    readonly pointer?: string;
    readonly detail: string;
    readonly fix?: string;
  }[];
}

/** What a change of a zone answers. */
export interface OutcomeBody {
  readonly zone: string;
  readonly serial: number;
  readonly changed: boolean;
  readonly created: boolean;
  readonly dryRun: boolean;
  readonly served?: boolean;
  readonly changeset: { readonly deleted: readonly string[]; readonly added: readonly string[] };
}

export interface RrsetBody {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly records: readonly string[];
  readonly manager: string;
}
