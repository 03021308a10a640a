/** The sections `[https]` and `[acme]`: what they mean, and what is wrong with them in words that say how to mend it. */
import { expect, test } from 'vitest';
import { describeConfig, readConfig } from '#config/config.ts';

function read(text: string) {
  const file = { path: '/etc/waxseal.toml', text };
  return readConfig({ file, environment: {}, flags: {}, workingDirectory: '/here' });
}
const problemsOf = (text: string) => {
  const config = read(text);
  return config.ok ? [] : config.problems.map(({ message }) => message);
};

test('an address is listened on without a list, "off" means nowhere', () => {
  const listen = (text: string) => {
    const config = read(`[https]\nlisten = ${text}`);
    return config.ok ? config.value.https.listen.map(({ ip, port }) => `${ip} ${port}`) : config.problems;
  };
  expect(listen('"192.0.2.1:443"')).toEqual(['192.0.2.1 443']);
  expect(listen('["0.0.0.0:443", "[::]:443"]')).toEqual(['0.0.0.0 443', ':: 443']);
  expect(listen('"off"')).toEqual([]);
  expect(listen('[]')).toEqual([]);
  expect(problemsOf('[https]\nlisten = ["off", "[::]:443"]')).toEqual([expect.stringContaining('"off"')]);
});

test('paths are relative to the file; the policy host has a key of its own beside the key-encryption key', () => {
  const config = read('data = "/srv/data"\n[https]\ncertificate_files = ["a.pem"]\naddresses = ["192.0.2.1", "2001:db8::1"]');
  expect(config).toMatchObject({
    ok: true,
    value: { https: { keyFile: '/srv/keys/policy-host', certificateFiles: ['/etc/a.pem'], addresses: ['192.0.2.1', '2001:db8::1'] } },
  });
});

test('DNS over TLS has addresses and a host, or neither', () => {
  const config = read('[dns]\ntls_listen = ["192.0.2.1:853"]\ntls_host = "NS1.Example.NET."');
  expect(config).toMatchObject({
    ok: true,
    value: { dns: { tls: { host: 'ns1.example.net', listen: [{ ip: '192.0.2.1', port: 853 }] } } },
  });
  expect(config.ok && describeConfig(config.value)['dns']).toMatchObject({ tls_listen: ['192.0.2.1:853'], tls_host: 'ns1.example.net' });
  expect(read('')).toMatchObject({ ok: true, value: { dns: { tls: undefined } } });
  expect(problemsOf('[dns]\ntls_listen = ["192.0.2.1:853"]')).toEqual([expect.stringContaining('needs dns.tls_host')]);
  expect(problemsOf('[dns]\ntls_host = "ns1.example.net"')).toEqual([expect.stringContaining('no effect without dns.tls_listen')]);
  expect(problemsOf('[dns]\ntls_listen = ["192.0.2.1"]\ntls_host = "ns1.example.net"')).toEqual([
    expect.stringContaining('dns.tls_listen[0]: "192.0.2.1" is not an address and port'),
  ]);
});

test('RFC 9567: the domain for error reports is a name, and is shown with its last dot', () => {
  expect(read('[dns]\nreport_agent = "Agent.Example.NET"')).toMatchObject({
    ok: true,
    value: { dns: { reportAgent: 'agent.example.net.' } },
  });
  expect(problemsOf('[dns]\nreport_agent = "no name"')).toEqual([expect.stringContaining('dns.report_agent')]);
});

test('what cannot be published as an address or a host is rejected', () => {
  expect(problemsOf('[https]\naddresses = ["192.0.2.256"]')).toEqual([expect.stringContaining('https.addresses[0]')]);
  expect(problemsOf('[https]\nhost = "policy_host"')).toEqual([expect.stringContaining('a host name')]);
  expect(problemsOf('[https]\nhost = "p.example.net"\naddresses = ["192.0.2.1"]')).toEqual([expect.stringContaining('exclude each other')]);
  expect(read('[https]\nhost = "Policy.Example.NET."')).toMatchObject({ value: { https: { host: 'policy.example.net' } } });
});

test('RFC 8555 §7.3: no account without an agreement to the terms of service, and none at a directory without TLS', () => {
  expect(read('')).toMatchObject({ ok: true, value: { acme: undefined } });
  expect(problemsOf('[acme]\ndirectories = ["https://ca.example/dir"]')).toEqual([expect.stringContaining('acme.terms_agreed')]);
  expect(problemsOf('[acme]\ndirectories = ["http://ca.example/dir"]\nterms_agreed = true')).toEqual([
    expect.stringContaining('https: URL'),
  ]);
  expect(problemsOf('[acme]\nprofile = "tlsserver"')).toEqual(['acme.profile needs acme.directories']);
  const external = '[acme]\ndirectories = ["https://ca.example/dir"]\nterms_agreed = true\naccount_key_id = "kid"';
  expect(problemsOf(external)).toEqual([expect.stringContaining('go together')]);
  expect(read(`${external}\naccount_key_file = "eab.key"`)).toMatchObject({
    value: { acme: { externalAccount: { keyId: 'kid', keyFile: '/etc/eab.key' } } },
  });
});
