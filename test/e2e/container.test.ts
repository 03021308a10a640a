/** The image and the example for Kubernetes as they run: with the user, rights, volumes and flags that they have, in namespaces. Not here: building it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { Container, type ContainerOptions, IMAGE } from '../support/container.ts';

async function started(options: ContainerOptions): Promise<Container> {
  const container = new Container(options);
  onTestFinished(() => container.remove());
  await container.ready();
  return container;
}

const statusOf = (container: Container, host: string) =>
  container.run('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', `Host: ${host}`, 'http://127.0.0.1:8053/readyz').out;

test('the image: on a root that is only read, without a capability, as process 1', async () => {
  const { user, volumes } = IMAGE;
  const mounts = volumes.map((each) => `mkdir .${each}; mount -t tmpfs -o mode=0700,uid=${user},gid=${user} tmpfs .${each}`).join('; ');
  const container = await started({ volumes: mounts });
  expect(container.run('sh', '-c', 'touch /app/x').out).toContain('Read-only file system');
  expect(container.log).toContain('the answer process is confined (Landlock');
  expect(container.run(...IMAGE.health)).toMatchObject({ exit: 0, out: expect.stringContaining('healthy') });
  expect(container.run('sh', '-c', 'stat -c "%u %a" /keys/kek').out).toBe(`${user} 600\n`);
  expect(container.run('node', 'src/main.ts', 'backup', 'create')).toMatchObject({ exit: 0 });
  expect(container.run('sh', '-c', 'ls /backups | wc -l').out.trim()).toBe('1');
  // Each published port is one that is listened at from outside of the container; the policy host's is not waited for by health.
  const listeners = (port: number) => Number(container.run('sh', '-c', `ss -Hltn | grep -c '0.0.0.0:${port} '`).out.trim());
  for (const port of [53, 8053, 8443]) await expect.poll(() => listeners(port), { timeout: 20_000, interval: 200 }).toBeGreaterThan(0);
  expect(await container.end()).toBe(0);
  expect(container.log).toContain('control.stopped');
});

test('Kubernetes: with the rights that a group has of volumes, and the key from a secret', async () => {
  const [set] = parseAllDocuments(readFileSync(join(import.meta.dirname, '../../packaging/kubernetes/waxseal.yaml'), 'utf8'));
  const { template } = (set!.toJS() as { readonly spec: { readonly template: { readonly spec: PodSpec } } }).spec;
  const { initContainers, containers, securityContext } = template.spec;
  const group = securityContext.fsGroup;
  // How the kubelet leaves a disk, a folder in memory, and the file of a secret with defaultMode 0440.
  const volumes = `
    mkdir data keys secret
    mount -t tmpfs -o mode=2775,gid=${group} tmpfs data
    mount -t tmpfs -o mode=2777,gid=${group} tmpfs keys
    head -c 32 /dev/urandom > secret/kek
    chown 0:${group} secret/kek
    chmod 0440 secret/kek`;
  // The first container may run more than once in a pod.
  const [, , copy = ''] = initContainers[0]!.command;
  const { args, env } = containers[0]!;
  const environment = env.map(({ name, value }) => `${name}=${value}`);
  const asUser = `chroot . setpriv --reuid=${IMAGE.user} --regid=${IMAGE.user} --groups=${group} sh -ec "${copy}"`;
  const container = await started({ volumes: `${volumes}\n${asUser}\n${asUser}`, groups: String(group), command: args, environment });
  expect(container.run('sh', '-c', 'cmp /secret/kek /keys/kek && stat -c %a /keys/kek')).toEqual({ exit: 0, out: '400\n' });
  // Probes come to the address of the pod, Prometheus too, and others by the name of the service.
  for (const host of ['10.1.2.3:8053', '[fd00::3]:8053', 'waxseal-admin:8053']) expect(statusOf(container, host)).toBe('200');
  expect(container.run('bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/53').exit).toBe(0);
  const status = container.run('env', 'WAXSEAL_DATA=/data/waxseal', 'node', 'src/main.ts', 'status');
  expect(status).toMatchObject({ exit: 0, out: expect.stringContaining('ready') });
  expect(await container.end()).toBe(0);
});

interface PodSpec {
  readonly securityContext: { readonly fsGroup: number };
  readonly initContainers: readonly { readonly command: readonly string[] }[];
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly env: readonly { readonly name: string; readonly value: string }[];
  }[];
}
