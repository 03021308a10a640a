/**
 * Zonemaster, which checks a zone as its parent and the world see it, pointed at servers on loopback: a root and a parent of our own
 * serve the way down, and every address that Zonemaster asks is one of the servers here, whatever it is in the zone.
 * A few lines of Perl do that; they run before zonemaster-cli and change nothing but where packets go.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Endpoint } from './exchange.ts';
import { runTool, toolPath } from './tools.ts';

/** One finding. `level`: CRITICAL, ERROR, WARNING, NOTICE or INFO. */
export interface Finding {
  readonly level: string;
  readonly module: string;
  /** `DNSSEC10`. */
  readonly testcase: string;
  readonly tag: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Who answers for which addresses, as the zones have them. */
export type Addresses = readonly (readonly [server: Endpoint, ...addresses: string[]])[];

const REDIRECT = `package Redirect;
use strict; use warnings; no warnings 'redefine';
use Zonemaster::LDNS; use Zonemaster::Engine::Nameserver; use Net::IP::XS;
my %target = map { split /=/ } split /,/, $ENV{ZONEMASTER_TARGETS};
sub plain { my $ip = Net::IP::XS->new($_[0]); $ip ? $ip->short : $_[0] }
my $new = \\&Zonemaster::LDNS::new;
*Zonemaster::LDNS::new = sub {
  my ($class, $address) = @_;
  return $new->(@_) unless defined $address;
  my ($host, $port) = split /\\//, $target{plain($address)} // '127.0.0.1/1';
  my $resolver = $new->($class, $host);
  $resolver->port($port);
  return $resolver;
};
my $query = \\&Zonemaster::Engine::Nameserver::_query;
*Zonemaster::Engine::Nameserver::_query = sub {
  my $packet = $query->(@_);
  $packet->answerfrom($_[0]->address->short) if $packet;
  return $packet;
};
1;
`;

/**
 * Everything that Zonemaster finds at \`zone\` from level INFO on. \`root\` is an address of the root's server. \`words\`: further ones, as
 * \`--ns\` and \`--ds\` in place of a delegation.
 */
export async function zonemaster(
  zone: string,
  root: string,
  addresses: Addresses,
  tests: readonly string[] = [],
  words: readonly string[] = [],
): Promise<Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-zonemaster-'));
  try {
    writeFileSync(join(folder, 'Redirect.pm'), REDIRECT);
    writeFileSync(join(folder, 'hints'), `. 3600 IN NS a.root.example.\na.root.example. 3600 IN A ${root}\n`);
    const targets = addresses.flatMap(([server, ...each]) => each.map((address) => `${address}=${server.address}/${server.port}`));
    const { code, stdout, stderr } = await runTool(
      'env',
      [
        `ZONEMASTER_TARGETS=${targets.join(',')}`,
        ...['perl', `-I${folder}`, '-MRedirect', toolPath('zonemaster-cli'), '--json', '--level', 'INFO', '--no-progress'],
        ...['--ipv4', '--ipv6', '--hints', join(folder, 'hints'), ...tests.flatMap((each) => ['--test', each]), ...words, zone],
      ],
      { timeoutMs: 120_000 },
    );
    if (code !== 0) throw new Error(`zonemaster-cli ended with ${code}\n${stdout}${stderr}`);
    // Later versions put them into an object.
    const said = JSON.parse(stdout) as Finding[] | { readonly results: Finding[] };
    return (Array.isArray(said) ? said : said.results).map((each) => ({ ...each, testcase: each.testcase.toUpperCase() }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
