/**
 * `log.format = "json"`: every line that any process of `waxseal serve` writes, on stdout or stderr, is one JSON object
 * with the fields that all have and none twice. The server is driven through what it has to say.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readFolder } from '../support/architecture/sources.ts';
import { exchangeUdp } from '../support/exchange.ts';
import { doubleKeys, lineFault } from '../support/json-lines.ts';
import { type RunningServer, quietPort, runWaxseal, startServer } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-store.ts';
import { putZones } from '../support/waxseal.ts';
import { buildQuery } from '../support/wire.ts';

interface Line {
  readonly event: string;
  readonly level: string;
  readonly process: string;
  readonly msg: string;
  readonly url?: string;
}

const faults = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => (lineFault(line) === undefined ? [] : [`${lineFault(line)}: ${line}`]));
const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Line => JSON.parse(line));

const ZONE = '@ 300 SOA ns host 1 3600 600 86400 300\n@ 300 NS ns\nns 300 A 192.0.2.1\n';

/** A folder of zones of which one cannot be imported. */
function zonesFolder(): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'good.test.zone'), `$ORIGIN good.test.\n${ZONE}`);
  writeFileSync(join(folder, 'bad.test.zone'), 'www A 192.0.2.1 ; no SOA\n');
  return folder;
}

async function started(level: string): Promise<{ server: RunningServer; configFile: string; secretFile: string }> {
  const secretFile = join(temporaryFolder(), 'cookie');
  writeFileSync(secretFile, '07'.repeat(16));
  const config = `[log]\nlevel = "${level}"\nformat = "json"\nqueries = 1\n[cookies]\nsecret_file = "${secretFile}"\n[rrl]\nallow = []\nrate = 1\n`;
  const server = await startServer({ config, zones: zonesFolder() });
  onTestFinished(async () => void (await server.stop()));
  return { server, configFile: server.configFile, secretFile };
}

