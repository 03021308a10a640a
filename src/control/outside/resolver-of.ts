/**
 * The resolver that the configuration asks for, and files of root certificates.
 * Not here: asking (outside-resolver.ts, dot-resolver.ts).
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseDotServer } from '#config/dot-server.ts';
import { atPath } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type Config } from '#config/config.ts';
import { type Resolver } from '#dns/resolver.ts';
import { dotResolver } from './dot-resolver.ts';
import { outsideResolver } from './outside-resolver.ts';

interface Stoppable {
  readonly resolver: Resolver;
  readonly stop: () => void;
}

/** By TLS where the configuration names such servers: then never otherwise. */
export function resolverOf({ resolvers, resolverCaFile }: Config['mail']): Result<Stoppable> {
  const roots = resolverCaFile === undefined ? ok(undefined) : readRoots(resolverCaFile, 'mail.resolver_ca_file');
  if (!roots.ok) return roots;
  const byTls = resolvers.flatMap((text) => parseDotServer(text) ?? []);
  if (byTls.length === 0) return ok({ resolver: outsideResolver(resolvers), stop: () => {} });
  const resolver = dotResolver(byTls, roots.value);
  return ok({ resolver, stop: () => resolver.stop() });
}

/** Roots that primaries are trusted by over TLS beside the usual ones. */
export function primaryRootsOf(file: string | undefined): Result<string | undefined> {
  return file === undefined ? ok(undefined) : readRoots(file, 'dns.primaries_ca_file');
}

/** PEM of at least one certificate: a file that is something else would only be noticed when nothing verifies. */
export function readRoots(file: string, setting: string): Result<string> {
  try {
    const text = readFileSync(file, 'utf8');
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0) return unusable(file, setting, 'holds no certificate in PEM');
    for (const block of blocks) void new X509Certificate(block);
    return ok(blocks.join('\n'));
  } catch (error) {
    return unusable(file, setting, error instanceof Error ? error.message : String(error));
  }
}

function unusable(file: string, setting: string, why: string): Result<never> {
  return fail(
    problem('CONFIG_FILE', atPath(file, 'the file of root certificates'), `${setting}: ${why}`, {
      fix: 'name a PEM file of root certificates, or leave the key out',
    }),
  );
}
