// nslookup NAME [SERVER]: the part of the tool that people use to see whether cluster DNS answers, with the resolver's search list.
const { Resolver } = require('node:dns/promises');
const { readFileSync } = require('node:fs');

const timeoutMs = 5000;

/** @param {string} text */
function settings(text) {
  const found = { servers: /** @type {string[]} */ ([]), search: /** @type {string[]} */ ([]), dots: 1 };
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'nameserver' && rest[0]) found.servers.push(rest[0]);
    if (word === 'search') found.search = rest;
    if (word === 'options') found.dots = Number(/ndots:(\d+)/.exec(line)?.[1] ?? 1);
  }
  return found;
}

/** @param {string} name @param {{ search: string[], dots: number }} settings */
function candidates(name, { search, dots }) {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const searched = search.map((domain) => `${name}.${domain}`);
  return name.split('.').length - 1 >= dots ? [name, ...searched] : [...searched, name];
}

/** @param {Resolver} resolver @param {string} name */
async function addresses(resolver, name) {
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const first = answers[0];
  return { found, reason: first.status === 'rejected' ? String(first.reason.code) : '' };
}

async function main() {
  const [name, server] = process.argv.slice(2).filter((word) => !word.startsWith('-'));
  if (!name) return fail('usage: nslookup NAME [SERVER]');
  const local = settings(readFileSync('/etc/resolv.conf', 'utf8'));
  const used = server ?? local.servers[0];
  if (!used) return fail(';; /etc/resolv.conf names no server');
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  resolver.setServers([used]);
  console.log(`Server:\t\t${used}\nAddress:\t${used}#53\n`);
  let reason = 'ENOTFOUND';
  for (const candidate of candidates(name, local)) {
    const answer = await addresses(resolver, candidate);
    if (answer.found.length > 0) {
      for (const address of answer.found) console.log(`Name:\t${candidate}\nAddress: ${address}`);
      return;
    }
    reason = answer.reason;
    if (reason !== 'ENOTFOUND' && reason !== 'ENODATA') break;
  }
  if (reason === 'ENOTFOUND' || reason === 'ENODATA') return fail(`** server can't find ${name}: NXDOMAIN\n`);
  fail(`;; communications error to ${used}#53: ${reason === 'ETIMEOUT' ? 'timed out' : reason}`);
}

/** @param {string} text */
function fail(text) {
  console.log(text);
  process.exitCode = 1;
}

main().catch((error) => fail(`nslookup: ${error.message}`));