describe('JSON lines', () => {
  test('a whole life of the server', async () => {
    const { server, configFile, secretFile } = await started('info');
    const logged = (event: string) => server.eventually(() => server.log().includes(`"event":"${event}"`), 30_000);
    await putZones(server, [{ name: 'log.test.', text: `$ORIGIN log.test.\n${ZONE}` }], 'on');
    for (const path of ['/livez', '/readyz', '/metrics', '/v1/status', '/v1/zones', '/nothing']) await server.api('GET', path);
    await server.api('DELETE', '/v1/zones/absent.test');
    for (let each = 0; each < 40; each++) await exchangeUdp(server, [buildQuery({ name: 'log.test.', type: 'SOA' })]);
    expect(await logged('dns.query')).toBe(true);
    expect(await logged('rrl.limited')).toBe(true);
    await server.killChild('answer');
    await server.killChild('control');
    expect(await logged('store.recovered')).toBe(true);
    await server.ready();
    // A second one on the same data.
    const other = ['serve', '--data', server.directory, '--dns', `127.0.0.1:${await quietPort()}`, '--admin', 'off'];
    const second = await runWaxseal([...other, '--https', 'off']);
    expect([second.exit, faults(second.out + second.err)]).toEqual([4, []]);
    rmSync(secretFile);
    server.child.kill('SIGHUP');
    expect(await logged('cookies.refused')).toBe(true);
    expect(await logged('config.reloaded')).toBe(true);
    writeFileSync(configFile, '[log]\nformat = "json"\nqueries = -1\n');
    server.child.kill('SIGHUP');
    expect(await logged('config.refused')).toBe(true);
    expect(await server.terminate()).toBe(0);
    expect(faults(server.log())).toEqual([]);
    const lines = linesOf(server.log());
    expect([...new Set(lines.map((line) => line.event))]).toEqual(
      expect.arrayContaining([
        ...['config.refused', 'config.reloaded', 'control.ready', 'control.stopped', 'cookies.refused', 'dns.query'],
        ...['http.request', 'kek.made', 'process.confined', 'process.ended', 'rrl.limited', 'server.ready'],
        ...['store.recovered', 'zones.not-imported'],
      ]),
    );
    const processes = ['supervisor', 'control', 'answer'];
    expect(lines.map((line) => line.process)).toEqual(expect.arrayContaining(processes));
    // One line for each request that changes something; reads and probes are not at this level.
    const requests = lines.filter((line) => line.event === 'http.request').map((line) => line.msg);
    expect(requests).toEqual(['PUT /v1/zones/log.test./zonefile 201', 'DELETE /v1/zones/absent.test 404']);
  });

  test('at level debug each request has one line, probes too', async () => {
    const { server } = await started('debug');
    for (const path of ['/livez', '/metrics', '/v1/status', '/nothing?x=1']) await server.api('GET', path);
    await server.terminate();
    expect(faults(server.log())).toEqual([]);
    const asked = linesOf(server.log()).flatMap(({ event, url }) => (event === 'http.request' ? [url!] : []));
    expect(asked.filter((url) => url !== '/readyz')).toEqual(['/livez', '/metrics', '/v1/status', '/nothing?x=1']);
  });

  test.each([
    ['the configuration', ['--dns', 'localhost'], 78],
    ['an address', ['--dns', '192.0.2.1:5300'], 1],
    ['the data directory', ['--data', '/proc/waxseal', '--dns', '127.0.0.1:0'], 78],
  ])('what keeps it from starting: %s', async (_, words, exit) => {
    const finished = await runWaxseal(['serve', '--admin', 'off', '--https', 'off', ...words], { cwd: temporaryFolder() });
    expect([finished.exit, finished.out, faults(finished.err)]).toEqual([exit, '', []]);
    expect(linesOf(finished.err)).toMatchObject([{ event: 'server.not-started', level: 'fatal', process: 'supervisor' }]);
  });

  test('a control process that cannot start', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'keys'), '');
    const words = ['--data', join(folder, 'data'), '--dns', `127.0.0.1:${await quietPort()}`, '--admin', 'off', '--https', 'off'];
    const { exit, out, err } = await runWaxseal(['serve', ...words]);
    expect([exit, faults(out + err)]).toEqual([78, []]);
    expect(
      linesOf(err)
        .filter((line) => line.process !== 'answer')
        .map((line) => line.event),
    ).toContain('server.not-started');
  });

  test('in text they stay words for people', async () => {
    const environment = { WAXSEAL_LOG__FORMAT: 'text' };
    const { exit, err } = await runWaxseal(['serve', '--dns', 'localhost'], { cwd: temporaryFolder(), environment });
    expect(exit).toBe(78);
    expect(err).toMatch(/^waxseal: not started:\n {2}--dns: error: .*\[CONFIG_VALUE\]\n$/);
  });
});

test('names of events in the sources are two words or more', () => {
  const sources = readFolder('src', '.ts');
  const LITERALS = [
    /(?:\blog|#log|#warn)(?:\.\w+|\[[^\]]*\])?\(\s*'([^']*)'/g,
    /\bsay\(\s*'\w+',\s*'([^']*)'/g,
    /\bevent: '([^']*)', (?:message|method|err)\b/g,
  ];
  const calls = [...sources].flatMap(([path, text]) =>
    path.startsWith('cli/') ? [] : LITERALS.flatMap((form) => [...text.matchAll(form)].map(([, event]) => `${path}: ${event}`)),
  );
  expect(calls.length).toBeGreaterThan(25);
  expect(calls.filter((call) => !/: [a-z]+(?:-[a-z]+)*\.[a-z]+(?:-[a-z]+)*$/.test(call))).toEqual([]);
});

test('a key twice is found, and only that', () => {
  expect(doubleKeys('{"a":1,"b":{"a":[{"a":1},{"a":2}]},"c":"a\\":"}')).toEqual([]);
  expect(doubleKeys('{"a":1,"b":{"c":1,"c":2},"a":3}')).toEqual(['"c"', '"a"']);
  expect(lineFault('waxseal: hello')).toBe('no JSON');
  expect(lineFault('{"time":1,"level":1,"process":1,"pid":1,"event":1,"msg":1,"pid":2}')).toBe('"pid" twice');
  expect(lineFault('{"time":1,"level":1,"process":1,"pid":1,"event":1}')).toBe('no msg');
});
