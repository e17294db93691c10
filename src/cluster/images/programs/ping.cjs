// ping [-c COUNT] [-w SECONDS] [-W SECONDS] [-i SECONDS] [-n] [-q] [-4] HOST: ICMP echo over IPv4, with the output of iputils.
const { randomInt } = require('node:crypto');
const { lookup } = require('node:dns/promises');
const { setTimeout: sleep } = require('node:timers/promises');
const { getSystemErrorMessage } = require('node:util');
const koffi = require('koffi');

const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int, int, int)');
const setsockopt = libc.func('int setsockopt(int, int, int, const void*, uint)');
const sendto = libc.func('long sendto(int, const void*, size_t, int, const void*, uint)');
const recv = libc.func('long recv(int, void*, size_t, int)');

const inet = 2;
const raw = 3;
const icmp = 1;
const socketLevel = 1;
const receiveTimeout = 20;
const payload = 56;
// Process numbers are those of the pod and may occur twice on a node's network.
const identifier = randomInt(0x10000);

const letters = { c: 'count', w: 'deadline', W: 'timeout', i: 'interval' };
const numbers = { count: Number.POSITIVE_INFINITY, deadline: Number.POSITIVE_INFINITY, timeout: 10, interval: 1 };
const flags = { quiet: false };
const places = [];
const words = process.argv.slice(2);
for (let word = words.shift(); word !== undefined; word = words.shift()) {
  const option = /^-([cwWi])(.*)$/.exec(word);
  if (option) {
    const name = letters[/** @type {keyof typeof letters} */ (option[1])];
    const value = Number(option[2] === '' ? words.shift() : option[2]);
    if (!(value > 0)) stop(`ping: invalid argument: -${option[1]} ${value}`);
    numbers[/** @type {keyof typeof numbers} */ (name)] = value;
  } else if (word === '-q') flags.quiet = true;
  else if (word.startsWith('-') && word !== '-n' && word !== '-4') {
    stop(`ping: unknown option ${word}; known: -c COUNT -w SECONDS -W SECONDS -i SECONDS -n -q -4`);
  } else places.push(word);
}

/** @param {Buffer} message the Internet checksum of RFC 1071 */
function checksum(message) {
  let sum = 0;
  for (let index = 0; index < message.length; index += 2) sum += message.readUInt16BE(index);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** @param {number} sequence */
function request(sequence) {
  const message = Buffer.alloc(8 + payload);
  message[0] = 8;
  message.writeUInt16BE(identifier, 4);
  message.writeUInt16BE(sequence & 0xffff, 6);
  message.writeUInt16BE(checksum(message), 2);
  return message;
}

/** @param {number} descriptor @param {number} milliseconds */
function waitAtMost(descriptor, milliseconds) {
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(Math.floor(milliseconds / 1000)), 0);
  time.writeBigInt64LE(BigInt(Math.max(1, Math.floor((milliseconds % 1000) * 1000))), 8);
  setsockopt(descriptor, socketLevel, receiveTimeout, time, time.length);
}

/** The time to live of the answer to a request; undefined when none came in time. @param {number} descriptor @param {string} address @param {number} sequence @param {number} until */
function answered(descriptor, address, sequence, until) {
  const packet = Buffer.alloc(2048);
  for (let left = until - performance.now(); left > 0; left = until - performance.now()) {
    waitAtMost(descriptor, left);
    const length = Number(recv(descriptor, packet, packet.length, 0));
    if (length <= 0) continue;
    const header = ((packet[0] ?? 0) & 15) * 4;
    const from = packet.subarray(12, 16).join('.');
    const own = packet.readUInt16BE(header + 4) === identifier;
    if (packet[header] === 0 && own && packet.readUInt16BE(header + 6) === (sequence & 0xffff) && from === address) {
      return packet[8];
    }
  }
  return undefined;
}

async function main() {
  const [host] = places;
  if (host === undefined || places.length > 1) return stop('usage: ping [-c COUNT] [-w SECONDS] [-W SECONDS] HOST');
  const found = await lookup(host, 4).catch(() => stop(`ping: ${host}: Name or service not known`));
  const { address } = found ?? { address: '' };
  const descriptor = socket(inet, raw, icmp);
  if (descriptor < 0) return stop(`ping: socket: ${getSystemErrorMessage(-koffi.errno())}`);
  console.log(`PING ${host} (${address}) ${payload}(${payload + 28}) bytes of data.`);
  const target = Buffer.from([inet, 0, 0, 0, ...address.split('.').map(Number), ...Buffer.alloc(8)]);
  const end = performance.now() + numbers.deadline * 1000;
  let sent = 0;
  let received = 0;
  while (sent < numbers.count && performance.now() < end) {
    sent++;
    const message = request(sent);
    const started = performance.now();
    const written = Number(sendto(descriptor, message, message.length, 0, target, target.length));
    if (written < 0) console.error(`ping: sendmsg: ${getSystemErrorMessage(-koffi.errno())}`);
    const until = Math.min(end, started + numbers.timeout * 1000);
    const life = written < 0 ? undefined : answered(descriptor, address, sent, until);
    if (life !== undefined) {
      received++;
      const time = (performance.now() - started).toFixed(3);
      if (!flags.quiet) {
        console.log(`${payload + 8} bytes from ${address}: icmp_seq=${sent} ttl=${life} time=${time} ms`);
      }
    }
    const next = Math.min(started + numbers.interval * 1000, end) - performance.now();
    if (sent < numbers.count && next > 0) await sleep(next);
  }
  const loss = Math.round(((sent - received) / Math.max(1, sent)) * 100);
  console.log(`\n--- ${host} ping statistics ---`);
  console.log(`${sent} packets transmitted, ${received} received, ${loss}% packet loss`);
  process.exitCode = received > 0 ? 0 : 1;
}

/** @param {string} text @returns {never} */
function stop(text) {
  console.error(text);
  process.exit(2);
}

main().catch((error) => stop(`ping: ${error.message}`));
