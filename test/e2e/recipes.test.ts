/**
 * The pages of docs/recipes/ as tests: the token is made by the command of the page, the commands of lego, certbot, lexicon and curl are run as
 * they stand there, and for programs that Debian does not have, what they send is sent with the token and address of the page.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Pebble } from '../support/acme/pebble.ts';
import { type Target, acmeSh, caddy, certManager, dnsControl, externalDns, octoDns, terraform } from '../support/powerdns-clients.ts';
import { externalDnsWebhook } from '../support/externaldns-webhook.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { toolPath } from '../support/tools.ts';

const PAGES = join(import.meta.dirname, '../../docs/recipes');
const WAXSEAL = join(import.meta.dirname, '../../waxseal');
/** As the pages have it. */
const URL_ON_PAGE = 'http://127.0.0.1:8053';
const ZONE = 'example.com.';

let server: RunningServer;
let pebble: Pebble;

beforeAll(async () => {
  server = await startServer({ workers: 1, config: '[mail]\nprobe = false\n[admin]\nexternaldns_webhook = true\n' });
  const zone = '$TTL 60\n@ SOA ns1 host 1 3600 600 86400 1\n@ NS ns1\nns1 A 192.0.2.1\nwww A 192.0.2.80\n';
  const imported = await server.api('PUT', '/v1/zones/example.com/zonefile', zone, 'text/dns');
  if (!imported.ok) throw new Error(await imported.text());
  pebble = await Pebble.start({ dns: `127.0.0.1:${server.port}`, failing: 0, rejectedNonces: 0, sleepSeconds: 0 });
});
afterAll(async () => {
  await pebble?.stop();
  await server?.stop();
});

interface Snippet {
  /** The words after the three ticks. */
  readonly kind: string;
  readonly text: string;
}

function snippetsOf(page: string): readonly Snippet[] {
  const text = readFileSync(join(PAGES, `${page}.md`), 'utf8');
  return [...text.matchAll(/^```(.*)\n([^]*?)^```$/gm)].map(([, kind = '', body = '']) => ({ kind, text: body }));
}

/** The text of the page's only snippet of this kind. */
function snippet(page: string, kind: string): string {
  const found = snippetsOf(page).filter((each) => each.kind === kind);
  if (found.length !== 1) throw new Error(`${page} has ${found.length} snippets of the kind ${kind}`);
  return found[0]!.text;
}

interface Page {
  readonly folder: string;
  readonly token: string;
  /** Runs a text of the page in its folder, with the address of the server under test; fails unless it ends well. */
  readonly sh: (text: string) => Promise<string>;
}

/** The page with its token, made by its own command, in a folder of that name. */
async function open(page: string, name = page): Promise<Page> {
  const folder = join(server.folder, name);
  mkdirSync(folder);
  const sh = (text: string) => runShell(text.replaceAll(URL_ON_PAGE, `http://127.0.0.1:${server.adminPort}`), folder);
  await sh(snippet(page, 'sh token'));
  const token = readFileSync(join(folder, 'token'), 'utf8').trim();
  return { folder, token, sh };
}

async function runShell(text: string, folder: string): Promise<string> {
  let said = '';
  const child = spawn('/bin/sh', ['-e', '-c', text.replaceAll(/^waxseal /gm, `${WAXSEAL} `)], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      WAXSEAL_SERVER: `unix:${join(server.directory, 'admin.sock')}`,
      LEGO_CA_CERTIFICATES: pebble.rootFile,
      REQUESTS_CA_BUNDLE: pebble.rootFile,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (more: string) => (said += more));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code !== 0) throw new Error(`exit code ${code}\n${text}\n${said}`);
  return said;
}

/** Certificates are asked for at pebble, which looks at our DNS; the system's resolvers know nothing of this zone. */
const withPebble = (text: string) =>
  text
    .replace(/^lego /m, `${toolPath('lego')} --server ${pebble.directory} --dns.resolvers 127.0.0.1:${server.port} --dns.disable-cp `)
    .replace(
      /^certbot /m,
      `${toolPath('certbot')} --server ${pebble.directory} --config-dir etc --work-dir lib --logs-dir log --non-interactive `,
    );

const challenges = async (): Promise<string> => await (await server.api('GET', '/v1/zones/example.com/rrsets?type=TXT')).text();

