/** The section `[admin]`: TLS, proxies, names. */
import { expect, test } from 'vitest';
import { describeConfig, readConfig } from '#config/config.ts';

function read(text: string) {
  return readConfig({
    file: { path: '/etc/waxseal.toml', text: `[admin]\n${text}` },
    environment: {},
    flags: {},
    workingDirectory: '/here',
  });
}
const problemsOf = (text: string) => {
  const config = read(text);
  return config.ok ? [] : config.problems.map(({ message }) => message);
};

test('plain HTTP on the loopback address, and no proxy, unless given', () => {
  expect(read('')).toMatchObject({
    ok: true,
    value: { admin: { listen: { ip: '127.0.0.1', port: 8053 }, tls: undefined, trustedProxies: [], hosts: [] } },
  });
});

test('a certificate from files: the key may be in the same one; paths are relative to the configuration', () => {
  const config = read('tls_certificate_file = "tls/admin.pem"\ntls_client_ca_file = "/srv/clients.pem"\ntrusted_proxies = ["10.0.0.0/8"]');
  const tls = { certificateFile: '/etc/tls/admin.pem', keyFile: '/etc/tls/admin.pem', clientCaFile: '/srv/clients.pem' };
  expect(config).toMatchObject({ ok: true, value: { admin: { tls, trustedProxies: ['10.0.0.0/8'] } } });
  expect(config.ok && describeConfig(config.value)['admin']).toMatchObject({
    tls_certificate_file: '/etc/tls/admin.pem',
    tls_key_file: '/etc/tls/admin.pem',
    tls_client_ca_file: '/srv/clients.pem',
  });
});

test('a host of the store is a name that the server is known by', () => {
  expect(read('tls_host = "NS1.Example.NET."\nhosts = ["dns.example.net"]')).toMatchObject({
    ok: true,
    value: { admin: { tls: { host: 'ns1.example.net' }, hosts: ['ns1.example.net', 'dns.example.net'] } },
  });
});

test('what does not go together is said', () => {
  expect(problemsOf('tls_host = "a.example"\ntls_certificate_file = "x"')).toEqual([expect.stringContaining('exclude each other')]);
  expect(problemsOf('tls_key_file = "x"')).toEqual([expect.stringContaining('needs admin.tls_certificate_file')]);
  expect(problemsOf('tls_client_ca_file = "x"')).toEqual([expect.stringContaining('needs admin.tls_certificate_file or admin.tls_host')]);
  expect(problemsOf('trusted_proxies = ["proxy.example"]')).toEqual([expect.stringContaining('a network like 192.0.2.0/24')]);
});
