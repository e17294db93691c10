import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { type DatapathPlan, type NodeAddress, tcpFlags } from '../../plan/index.ts';
import {
  constants as c,
  check,
  inNetworkNamespace,
  native,
  openStreamSocketIn,
  setOption,
  socketAddress,
} from '../../sys/index.ts';
import type { NodeAnswer, NodeCommand, WireEvent } from './node-process.ts';
import { answerMs } from './waits.ts';

/** Two nodes with two pods each and a world host, in namespaces of this process' own `/run/netns`. */
export const pods = {
  a: { name: 'a', node: 1, address: '10.244.1.10', interfaceName: 'lxcaaa', identity: 1001 },
  b: { name: 'b', node: 1, address: '10.244.1.11', interfaceName: 'lxcbbb', identity: 1002 },
  c: { name: 'c', node: 2, address: '10.244.2.10', interfaceName: 'lxcccc', identity: 1003 },
  d: { name: 'd', node: 2, address: '10.244.2.11', interfaceName: 'lxcddd', identity: 1004 },
} as const;
export type Pod = (typeof pods)[keyof typeof pods];
export const worldAddress = '203.0.113.10';

export const nodeAddress = (index: number): NodeAddress => ({
  name: `n${index}`,
  index,
  address: `172.30.0.${index}`,
  routerAddress: `10.244.${index}.1`,
  podCidr: `10.244.${index}.0/24`,
});

const netns = (name: string): string => `/run/netns/${name}`;

/** A plan without policy that knows every pod; tests change fields of it. */
export function plainPlan(node: number, change: Partial<DatapathPlan> = {}): DatapathPlan {
  const all = Object.values(pods);
  return {
    mode: 'vxlan',
    node: nodeAddress(node),
    peers: [nodeAddress(3 - node)],
    serviceCidr: '10.96.0.0/16',
    endpoints: all
      .filter((pod) => pod.node === node)
      .map(({ name, address, interfaceName, identity }) => ({
        address,
        interfaceName,
        namespace: 'default',
        podName: name,
        identity,
        enforceIngress: false,
        enforceEgress: false,
      })),
    ipcache: [
      ...all.map((pod) => ({ cidr: `${pod.address}/32`, identity: pod.identity })),
      ...[1, 2].flatMap((index) => [
        { cidr: `172.30.0.${index}/32`, identity: index === node ? 1 : 6 },
        { cidr: `10.244.${index}.1/32`, identity: index === node ? 1 : 6 },
      ]),
    ],
    policy: [],
    services: [],
    serviceRedirects: [],
    monitorAggregation: { level: 'medium', intervalSeconds: 5, flags: tcpFlags },
    ...change,
  };
}

const batch = (namespace: string | undefined, lines: readonly string[]): void => {
  const args = namespace === undefined ? ['-batch', '-'] : ['-n', namespace, '-batch', '-'];
  execFileSync('ip', args, { input: `${lines.join('\n')}\n`, stdio: ['pipe', 'ignore', 'inherit'] });
};

const linkMac = (node: number): string => `02:00:0b:00:0${node}:fe`;

/** What the cluster makes before an agent starts: namespaces, underlay, pod links. */
export function buildWorld(): void {
  const names = ['fab', 'world', 'n1', 'n2', ...Object.keys(pods)];
  batch(
    undefined,
    names.map((name) => `netns add ${name}`),
  );
  batch('fab', [
    'link add br0 type bridge',
    'link set br0 up',
    'addr add 172.30.0.254/24 dev br0',
    ...['n1', 'n2', 'world'].flatMap((name) => [
      `link add u${name} type veth peer name eth0 netns ${name}`,
      `link set u${name} master br0 up`,
    ]),
  ]);
  batch('world', [
    'link set lo up',
    'link set eth0 up',
    'addr add 172.30.0.253/24 dev eth0',
    `addr add ${worldAddress}/32 dev lo`,
  ]);
  for (const node of [1, 2]) buildNode(node);
}

