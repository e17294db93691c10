import dgram from 'node:dgram';
import http from 'node:http';
import { decode, encode } from 'dns-packet';

/**
 * A host beyond the machine, for the uplink's tests: HTTP on port 80 says whom it sees, DNS on port 53 gives its own address for
 * every name. Argument: its address. Says `ready` when it listens.
 */
const address = process.argv[2] ?? '';

const resolver = dgram.createSocket('udp4');
resolver.on('message', (message, client) => {
  const { id, questions = [] } = decode(message);
  const answers = questions
    .filter(({ type }) => type === 'A')
    .map(({ name }) => ({ type: 'A' as const, name, ttl: 1, data: address }));
  resolver.send(
    encode({ type: 'response', id: id ?? 0, flags: 0x80, questions, answers }),
    client.port,
    client.address,
  );
});
await new Promise<void>((resolve) => resolver.bind(53, address, resolve));
const server = http.createServer((request, response) => response.end(`seen ${request.socket.remoteAddress}\n`));
await new Promise<void>((resolve) => server.listen(80, address, resolve));
process.stdout.write('ready\n');
