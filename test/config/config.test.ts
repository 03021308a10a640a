import { formatPlace } from '#base/place.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Config, describeConfig, loadConfig, readConfig } from '#config/config.ts';
import { type ConfigSources } from '#config/origin.ts';
import { formatIpPort } from '#base/address.ts';
import { formatDuration, parseDuration, parseSize } from '#base/units.ts';

const nothing: ConfigSources = { environment: {}, flags: {}, workingDirectory: '/here' };

function good(sources: Partial<ConfigSources>): Config {
  const config = readConfig({ ...nothing, ...sources });
  expect(config).toMatchObject({ ok: true });
  if (!config.ok) throw new Error('not reached');
  return config.value;
}

/** The problems of `text` as a file, each as `place code`. */
function bad(sources: Partial<ConfigSources>): string[] {
  const config = readConfig({ ...nothing, ...sources });
  return config.ok ? [] : config.problems.map((each) => `${formatPlace(each.at)} ${each.code} ${each.fix ?? ''}`.trim());
}

const file = (text: string) => ({ file: { path: '/etc/waxseal/waxseal.toml', text } });

describe('configuration', () => {
  test('has the defaults of npm start', () => {
    expect(describeConfig(good({}))).toEqual({
      data: '/here/data',
      process: { confine: 'auto' },
      dns: { listen: ['127.0.0.1:5300'], workers: 0, udp: 'auto', tcp: 'auto' },
      admin: {
        listen: '127.0.0.1:8053',
        zone_file_max: '268435456B',
        request_timeout: '300000ms',
        powerdns_api: true,
        externaldns_webhook: false,
        hosts: [],
        trusted_proxies: [],
      },
      https: {
        listen: ['127.0.0.1:8443'],
        addresses: [],
        key_file: '/here/keys/policy-host',
        certificate_files: [],
        self_signed: false,
        access_log: true,
      },
      acme: { directories: [] },
      mail: { name_servers: [], secondaries: 'listed', resolvers: [], probe: true, starttls_probe: true, probe_networks: [] },
      keys: { kek_file: '/here/keys/kek' },
      backup: { folder: '/here/backups', every: 'off', keep: 14 },
      cookies: { enabled: true },
      rrl: { enabled: true, rate: 50, slip: 1, dry_run: false, allow: ['127.0.0.0/8', '::1'] },
      limits: { records_per_rrset: 1000 },
      audit: { keep: '400d' },
      alerts: { webhooks: [], webhook_networks: [], command: [], syslog: 'off', rules: [] },
      check: { every: '6h' },
      log: { level: 'info', format: 'json', queries: 0 },
    });
  });

  test('has alerts; of a webhook only its host is shown', () => {
    const text =
      '[alerts]\nwebhooks = ["https://hooks.example/secret?key=1"]\nwebhook_key_file = "hook"\nwebhook_networks = ["10.0.0.0/8"]\n' +
      'command = ["/usr/bin/page", "-v"]\nsyslog = "127.0.0.1:514"\nrules = ["DNS_SLOW=off", "CERTIFICATE_ENDING=7d", "SECONDARY_BEHIND=3,2h"]\n';
    expect(describeConfig(good(file(text)))['alerts']).toEqual({
      webhooks: ['https://hooks.example/…'],
      webhook_key_file: '/etc/waxseal/hook',
      webhook_networks: ['10.0.0.0/8'],
      command: ['/usr/bin/page', '-v'],
      syslog: '127.0.0.1:514',
      rules: ['DNS_SLOW=off', 'CERTIFICATE_ENDING=604800', 'SECONDARY_BEHIND=3,2h'],
    });
  });

  test('rejects alerts that would reach no one, each with its reason', () => {
    const why = (text: string) => {
      const config = readConfig({ ...nothing, ...file(`[alerts]\n${text}\n`) });
      return config.ok ? [] : config.problems.map(({ message }) => message);
    };
    expect(why('webhooks = ["https://hooks.example/a"]')).toEqual([expect.stringContaining('needs alerts.webhook_key_file')]);
    expect(why('webhooks = ["ftp://a/"]\nwebhook_key_file = "k"')).toEqual([expect.stringContaining('is not an https: URL')]);
    const [withPassword] = why('webhooks = ["https://bot:hunter2@hooks.example/a"]\nwebhook_key_file = "k"');
    expect(withPassword).toContain('"hooks.example" has a user');
    expect(withPassword).not.toContain('hunter2');
    expect(why('webhooks = ["nonsense"]\nwebhook_key_file = "k"')).toEqual([expect.stringContaining('is not a URL')]);
    expect(why('command = ["page"]')).toEqual([expect.stringContaining('absolute path')]);
    for (const rule of ['DNS_SLOW', 'dns=1', 'DNS_SLOW=soon', 'DNS_SLOW=1,soon', 'DNS_SLOW=off,1h', 'A=1,2h,3'])
      expect(why(`rules = ["${rule}"]`)).toEqual([expect.stringContaining('is not a rule like')]);
  });

  test('has how TCP is served, from file and flags, and takes no other way', () => {
    expect(good(file('[dns]\ntcp = "epoll"')).dns.tcp).toBe('epoll');
    expect(good({ ...file('[dns]\ntcp = "epoll"'), flags: { 'dns.tcp': 'net' } }).dns.tcp).toBe('net');
    expect(bad(file('[dns]\ntcp = "mmsg"'))).toEqual(['/etc/waxseal/waxseal.toml:2 CONFIG_VALUE']);
  });

  test('has cookies and rate limits, from each of its sources', () => {
    const text =
      '[cookies]\nsecret_file = "cookie"\nprevious_secret_file = "/run/old"\n[rrl]\nrate = 7\nslip = 3\ndry_run = true\nallow = ["192.0.2.0/24"]\n';
    const { cookies, rrl } = good(file(text));
    expect(cookies).toEqual({ secretFile: '/etc/waxseal/cookie', previousSecretFile: '/run/old' });
    expect(rrl).toEqual({ rate: 7, slip: 3, dryRun: true, allow: ['192.0.2.0/24'] });
    const environment = { WAXSEAL_RRL__ALLOW: '', WAXSEAL_RRL__DRY_RUN: 'false', WAXSEAL_COOKIES__ENABLED: 'false' };
    expect(good({ ...file(text), environment })).toMatchObject({ cookies: undefined, rrl: { allow: [], dryRun: false, rate: 7 } });
    expect(describeConfig(good({ environment: { WAXSEAL_RRL__ENABLED: 'false' } }))).toMatchObject({ rrl: { enabled: false } });
  });

  test('has who is asked about mail records, from each of its sources', () => {
    const text =
      '[mail]\nname_servers = ["192.0.2.54:53"]\nresolvers = ["192.0.2.1:53", "[2001:db8::1]:5353"]\nprobe_ca_file = "ca.pem"\nprobe_networks = ["10.0.0.0/8"]\n';
    const { mail } = good(file(text));
    expect(mail).toEqual({
      nameServers: ['192.0.2.54:53'],
      secondaries: 'listed',
      resolvers: ['192.0.2.1:53', '[2001:db8::1]:5353'],
      isProbing: true,
      isLookingAtMailHosts: true,
      probeCaFile: '/etc/waxseal/ca.pem',
      probeNetworks: ['10.0.0.0/8'],
    });
    const environment = {
      WAXSEAL_MAIL__SECONDARIES: 'from-ns',
      WAXSEAL_MAIL__PROBE: 'false',
      WAXSEAL_MAIL__RESOLVERS: '127.0.0.1:53',
      WAXSEAL_MAIL__PROBE_NETWORKS: '',
    };
    expect(describeConfig(good({ ...file(text), environment }))).toMatchObject({
      mail: {
        secondaries: 'from-ns',
        resolvers: ['127.0.0.1:53'],
        probe: false,
        // Who does not want to be asked about MTA-STS from here is not asked about DANE either, unless both are said.
        starttls_probe: false,
        probe_ca_file: '/etc/waxseal/ca.pem',
        probe_networks: [],
      },
    });
    expect(good(file('[mail]\nprobe = false\nstarttls_probe = true\n')).mail).toMatchObject({
      isProbing: false,
      isLookingAtMailHosts: true,
    });
  });

  test('RFC 8310 §8.1: has recursive servers by TLS, each with its name; none of them in the clear beside', () => {
    const of = (value: string) => ({ environment: { WAXSEAL_MAIL__RESOLVERS: value } });
    const text = '[mail]\nresolver_ca_file = "dns-ca.pem"\n';
    const both = 'tls://192.0.2.1#DNS.example.net.,tls://[2001:db8::1]:8853#dns.example.net';
    const { mail } = good({ ...file(text), ...of(both) });
    expect(mail).toMatchObject({
      resolvers: ['tls://192.0.2.1:853#dns.example.net', 'tls://[2001:db8::1]:8853#dns.example.net'],
      resolverCaFile: '/etc/waxseal/dns-ca.pem',
    });
    for (const value of ['tls://192.0.2.1', 'tls://192.0.2.1#', 'tls://a.example#a.example', 'tls://192.0.2.1#a.b#c.d'])
      expect(bad(of(value))).toEqual(['WAXSEAL_MAIL__RESOLVERS CONFIG_VALUE']);
    expect(bad(of('tls://192.0.2.1#dns.example.net,192.0.2.1:53'))).toEqual(['WAXSEAL_MAIL__RESOLVERS CONFIG_VALUE']);
  });

  test('RFC 5001 §3.1: has a name for who asks, as text or octets, of 128 at most', () => {
    const nsid = (text: string) => good({ environment: { WAXSEAL_DNS__NSID: text } });
    expect([good({}).dns.nsid, nsid('').dns.nsid]).toEqual([undefined, undefined]);
    expect(nsid('fra1').dns.nsid).toBe('66726131');
    expect(nsid('0x00FF').dns.nsid).toBe('00ff');
    expect(describeConfig(nsid('fra1'))).toMatchObject({ dns: { nsid: '0x66726131' } });
    expect(nsid('x'.repeat(128)).dns.nsid).toHaveLength(256);
    for (const text of ['x'.repeat(129), `0x${'00'.repeat(129)}`, 'a\u0007b', 'ü'.repeat(65)])
      expect(bad({ environment: { WAXSEAL_DNS__NSID: text } })).toEqual(['WAXSEAL_DNS__NSID CONFIG_VALUE']);
  });

  test('has how long the audit log is kept: a day at least, or for ever', () => {
    expect(good(file('[audit]\nkeep = "90d"\n')).audit).toEqual({ keepMs: 90 * 86_400_000 });
    for (const keep of ['never', '0', '0s']) {
      const config = good({ environment: { WAXSEAL_AUDIT__KEEP: keep } });
      expect([config.audit, describeConfig(config)['audit']]).toEqual([{ keepMs: undefined }, { keep: 'never' }]);
    }
    for (const keep of ['23h', '400', 'always', '-1d', ''])
      expect(bad({ environment: { WAXSEAL_AUDIT__KEEP: keep } })).toEqual(['WAXSEAL_AUDIT__KEEP CONFIG_VALUE']);
  });

  test('has limits of zone data, within what a message holds', () => {
    const text = '[limits]\nrecords_per_rrset = 260\n';
    expect(good(file(text)).limits).toEqual({ recordsPerRrsetMax: 260 });
    const of = (value: string) => ({ environment: { WAXSEAL_LIMITS__RECORDS_PER_RRSET: value } });
    expect(describeConfig(good({ ...file(text), ...of('4096') }))).toMatchObject({ limits: { records_per_rrset: 4096 } });
    for (const value of ['4097', '15', '0', '-1', 'many'])
      expect(bad(of(value))).toEqual(['WAXSEAL_LIMITS__RECORDS_PER_RRSET CONFIG_VALUE']);
  });

  test('tells all that is wrong with it at once', () => {
    const text = '[mail]\nresolver = []\nresolvers = ["dns.example:53", "192.0.2.1"]\nprobe = "yes"\nprobe_networks = ["inside"]\n';
    expect(bad(file(text))).toEqual([
      '/etc/waxseal/waxseal.toml:2 CONFIG_KEY did you mean mail.resolvers?',
      '/etc/waxseal/waxseal.toml:4 CONFIG_VALUE',
    ]);
    expect(bad(file(text.replace('resolver = []\n', '').replace('"yes"', 'true')))).toEqual([
      '/etc/waxseal/waxseal.toml:2 CONFIG_VALUE',
      '/etc/waxseal/waxseal.toml:2 CONFIG_VALUE',
      '/etc/waxseal/waxseal.toml:4 CONFIG_VALUE',
    ]);
    expect(bad({ environment: { WAXSEAL_MAIL__RESOLVERS: Array(9).fill('192.0.2.1:53').join(',') } })).toEqual([
      'WAXSEAL_MAIL__RESOLVERS CONFIG_VALUE',
    ]);
  });

  test('has no limits that limit nothing or everything', () => {
    expect(bad({ environment: { WAXSEAL_RRL__RATE: '0' } })).toEqual(['WAXSEAL_RRL__RATE CONFIG_VALUE']);
    expect(bad({ environment: { WAXSEAL_RRL__SLIP: '0' } })).toEqual(['WAXSEAL_RRL__SLIP CONFIG_VALUE']);
    expect(bad({ environment: { WAXSEAL_RRL__ENABLED: 'yes' } })).toEqual(['WAXSEAL_RRL__ENABLED CONFIG_VALUE']);
    expect(bad({ environment: { WAXSEAL_RRL__ALLOW: '192.0.2.0/33, 192.0.2.1, ::/0, localhost' } })).toEqual([
      'WAXSEAL_RRL__ALLOW CONFIG_VALUE',
      'WAXSEAL_RRL__ALLOW CONFIG_VALUE',
    ]);
    expect(bad({ environment: { WAXSEAL_COOKIES__PREVIOUS_SECRET_FILE: 'x' } })).toEqual([
      'WAXSEAL_COOKIES__PREVIOUS_SECRET_FILE CONFIG_VALUE',
    ]);
  });

  test('is taken from file, then environment, then flags', () => {
    const text = 'data = "a"\n[dns]\nlisten = ["192.0.2.1:53", "[2001:db8::1]:53"]\nworkers = 2\n[log]\nlevel = "warn"\n';
    const environment = { WAXSEAL_DNS__WORKERS: '3', WAXSEAL_LOG__LEVEL: 'debug', PATH: '/bin' };
    const config = good({ ...file(text), environment, flags: { 'dns.workers': '4' } });
    expect(config.data).toBe('/etc/waxseal/a');
    expect(config.dns.listen.map(formatIpPort)).toEqual(['192.0.2.1:53', '[2001:db8::1]:53']);
    expect(config.dns.workers).toBe(4);
    expect(config.log.level).toBe('debug');
  });

  test('resolves paths where they were written: beside the file, or in the working directory', () => {
    const beside = (flags: Record<string, string>) => good({ ...file('[dns]\nworkers = 1'), flags }).keys;
    expect(beside({ data: '/srv/one/data' })).toEqual({ kekFile: '/srv/one/keys/kek', isKekFileGiven: false });
    const kek = file('keys.kek_file = "kek"');
    expect(good(kek).keys.kekFile).toBe('/etc/waxseal/kek');
    expect(good({ environment: { WAXSEAL_KEYS__KEK_FILE: 'kek' } }).keys.kekFile).toBe('/here/kek');
    expect(good({ flags: { data: '/var/lib/waxseal' } }).data).toBe('/var/lib/waxseal');
  });

  test('names of the admin listener are in lower case without a last dot; the PowerDNS API is there unless turned off', () => {
    expect(good({}).admin).toMatchObject({ hosts: [], powerdnsApi: true });
    expect(bad(file('[admin]\nhosts = ["dns.example.net", "https://dns.example.net/"]\n'))).toHaveLength(1);
    const text = '[admin]\nhosts = ["DNS.Example.net."]\npowerdns_api = false\n';
    expect(good(file(text)).admin).toMatchObject({ hosts: ['dns.example.net'], powerdnsApi: false });
  });

  test('turns listeners off', () => {
    const config = good({ flags: { 'admin.listen': 'off', 'https.listen': 'off' } });
    expect(config.admin.listen).toBeUndefined();
    expect(config.https.listen).toEqual([]);
  });

  test('separates a list in the environment by commas', () => {
    const config = good({ environment: { WAXSEAL_DNS__LISTEN: '127.0.0.1:53, [::1]:53' } });
    expect(config.dns.listen.map(formatIpPort)).toEqual(['127.0.0.1:53', '[::1]:53']);
  });

  test('is frozen all the way down', () => {
    const config = good({});
    expect([config, config.dns, config.dns.listen, config.dns.listen[0]].every(Object.isFrozen)).toBe(true);
  });

  test('tells unknown keys with line and suggestion, all at once', () => {
    expect(bad(file('dta = "x"\n\n[dns]\nlistne = []\nworkers = 1\n[admn]\nlisten = "x"\n'))).toEqual([
      '/etc/waxseal/waxseal.toml:1 CONFIG_KEY did you mean data?',
      '/etc/waxseal/waxseal.toml:4 CONFIG_KEY did you mean dns.listen?',
      expect.stringMatching(/^\/etc\/waxseal\/waxseal.toml:6 CONFIG_KEY known keys: data, dns.listen/),
    ]);
  });

  test('tells an unknown key of a section with the keys that there are', () => {
    expect(bad(file('[log]\nxyzzyx = 1'))).toEqual([
      '/etc/waxseal/waxseal.toml:2 CONFIG_KEY known keys: log.level, log.format, log.queries',
    ]);
  });

  test('tells wrong values by where they come from, all at once', () => {
    const environment = { WAXSEAL_DNS__UDP: 'fast' };
    const flags = { 'dns.workers': 'many', 'dns.listen': ['127.0.0.1:53'] };
    expect(bad({ ...file('[log]\nlevel = "loud"\n[admin]\nlisten = 5'), environment, flags }).toSorted()).toEqual([
      '--workers CONFIG_VALUE',
      '/etc/waxseal/waxseal.toml:2 CONFIG_VALUE',
      '/etc/waxseal/waxseal.toml:4 CONFIG_VALUE',
      'WAXSEAL_DNS__UDP CONFIG_VALUE',
    ]);
  });

  test('tells values of a wrong form', () => {
    const text = '[dns]\nlisten = ["localhost:53"]\n[admin]\nlisten = "127.0.0.1"\nzone_file_max = "64"\nrequest_timeout = "soon"\n';
    expect(bad(file(text))).toEqual([2, 4, 5, 6].map((line) => `/etc/waxseal/waxseal.toml:${line} CONFIG_VALUE`));
  });

  test('tells where TOML is broken', () => {
    expect(bad(file('[dns]\nlisten = [\n'))).toEqual([
      expect.stringMatching(/^\/etc\/waxseal\/waxseal\.toml:[0-9]+:[0-9]+ CONFIG_SYNTAX$/),
    ]);
    expect(bad(file('data = "a"\ndata = "b"\n'))).toEqual([
      expect.stringMatching(/^\/etc\/waxseal\/waxseal\.toml:2:[0-9]+ CONFIG_SYNTAX$/),
    ]);
  });

  test('tells a section that is written as a value', () => {
    expect(bad(file('dns = "127.0.0.1:53"'))).toEqual(['/etc/waxseal/waxseal.toml:1 CONFIG_VALUE write [dns] with keys below it']);
  });

  test('refuses misspelt variables but not those that Kubernetes sets for a service called waxseal', () => {
    expect(bad({ environment: { WAXSEAL_DNS__LISTN: 'x' } })).toEqual(['WAXSEAL_DNS__LISTN CONFIG_KEY did you mean dns.listen?']);
    expect(bad({ environment: { WAXSEAL_PORT: 'tcp://10.0.0.1:53', WAXSEAL_SERVICE_HOST: '10.0.0.1' } })).toEqual([]);
  });

  test('reads a named file, and refuses when it is not there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'waxseal-config-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'waxseal.toml'), 'data = "/x"');
    const load = (options: object) => loadConfig({ environment: {}, flags: {}, workingDirectory: folder, ...options });
    expect(load({})).toMatchObject({ ok: true, value: { data: '/x', file: join(folder, 'waxseal.toml') } });
    expect(load({ workingDirectory: '/' })).toMatchObject({ ok: true, value: { file: undefined } });
    expect(load({ file: 'other.toml' })).toMatchObject({ ok: false, problems: [{ code: 'CONFIG_FILE' }] });
    expect(load({ environment: { WAXSEAL_CONFIG: 'other.toml' } })).toMatchObject({ ok: false, problems: [{ code: 'CONFIG_FILE' }] });
  });
});

describe('durations and sizes', () => {
  test.each([
    ['1h30m', 5_400_000],
    ['45s', 45_000],
    ['250ms', 250],
    ['90d', 7_776_000_000],
    ['1w2d3h4m5s6ms', 788_645_006],
    ['0s', 0],
  ])('%s', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  test.each([
    [5_400_000, '1h30m'],
    [7_776_000_000, '90d'],
    [788_645_006, '9d3h4m5s6ms'],
    [0, '0s'],
  ])('%d ms is %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(['', '5', '1m1h', '-1s', '1.5h', 'h', '1 h', '1H'])('not a duration: %j', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  test.each([
    ['64MiB', 67_108_864],
    ['10MB', 10_000_000],
    ['512B', 512],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(['', '64', '64mb', 'MiB', '1.5GiB'])('not a size: %j', (text) => expect(parseSize(text)).toBeUndefined());
});
