import net from 'node:net';
import { pipeline } from 'node:stream';
import { clusterHome, isRunning, readRecord } from '../../embedded/index.ts';
import { connectToPod, createClient, formatApiError, type KubeClient, loadKubeConfig } from '../../kube/index.ts';
import { Fault } from './fault.ts';
import { settingOf } from './settings.ts';

export interface PortForwardFlags {
  readonly portForward?: boolean;
  readonly portForwardPort: string;
  readonly kubeContext?: string;
  readonly kubeNamespace: string;
  readonly kubeconfig?: string;
}

interface Forwarded {
  /** Where Relay is reached while it stays open. */
  readonly server: string;
  readonly close: () => void;
}

interface Service {
  readonly spec?: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly { readonly port: number; readonly targetPort?: number | string }[];
  };
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly containers?: readonly { readonly ports?: readonly ContainerPort[] }[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
}

const relay = 'hubble-relay';

/**
 * Opens a port of this machine's loopback that leads to a pod of the Service `hubble-relay`, as `cilium hubble port-forward` does. Relay of a cluster of
 * `ciliate up` is on this machine already and no pod: its own address is given. Faults as the stock command words them.
 */
export async function forwardRelay(
  flags: PortForwardFlags,
  timeoutMs: number,
  environment: NodeJS.ProcessEnv,
): Promise<Forwarded> {
  const localPort = Number(settingOf('port-forward-port', flags.portForwardPort));
  const access = loadKubeConfig(flags.kubeconfig || undefined, environment, flags.kubeContext || undefined);
  if (!access.ok) {
    const { path, message } = access.error;
    throw new Fault(`failed to create k8s port forwader: ${path === '' ? '' : `${path}: `}${message}`);
  }
  const embedded = embeddedRelay(access.value.server, environment);
  if (embedded !== undefined) return { server: embedded, close: () => undefined };
  const client = createClient(access.value);
  const stopped = new AbortController();
  const close = (): void => {
    stopped.abort();
    client.close();
  };
  try {
    const { pod, port } = await relayPod(client, flags.kubeNamespace, timeoutMs);
    const target = { namespace: flags.kubeNamespace, pod, port, signal: stopped.signal, timeoutMs };
    const listener = await listen(localPort, (socket) => void join(client, target, socket));
    stopped.signal.addEventListener('abort', () => void listener.close(), { once: true });
    return { server: `127.0.0.1:${(listener.address() as net.AddressInfo).port}`, close };
  } catch (error) {
    close();
    throw error instanceof Fault ? new Fault(`failed to port forward: ${error.message}`) : error;
  }
}

/** Where Relay of the cluster of this home is, when that is the cluster meant. */
function embeddedRelay(server: string, environment: NodeJS.ProcessEnv): string | undefined {
  const record = readRecord(clusterHome(environment));
  if (!record || !isRunning(record) || server !== `https://127.0.0.1:${record.apiPort}`) return undefined;
  return `127.0.0.1:${record.relayPort}`;
}

async function relayPod(
  client: KubeClient,
  namespace: string,
  timeoutMs: number,
): Promise<{ readonly pod: string; readonly port: number }> {
  const core = { group: '', version: 'v1', namespace };
  const service = await client.get<Service>({ ...core, resource: 'services', name: relay }, { timeoutMs });
  if (!service.ok) throw serviceFault(formatApiError(service.error));
  const { selector = {}, ports: [servicePort] = [] } = service.value.spec ?? {};
  const labels = Object.entries(selector).map(([key, value]) => `${key}=${value}`);
  if (labels.length === 0) throw serviceFault('it selects no pods');
  if (!servicePort) throw serviceFault('it has no port');
  const pods = await client.list<Pod>({ ...core, resource: 'pods' }, { labelSelector: labels.join(','), timeoutMs });
  if (!pods.ok) throw serviceFault(formatApiError(pods.error));
  const pod = pods.value.items.find(isReady) ?? pods.value.items[0];
  if (!pod) throw serviceFault(`no pods found for service: ${relay}`);
  const { port, targetPort = port } = servicePort;
  const number = typeof targetPort === 'number' ? targetPort : namedPort(pod, targetPort);
  if (number === undefined) throw serviceFault(`pod ${pod.metadata.name} has no port ${targetPort}`);
  return { pod: pod.metadata.name, port: number };
}

function serviceFault(why: string): Fault {
  return new Fault(`failed to get service "${relay}": ${why}`);
}

function isReady({ status }: Pod): boolean {
  return (status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True');
}

function namedPort({ spec }: Pod, name: string): number | undefined {
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  return ports.find((one) => one.name === name)?.containerPort;
}

function listen(port: number, take: (socket: net.Socket) => void): Promise<net.Server> {
  const listener = net.createServer(take);
  return new Promise((resolve, reject) => {
    listener.once('error', ({ code }: NodeJS.ErrnoException) => {
      const why = code === 'EADDRINUSE' ? 'address already in use; choose another with --port-forward-port' : code;
      reject(new Fault(`unable to listen on port ${port}: ${why}`));
    });
    listener.listen({ host: '127.0.0.1', port }, () => resolve(listener));
  });
}

/** What goes wrong ends the connection, which is what the client of it sees. */
async function join(client: KubeClient, target: Parameters<typeof connectToPod>[1], socket: net.Socket): Promise<void> {
  socket.on('error', () => undefined);
  const ended = (): void => void socket.destroy();
  target.signal?.addEventListener('abort', ended, { once: true });
  socket.once('close', () => target.signal?.removeEventListener('abort', ended));
  const connected = await connectToPod(client, target);
  if (!connected.ok) return ended();
  // Either side may have gone meanwhile, and a pipeline throws for what is destroyed.
  if (socket.destroyed || connected.value.destroyed) {
    ended();
    connected.value.destroy();
    return;
  }
  pipeline(socket, connected.value, socket, () => connected.value.destroy());
}
