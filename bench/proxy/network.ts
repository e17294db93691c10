import { execFileSync } from 'node:child_process';

/** A client, a server and between them the node that redirects the client's connections to a proxy of its own. */
export interface BenchNetwork extends Disposable {
  readonly client: string;
  readonly node: string;
  readonly server: string;
  readonly serverAddress: string;
  readonly clientAddress: string;
}

const clientAddress = '10.9.0.1';
const serverAddress = '10.9.1.1';

function ip(...lines: string[]): void {
  for (const line of lines) execFileSync('ip', line.split(' '), { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** `redirects`: destination port to the proxy's port on the node's loopback. Needs root. */
export function createNetwork(redirects: ReadonlyMap<number, number>): BenchNetwork {
  const base = `bench-${process.pid}`;
  const names = { client: `${base}-c`, node: `${base}-n`, server: `${base}-s` };
  const remove = (): void => {
    for (const name of Object.values(names)) {
      try {
        ip(`netns del ${name}`);
      } catch {
        // Never made.
      }
    }
  };
  try {
    for (const name of Object.values(names)) ip(`netns add ${name}`);
    for (const [name, address, link] of [
      [names.client, clientAddress, 'lxc0'],
      [names.server, serverAddress, 'lxc1'],
    ] as const) {
      ip(
        `-n ${names.node} link add ${link} type veth peer name eth0 netns ${name}`,
        `-n ${names.node} link set ${link} up`,
        `-n ${name} link set eth0 up`,
        `-n ${names.node} route add ${address}/32 dev ${link}`,
        `-n ${name} link set lo up`,
        `-n ${name} addr add ${address}/32 dev eth0`,
        `-n ${name} route add 10.9.9.9 dev eth0`,
        `-n ${name} route add default via 10.9.9.9`,
      );
    }
    ip(
      `-n ${names.node} link set lo up`,
      `-n ${names.node} addr add 10.9.9.9/32 dev lo`,
      `-n ${names.node} rule add fwmark 0x200/0xf00 lookup 2004`,
      `-n ${names.node} route add local 0.0.0.0/0 dev lo table 2004`,
    );
    const inside = ['netns', 'exec', names.node];
    execFileSync('ip', [...inside, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0']);
    execFileSync('ip', [...inside, 'nft', '-f', '-'], { input: rules(redirects) });
  } catch (error) {
    remove();
    throw error;
  }
  return { ...names, clientAddress, serverAddress, [Symbol.dispose]: remove };
}

function rules(redirects: ReadonlyMap<number, number>): string {
  const lines = [...redirects].map(([from, to]) => {
    return `iifname "lxc0" tcp dport ${from} tproxy ip to 127.0.0.1:${to} meta mark set 0x200 accept`;
  });
  return `table inet bench {
    chain pre { type filter hook prerouting priority mangle; policy accept;
      meta l4proto tcp socket transparent 1 meta mark set 0x200 accept
      ${lines.join('\n')}
    }
  }`;
}
