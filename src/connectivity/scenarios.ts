import { authoritiesFile } from './interception.ts';
import type { Action, CurlAction, Scenario, TestPod, Workloads } from './model.ts';

const echoPort = 8080;

type LabelFilter = Readonly<Record<string, string>>;

interface PodToPodOptions {
  /** Labels that the clients must have. */
  readonly source?: LabelFilter;
  /** Labels that the echo servers must have. */
  readonly destination?: LabelFilter;
  readonly method?: 'GET' | 'POST';
}

function withLabels(pods: readonly TestPod[], wanted: LabelFilter = {}): readonly TestPod[] {
  return pods.filter(({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value));
}

/** Every client to every echo pod by address. */
export function podToPod({ source, destination, method = 'GET' }: PodToPodOptions = {}): Scenario {
  return {
    name: 'pod-to-pod',
    actions: ({ clients, echoes }) =>
      pairs(withLabels(clients, source), withLabels(echoes, destination)).map(([client, echo], index) =>
        curlPod({ name: `curl-ipv4-${index}`, source: client, echo, path: '/', method }),
      ),
  };
}

/**
 * Every client to every echo pod by address on the paths that json-mock serves: `/public`, `/private`, and this once more with the
 * header that policies ask for. `path` asks for that one alone.
 */
export function podToPodWithEndpoints(options: PodToPodOptions & { readonly path?: string } = {}): Scenario {
  const { source, destination, method = 'GET', path } = options;
  const endpoints = path
    ? [{ name: path, path: `/${path}`, headers: [] }]
    : [
        { name: 'public', path: '/public', headers: [] },
        { name: 'private', path: '/private', headers: [] },
        { name: 'privatewith-header', path: '/private', headers: [secretHeader] },
      ];
  return {
    name: 'pod-to-pod-with-endpoints',
    actions: ({ clients, echoes }) =>
      pairs(withLabels(clients, source), withLabels(echoes, destination)).flatMap(([client, echo], index) =>
        endpoints.map(({ name, ...endpoint }) =>
          curlPod({ name: `curl-ipv4-${index}-${name}`, source: client, echo, method, ...endpoint }),
        ),
      ),
  };
}

/** What `echo-ingress-l7` asks for on `/private`. */
export const secretHeader = 'X-Very-Secret-Token: 42';

interface PodRequest {
  readonly name: string;
  readonly source: TestPod;
  readonly echo: TestPod;
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: readonly string[];
}

function curlPod({ name, source, echo, path, method = 'GET', headers = [] }: PodRequest): CurlAction {
  return {
    kind: 'curl',
    name,
    source,
    target: `${echo.namespace}/${echo.name} (${echo.address}:${echoPort})`,
    targetLabels: echo.labels,
    targetAddresses: [echo.address],
    url: `http://${echo.address}:${echoPort}${path}`,
    path,
    port: echoPort,
    method,
    headers,
  };
}

/** Every node's own network to every echo pod. */
export const hostToPod: Scenario = {
  name: 'host-to-pod',
  fromHosts: true,
  actions: ({ hostPods, echoes }) =>
    pairs(hostPods, echoes).map(([source, echo], index) =>
      curlPod({ name: `curl-ipv4-${index}`, source, echo, path: '/' }),
    ),
};

/** Every client to every echo Service by name. */
export const podToService: Scenario = {
  name: 'pod-to-service',
  actions: ({ clients, services }) =>
    pairs(clients, services).map(([source, service], index) => ({
      ...plainRequest,
      source,
      name: `curl-ipv4-${index}`,
      target: `${service.namespace}/${service.name} (${service.name}:${service.port})`,
      targetAddresses: [service.address, ...service.backends],
      url: `http://${service.name}:${service.port}/`,
      port: service.port,
      resolves: service.name,
    })),
};

/** Every client to the NodePort of every echo Service: at its own node, or at the others. */
export function podToNodePort(where: 'local' | 'remote'): Scenario {
  return {
    name: `pod-to-${where}-nodeport`,
    actions: ({ clients, services, nodeAddresses }) =>
      pairs(clients, services)
        .flatMap(([source, service]) => nodeAddresses.map((node) => ({ source, service, node })))
        .filter(({ source, node }) => (source.nodeAddress === node) === (where === 'local'))
        .map(({ source, service, node }, index) => {
          const port = service.nodePort ?? 0;
          return {
            ...plainRequest,
            source,
            name: `curl-${index}`,
            target: `${service.namespace}/${service.name} (${node}:${port})`,
            targetAddresses: [node, ...service.backends],
            url: `http://${node}:${port}/`,
            port,
            translatedPort: service.port,
          };
        }),
  };
}

const plainRequest = { kind: 'curl', targetLabels: {}, path: '/', method: 'GET', headers: [] } as const;

/** Every client to the external target by HTTP, and by HTTPS on two paths. */
export const podToWorld: Scenario = {
  name: 'pod-to-world',
  actions: ({ clients, external: { target } }) =>
    clients.flatMap((source, index) => [
      curlName(`http-to-${target}-ipv4-${index}`, source, 'http', target, '/'),
      curlName(`https-to-${target}-ipv4-${index}`, source, 'https', target, '/'),
      curlName(`https-to-${target}-index-ipv4-${index}`, source, 'https', target, '/index.html'),
    ]),
};

/** Every client to the external target by HTTPS, where the certificate must be the one that the test has put in between. */
export function podToWorldWithTlsIntercept(...headers: readonly string[]): Scenario {
  return {
    name: 'pod-to-world-with-tls-intercept',
    actions: ({ clients, external: { target } }) =>
      clients.map((source, index) => intercepted(source, index, target, headers)),
  };
}

function intercepted(source: TestPod, index: number, target: string, headers: readonly string[]): CurlAction {
  const action = curlName(`https-to-${target}-${index}`, source, 'https', target, '/');
  return { ...action, headers, authorities: authoritiesFile };
}

/** The same to both external targets, of which the second has a certificate only when the first one was renewed. */
export const podToWorldWithExtraTlsIntercept: Scenario = {
  name: 'pod-to-world-with-extra-tls-intercept',
  actions: ({ clients, external: { target, otherTarget } }) =>
    clients.flatMap((source, index) =>
      [target, otherTarget].map((one) => ({ ...intercepted(source, index, one, [secretHeader]), retries: 5 })),
    ),
};

/** Every client to the other external target by HTTPS. */
export const podToWorld2: Scenario = {
  name: 'pod-to-world-2',
  actions: ({ clients, external: { otherTarget } }) =>
    clients.map((source, index) => curlName(`https-${otherTarget}-ipv4-${index}`, source, 'https', otherTarget, '/')),
};

function curlName(name: string, source: TestPod, scheme: 'http' | 'https', host: string, path: string): CurlAction {
  return { ...curlHost(name, source, scheme, host, path), targetAddresses: undefined, resolves: host };
}

/** Every client to both external addresses by HTTPS. */
export const podToCidr: Scenario = {
  name: 'pod-to-cidr',
  actions: ({ clients, external: { address, otherAddress } }) =>
    pairs([address, otherAddress], clients).map(([target, source], index) =>
      curlHost(`external-${target.replaceAll('.', '')}-${index % clients.length}`, source, 'https', target, '/'),
    ),
};

function curlHost(name: string, source: TestPod, scheme: 'http' | 'https', host: string, path: string): CurlAction {
  const port = scheme === 'http' ? 80 : 443;
  return {
    kind: 'curl',
    name,
    source,
    target: `${host} (${host}:${port})`,
    targetLabels: {},
    targetAddresses: [host],
    url: `${scheme}://${host}:${port}${path}`,
    path,
    port,
    method: 'GET',
    headers: [],
  };
}

/** Every client to every other one by ping. */
export const clientToClient: Scenario = {
  name: 'client-to-client',
  actions: ({ clients }: Workloads) =>
    pairs(clients, clients)
      .filter(([source, target]) => source !== target)
      .map(([source, target], index) =>
        ping(`ping-ipv4-${index}`, source, target.address, `${target.namespace}/${target.name}`, target.labels),
      ),
};

/** Every client to every node by ping. */
export const podToHost: Scenario = {
  name: 'pod-to-host',
  actions: ({ clients, nodeAddresses }) =>
    pairs(clients, nodeAddresses).map(([source, address]) => ping('ping-ipv4-internal-ip', source, address, '', {})),
};

function ping(name: string, source: TestPod, address: string, target: string, targetLabels: LabelFilter): Action {
  return {
    kind: 'ping',
    name,
    source,
    target: target === '' ? address : `${target} (${address}:0)`,
    targetLabels,
    targetAddresses: [address],
    address,
  };
}

function pairs<A, B>(first: readonly A[], second: readonly B[]): (readonly [A, B])[] {
  return first.flatMap((a) => second.map((b) => [a, b] as const));
}
