import { isIP } from 'node:net';
import { serveClusterDns } from './cluster-dns.ts';
import { watchZone } from './zone-file.ts';

/**
 * The cluster's DNS server, what the `coredns` image runs in a pod.
 * Environment: `CILIATE_DNS_ZONE` the zone's JSON file, `CILIATE_DNS_PORT` (53), `CILIATE_DNS_UPSTREAMS` resolvers
 * `address[:port]` joined by commas for names outside the zone; without these the ones that the zone's file names, which may change.
 */
const say = (level: 'info' | 'error', message: string): void => {
  process.stderr.write(
    `${JSON.stringify({ level, time: new Date().toISOString(), subsys: 'cluster-dns', msg: message })}\n`,
  );
};

const file = process.env['CILIATE_DNS_ZONE'];
const port = Number(process.env['CILIATE_DNS_PORT'] ?? '53');
const upstreams = (process.env['CILIATE_DNS_UPSTREAMS'] ?? '')
  .split(',')
  .filter((text) => text !== '')
  .map(parseUpstream);

if (file === undefined || file === '') stop('CILIATE_DNS_ZONE must name the zone file');
if (!Number.isInteger(port) || port < 0 || port > 65535) stop('CILIATE_DNS_PORT must be 0 to 65535');

const watched = watchZone(file, (message) => say('error', message));
try {
  const server = await serveClusterDns({
    port,
    address: '0.0.0.0',
    zone: watched.zone,
    get upstreams() {
      return upstreams.length > 0 ? upstreams : namedUpstreams();
    },
    onFault: (message) => say('error', message),
  });
  say('info', `serving ${watched.zone().domain} on port ${server.port}`);
} catch (error) {
  stop(error instanceof Error ? error.message : String(error));
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));

function namedUpstreams(): readonly { address: string; port: number }[] {
  return (watched.zone().upstreams ?? []).map((address) => ({ address, port: 53 }));
}

function stop(message: string): never {
  say('error', message);
  process.exit(1);
}

function parseUpstream(text: string): { address: string; port: number } {
  const [, address = '', portText = '53'] = /^\[?([0-9a-f.:]+?)\]?(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (isIP(address) === 0) stop(`CILIATE_DNS_UPSTREAMS: "${text}" is not an address with an optional port`);
  return { address, port: Number(portText) };
}
