/**
 * Asks the running server for the SOA record of a signed zone, over UDP with DO, and checks that the answer is authoritative and carries
 * a signature that is valid now. Exit code 0: healthy. For the container's HEALTHCHECK; needs nothing but Node.
 *
 *   node scripts/healthcheck.mjs [ZONE]
 *
 * ZONE, or WAXSEAL_HEALTH_ZONE: which zone. Without it, the first signed zone of the control process (over its Unix socket), and the name is
 * kept in the data directory's neighbour WAXSEAL_HEALTH_FILE, so that DNS is still checked while the control process restarts.
 * WAXSEAL_HEALTH_DNS (127.0.0.1:53), WAXSEAL_DATA (/data).
 */
import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';

const TIMEOUT_MS = 3000;
const NAME_FILE = process.env.WAXSEAL_HEALTH_FILE ?? '/tmp/waxseal-health-zone';
const TYPE_SOA = 6;
const TYPE_RRSIG = 46;

/** @param {string} text @returns {never} */
function unhealthy(text) {
  process.stderr.write(`unhealthy: ${text}\n`);
  process.exit(1);
}

/** Zones as the admin API lists them, or undefined when the control process does not answer. */
function listZones() {
  return new Promise((resolve) => {
    const socketPath = join(process.env.WAXSEAL_DATA ?? '/data', 'admin.sock');
    const call = request({ socketPath, path: '/v1/zones?limit=100', timeout: TIMEOUT_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (body += part));
      response.on('end', () => {
        if (response.statusCode !== 200) return resolve(undefined);
        const parsed = JSON.parse(body);
        resolve(Array.isArray(parsed) ? parsed : parsed.zones);
      });
    });
    call.on('error', () => resolve(undefined));
    call.on('timeout', () => call.destroy());
    call.end();
  });
}

async function chooseZone() {
  const given = process.argv[2] ?? process.env.WAXSEAL_HEALTH_ZONE;
  if (given !== undefined) return given;
  const zones = await listZones();
  if (zones === undefined) {
    try {
      return readFileSync(NAME_FILE, 'utf8');
    } catch {
      unhealthy('the control process does not answer, and no zone is known to ask for; set WAXSEAL_HEALTH_ZONE');
    }
  }
  const signed = zones.find((zone) => zone.dnssec === 'on');
  if (signed === undefined) {
    // An empty server, or one without DNSSEC, has nothing signed to ask for: it answers its API, which is what can be known.
    process.stderr.write('healthy: no signed zone yet\n');
    process.exit(0);
  }
  writeFileSync(NAME_FILE, signed.name);
  return signed.name;
}

/** @param {string} zone */
function soaQuery(zone) {
  const labels = zone.split('.').filter((label) => label !== '');
  const name = Buffer.concat([...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]), Buffer.from([0])]);
  const header = Buffer.from([(Math.random() * 256) | 0, (Math.random() * 256) | 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
  // OPT: 1232 octets, DO.
  return Buffer.concat([header, name, Buffer.from([0, TYPE_SOA, 0, 1]), Buffer.from([0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0])]);
}

/** @param {Buffer} query */
function exchange(query) {
  const target = process.env.WAXSEAL_HEALTH_DNS ?? '127.0.0.1:53';
  const colon = target.lastIndexOf(':');
  const host = target.slice(0, colon).replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    setTimeout(() => unhealthy(`no answer from ${target} within ${TIMEOUT_MS} ms`), TIMEOUT_MS);
    socket.on('error', (error) => unhealthy(`${target}: ${error.message}`));
    socket.on('message', (reply) => {
      if (reply.length >= 12 && reply.readUInt16BE(0) === query.readUInt16BE(0)) resolve(reply);
    });
    socket.send(query, Number(target.slice(colon + 1)), host);
  });
}

/** Offset after the name at `at`. @param {Buffer} message @param {number} at */
function skipName(message, at) {
  while (message[at] !== 0) {
    if ((message[at] & 0xc0) === 0xc0) return at + 2;
    at += message[at] + 1;
  }
  return at + 1;
}

/** @param {Buffer} reply @param {string} zone */
function check(reply, zone) {
  const flags = reply.readUInt16BE(2);
  if ((flags & 0x0f) !== 0) unhealthy(`rcode ${flags & 0x0f} for ${zone} SOA`);
  if ((flags & 0x0400) === 0) unhealthy(`the answer for ${zone} SOA is not authoritative`);
  let at = skipName(reply, 12) + 4;
  let hasSoa = false;
  let isSigned = false;
  const now = Math.floor(Date.now() / 1000);
  for (let each = 0; each < reply.readUInt16BE(6); each++) {
    at = skipName(reply, at);
    const type = reply.readUInt16BE(at);
    const rdata = at + 10;
    if (type === TYPE_SOA) hasSoa = true;
    // RFC 4034 §3.1: type covered at 0, expiration at 8, inception at 12.
    if (type === TYPE_RRSIG && reply.readUInt16BE(rdata) === TYPE_SOA)
      isSigned ||= reply.readUInt32BE(rdata + 8) > now && reply.readUInt32BE(rdata + 12) <= now;
    at = rdata + reply.readUInt16BE(at + 8);
  }
  if (!hasSoa) unhealthy(`no SOA record in the answer for ${zone}`);
  if (!isSigned) unhealthy(`no signature that is valid now over ${zone} SOA`);
}

const zone = await chooseZone();
check(await exchange(soaQuery(zone)), zone);
process.stderr.write(`healthy: ${zone} SOA is signed\n`);
process.exit(0);