function buildNode(node: number): void {
  const namespace = `n${node}`;
  inNetworkNamespace(netns(namespace), () =>
    execFileSync('sh', [
      '-c',
      'cd /proc/sys/net/ipv4; echo 1 >ip_forward; echo 0 >conf/all/rp_filter; echo 0 >conf/default/rp_filter; echo 0 >conf/eth0/rp_filter; for f in conf/*/send_redirects; do echo 0 >$f; done; echo "61000 65535" >ip_local_port_range',
    ]),
  );
  const local = Object.values(pods).filter((pod) => pod.node === node);
  batch(namespace, [
    'link set lo up',
    `addr add 172.30.0.${node}/24 dev eth0`,
    'link set eth0 up',
    'route add default via 172.30.0.254',
    `route add ${worldAddress} via 172.30.0.253`,
    `addr add 10.244.${node}.1/32 dev lo`,
    ...local.flatMap((pod, index) => [
      `link add ${pod.interfaceName} mtu 1450 address ${linkMac(node)} type veth peer name eth0 mtu 1450 address 02:00:0b:00:0${node}:0${index} netns ${pod.name}`,
      `link set ${pod.interfaceName} up`,
      `neigh add ${pod.address} lladdr 02:00:0b:00:0${node}:0${index} dev ${pod.interfaceName} nud permanent`,
      `route add ${pod.address}/32 dev ${pod.interfaceName} scope link src 10.244.${node}.1`,
    ]),
  ]);
  for (const pod of local) {
    batch(pod.name, [
      'link set lo up',
      `addr add ${pod.address}/32 dev eth0`,
      'link set eth0 up',
      `neigh add 10.244.${node}.1 lladdr ${linkMac(node)} dev eth0 nud permanent`,
      `route add 10.244.${node}.1 dev eth0 scope link`,
      `route add default via 10.244.${node}.1 dev eth0`,
    ]);
  }
}

/** The agent of a node: a process of its own in the node's namespace. */
export interface NodeHandle {
  readonly events: WireEvent[];
  call(command: NodeCommand): Promise<NodeAnswer>;
  stop(): Promise<void>;
}

export async function startNode(node: number): Promise<NodeHandle> {
  const script = path.join(import.meta.dirname, 'node-process.ts');
  const child: ChildProcess = spawn('nsenter', [`--net=${netns(`n${node}`)}`, process.execPath, script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const events: WireEvent[] = [];
  const waiting = new Map<number, (answer: NodeAnswer) => void>();
  child.on('message', (message: { id?: number; answer?: NodeAnswer; event?: WireEvent }) => {
    if (message.event) events.push(message.event);
    if (message.id !== undefined && message.answer !== undefined) waiting.get(message.id)?.(message.answer);
  });
  await once(child, 'message');
  let next = 0;
  return {
    events,
    call: (command) =>
      new Promise((resolve) => {
        const id = next++;
        waiting.set(id, resolve);
        child.send({ id, command });
      }),
    stop: async () => {
      child.disconnect();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** A server in a namespace (without a host the listen happens before the call returns) that tells each client what address it sees, then echoes. */
export function serve(namespace: string, port: number, name: string): net.Server {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.write(`${name} ${socket.remoteAddress?.replace('::ffff:', '')}\n`);
    socket.pipe(socket);
  });
  inNetworkNamespace(netns(namespace), () => server.listen({ port }));
  return server;
}

/** A connection from a namespace; resolves with the server's greeting, or `timeout` / `refused` / `reset`. */
export async function connect(
  namespace: string,
  address: string,
  port: number,
  timeoutMs = answerMs,
): Promise<Outcome> {
  const socket = new net.Socket({ fd: openStreamSocketIn(netns(namespace)) });
  const said = await new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve('timeout'), timeoutMs);
    const finish = (text: string): void => {
      clearTimeout(timer);
      resolve(text);
    };
    socket.once('data', (data) => finish(data.toString().trim()));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      finish(error.code === 'ECONNREFUSED' ? 'refused' : error.code === 'ECONNRESET' ? 'reset' : String(error.code)),
    );
    socket.connect(port, address);
  });
  socket.on('error', () => {});
  return { said, socket };
}

export interface Outcome {
  readonly said: string;
  readonly socket: net.Socket;
}

/** Whether the connection still carries data; a busy machine may take its time, so that only a refusal is worth a short wait. */
export async function echoes(socket: net.Socket, timeoutMs = 5_000): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs);
    socket.once('data', () => {
      clearTimeout(timer);
      resolve(true);
    });
    socket.write('ping');
  });
}

/** Runs a shell command in a namespace; whether it succeeded. */
export function inPod(namespace: string, command: string): boolean {
  return inNetworkNamespace(
    netns(namespace),
    () => spawnSync('sh', ['-c', command], { stdio: 'inherit' }).status === 0,
  );
}

/** Sends an ICMP echo request from a namespace; whether the answer came within a third of a second. */
export function ping(namespace: string, address: string): boolean {
  const icmp = 1;
  const fd = inNetworkNamespace(netns(namespace), () =>
    check(native.socket(c.AF_INET, c.SOCK_RAW | c.SOCK_CLOEXEC, icmp), 'socket'),
  );
  try {
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(300_000n, 8);
    setOption(fd, c.SOL_SOCKET, c.SO_RCVTIMEO, timeout);
    const request = Buffer.from('0800f7fd00010001', 'hex');
    const target = socketAddress(address, 0);
    native.sendto(fd, request, request.length, 0, target, target.length);
    return Number(native.recv(fd, Buffer.alloc(256), 256, 0)) > 0;
  } finally {
    native.close(fd);
  }
}