describe('programs that are there', () => {
  test('lego gets a certificate, with the PowerDNS-compatible API', { timeout: 60_000 }, async () => {
    const { sh, folder } = await open('lego');
    expect(await sh(withPebble(snippet('lego', 'sh')))).toContain('Server responded with a certificate');
    expect(readdirSync(join(folder, '.lego/certificates'))).toContain('www.example.com.crt');
    expect(await challenges()).not.toContain('_acme-challenge');
  });

  test('certbot gets a certificate with the hooks of curl; lexicon writes a record as its plugin does', { timeout: 60_000 }, async () => {
    const { sh, folder } = await open('certbot');
    for (const hook of ['auth-hook', 'cleanup-hook']) {
      const text = snippet('certbot', `sh ${hook}`).replaceAll(URL_ON_PAGE, `http://127.0.0.1:${server.adminPort}`);
      writeFileSync(join(folder, hook), text, { mode: 0o755 });
    }
    expect(await sh(withPebble(snippet('certbot', 'sh')))).toContain('Successfully received certificate');
    expect(await challenges()).not.toContain('_acme-challenge');
    await sh(snippet('certbot', 'sh lexicon'));
    expect(await challenges()).toContain('_acme-challenge.www.example.com.');
    await sh(snippet('certbot', 'sh lexicon').replace(' create ', ' delete '));
    expect(await challenges()).not.toContain('_acme-challenge');
    expect(snippet('certbot', 'ini')).toContain(`dns_powerdns_api_url = ${URL_ON_PAGE}`);
  });

  test('curl changes a record by both APIs', async () => {
    const { sh } = await open('curl');
    const [ours, theirs] = snippetsOf('curl').filter(({ kind }) => kind === 'sh');
    const addresses = async () => {
      const answer = await server.api('GET', '/v1/zones/example.com/rrsets/www/A');
      return ((await answer.json()) as { records: string[] }).records;
    };
    expect(await sh(ours!.text)).toContain('"served":true');
    expect(await addresses()).toEqual(['192.0.2.7', '192.0.2.80']);
    await sh(theirs!.text);
    expect(await addresses()).toEqual(['192.0.2.8']);
  });
});

/** By page: what its program sends, where its configuration says the server is, and which zone it is used on. */
const CLIENTS: Readonly<Record<string, readonly [(target: Target) => Promise<void>, string, string, string?]>> = {
  'acme-sh': [acmeSh, 'sh', `PDNS_Url=${URL_ON_PAGE}\n`],
  'cert-manager': [certManager, 'yaml', `host: ${URL_ON_PAGE}\n`],
  caddy: [caddy, 'caddyfile', `server_url ${URL_ON_PAGE}\n`],
  externaldns: [externalDns, 'yaml', `--pdns-server=${URL_ON_PAGE}\n`],
  octodns: [octoDns, 'yaml', 'host: 127.0.0.1\n    port: 8053\n'],
  dnscontrol: [dnsControl, 'json', `"apiUrl": "${URL_ON_PAGE}"`],
  terraform: [terraform, 'hcl', `server_url = "${URL_ON_PAGE}"`, 'tf.example.'],
};

test.each(Object.entries(CLIENTS))('%s: its requests, with the token of its page', async (page, [run, kind, address, zone = ZONE]) => {
  const { token } = await open(page);
  expect(snippet(page, kind)).toContain(address);
  await run({ url: `http://127.0.0.1:${server.adminPort}`, token, zone });
});

test('externaldns: its webhook protocol, by the URL of its page', async () => {
  const { token } = await open('externaldns', 'externaldns-webhook');
  expect(snippet('externaldns', 'toml webhook')).toContain('externaldns_webhook = true\n');
  const [, url = ''] = /--webhook-provider-url=(\S+)/.exec(snippet('externaldns', 'yaml webhook')) ?? [];
  await externalDnsWebhook(url.replace('$(TOKEN)', token).replace('8053', String(server.adminPort)), 'example.com');
});

test('each page is listed and tested', () => {
  const pages = readdirSync(PAGES).filter((file) => file !== 'README.md');
  expect(pages.map((file) => file.replace(/\.md$/, '')).toSorted()).toEqual(
    ['certbot', 'curl', 'lego', ...Object.keys(CLIENTS)].toSorted(),
  );
  const list = readFileSync(join(PAGES, 'README.md'), 'utf8');
  for (const page of pages) expect(list).toContain(`(${page})`);
});

test('a token that may only write challenges writes nothing else, and the log names it', async () => {
  const { token } = await open('lego', 'lego-again');
  const body = JSON.stringify({ rrsets: [{ name: 'www.example.com.', type: 'A', changetype: 'DELETE' }] });
  const url = `http://127.0.0.1:${server.adminPort}/api/v1/servers/localhost/zones/example.com.`;
  const answer = await fetch(url, { method: 'PATCH', headers: { 'x-api-key': token }, body });
  expect(answer.status).toBe(403);
  const lines = server
    .log()
    .split('\n')
    .filter((line) => line.includes('powerdns.rejected'));
  expect(lines.at(-1)).toContain(`"tokenId":"${token.split('_')[1]}"`);
  // The client of a token with a wrong secret is told nothing; the operator is.
  const wrong = token.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  expect((await fetch(url, { headers: { 'x-api-key': wrong } })).status).toBe(401);
  expect(await server.eventually(() => server.log().includes('its secret is wrong'), 5000)).toBe(true);
});
