/** Containers: the image, compose and the example for Kubernetes say the same of users, ports, folders and flags. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { ADMIN_DRAIN_MS } from '#base/limits/admin.ts';
import { SHUTDOWN_MS } from '#base/limits/server.ts';
import { run } from '../support/cli-server.ts';

const ROOT = join(import.meta.dirname, '../..');
const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const DOCKERFILE = text('Dockerfile');
const USER = Number(/^USER (\d+):\d+$/m.exec(DOCKERFILE)?.[1]);

interface Port {
  readonly name: string;
  readonly containerPort?: number;
  readonly port?: number;
  readonly targetPort?: string;
  readonly protocol: string;
}

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

describe('the image', () => {
  test('its base can be given by digest, and no stage has another one', () => {
    const from = [...DOCKERFILE.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    expect(from).toEqual(['${NODE_IMAGE}', '${NODE_IMAGE}']);
    expect(/^ARG NODE_IMAGE=(\S+)$/m.exec(DOCKERFILE)?.[1]).toBe('node:26-slim');
  });

  test('it has the labels of OCI, and a user that is not root', () => {
    const labels = [...DOCKERFILE.matchAll(/org\.opencontainers\.image\.([\w.]+)=/g)].map(([, name]) => name);
    expect(labels).toEqual(['title', 'description', 'licenses', 'version', 'revision', 'created', 'base.name']);
    expect(USER).toBe(65_532);
  });
});

describe('compose', () => {
  const { services, volumes } = parse(text('packaging/docker/compose.yaml')) as {
    readonly services: { readonly waxseal: Readonly<Record<string, unknown>> };
    readonly volumes: object;
  };
  const { waxseal } = services;

  test('DNS for all, the API for this machine alone; nothing but its volumes is written', () => {
    expect(waxseal['ports']).toEqual(['53:53/udp', '53:53/tcp', '127.0.0.1:8053:8053/tcp']);
    expect(waxseal['read_only']).toBe(true);
    expect(waxseal['cap_drop']).toEqual(['ALL']);
    const folders = JSON.parse(/^VOLUME (\[.+\])$/m.exec(DOCKERFILE)?.[1] ?? '') as string[];
    expect((waxseal['volumes'] as string[]).map((each) => each.split(':')[1])).toEqual(folders);
    expect(Object.keys(volumes).map((name) => `/${name}`)).toEqual(folders);
  });

  test('it is given the time to end', () => {
    expect(Number.parseInt(String(waxseal['stop_grace_period']), 10) * 1000).toBeGreaterThan(SHUTDOWN_MS + ADMIN_DRAIN_MS);
  });
});

describe('Kubernetes', () => {
  const resources = parseAllDocuments(text('packaging/kubernetes/waxseal.yaml')).map((each) => each.toJS() as Resource);
  const of = (kind: string, name = 'waxseal') => resources.find((each) => each.kind === kind && each.metadata.name === name)!.spec;
  const pod = (of('StatefulSet')['template'] as { readonly spec: Readonly<Record<string, unknown>> }).spec;
  const [container] = pod['containers'] as [Readonly<Record<string, unknown>>];

  test('it is one server, of the user of the image, closed', () => {
    expect(of('StatefulSet')['replicas']).toBe(1);
    expect(pod['securityContext']).toMatchObject({ runAsNonRoot: true, runAsUser: USER, fsGroup: USER });
    const closed = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };
    expect([...(pod['initContainers'] as object[]), container]).toEqual([
      expect.objectContaining({ securityContext: closed }),
      expect.objectContaining({ securityContext: closed }),
    ]);
    expect(Number(pod['terminationGracePeriodSeconds']) * 1000).toBeGreaterThan(SHUTDOWN_MS + ADMIN_DRAIN_MS);
  });

  test('its flags are those of serve', async () => {
    const { out } = await run(['serve', '--help']);
    const flags = (container['args'] as string[]).filter((word) => word.startsWith('--'));
    expect(flags).toHaveLength(4);
    for (const flag of flags) expect(out).toContain(`${flag} <`);
  });

  test('services, probes and the policy are about ports that the container has', () => {
    const ports = new Map((container['ports'] as Port[]).map((each) => [each.name, each]));
    expect([...ports.values()].map(({ containerPort, protocol }) => `${containerPort}/${protocol}`)).toEqual([
      '53/UDP',
      '53/TCP',
      '8053/TCP',
    ]);
    const served = ['waxseal-dns', 'waxseal-admin'].flatMap((name) => of('Service', name)['ports'] as Port[]);
    for (const { targetPort, port, protocol } of served) {
      expect(ports.get(targetPort!)).toMatchObject({ containerPort: port, protocol });
    }
    expect(container['readinessProbe']).toMatchObject({ httpGet: { path: '/readyz', port: 'admin' } });
    // The answer process, not the control process: see docs/packaging.md.
    expect(container['livenessProbe']).toMatchObject({ tcpSocket: { port: 'dns-tcp' } });
    expect(of('Service', 'waxseal-dns')).toMatchObject({ externalTrafficPolicy: 'Local' });
  });

  test('what is mounted is there, and the disk is one that one pod has', () => {
    const claims = of('StatefulSet')['volumeClaimTemplates'] as { metadata: { name: string }; spec: { accessModes: string[] } }[];
    const names = [...(pod['volumes'] as { name: string }[]).map(({ name }) => name), ...claims.map(({ metadata }) => metadata.name)];
    const mounts = [...(pod['initContainers'] as { volumeMounts: { name: string }[] }[]), container as never].flatMap(({ volumeMounts }) =>
      volumeMounts.map(({ name }) => name),
    );
    expect(new Set(mounts)).toEqual(new Set(names));
    expect(claims.map(({ spec }) => spec.accessModes)).toEqual([['ReadWriteOncePod']]);
  });
});
