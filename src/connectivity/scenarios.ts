import type { Action, CurlAction, Scenario, TestPod, Workloads } from './model.ts';

const echoPort = 8080;

/** Every client to every echo pod by address, on each of the paths. */
export function podToPod(name: string, paths: readonly string[]): Scenario {
  return {
    name,
    actions: ({ clients, echoes }) =>
      numbered(
        clients.flatMap((source) =>
          echoes.flatMap((echo) => paths.map((path) => (index) => curlPod(`curl-${index}`, source, echo, path))),
        ),
      ),
  };
}

function curlPod(name: string, source: TestPod, echo: TestPod, path: string): CurlAction {
  return {
    kind: 'curl',
    name,
    source,
    target: `${echo.namespace}/${echo.name} (${echo.address}:${echoPort})`,
    targetAddresses: [echo.address],
    url: `http://${echo.address}:${echoPort}${path}`,
    path,
    port: echoPort,
  };
}

/** Every client to every echo Service by name. */
export const podToService: Scenario = {
  name: 'pod-to-service',
  actions: ({ clients, services }) =>
    numbered(
      clients.flatMap((source) =>
        services.map((service) => (index): CurlAction => {
          const { namespace, address, port, backends } = service;
          return {
            kind: 'curl',
            name: `curl-${index}`,
            source,
            target: `${namespace}/${service.name} (${service.name}:${port})`,
            targetAddresses: [address, ...backends],
            url: `http://${service.name}:${port}/`,
            path: '/',
            port,
            resolves: service.name,
          };
        }),
      ),
    ),
};

export interface WorldTarget {
  readonly scheme: 'http' | 'https';
  readonly path: string;
}

/** Every client to the external target under each scheme and path. */
export function podToWorld(targets: readonly WorldTarget[]): Scenario {
  return {
    name: 'pod-to-world',
    actions: ({ clients, externalTarget }) =>
      clients.flatMap((source) =>
        targets.map(({ scheme, path }, index): CurlAction => {
          const port = scheme === 'http' ? 80 : 443;
          return {
            kind: 'curl',
            name: `${scheme}-to-${externalTarget}-${clients.indexOf(source) * targets.length + index}`,
            source,
            target: `${externalTarget} (${externalTarget}:${port})`,
            targetAddresses: undefined,
            url: `${scheme}://${externalTarget}:${port}${path}`,
            path,
            port,
            resolves: externalTarget,
          };
        }),
      ),
  };
}

/** Every client to every other one: with ping, or where the clients have none by a TCP connection that is refused. */
export const clientToClient: Scenario = {
  name: 'client-to-client',
  actions: ({ clients, ping }: Workloads) =>
    numbered(
      clients.flatMap((source) =>
        clients
          .filter((target) => target !== source)
          .map((target) => (index: number) => (ping ? pingClient : connectToClient)(index, source, target)),
      ),
    ),
};

function pingClient(index: number, source: TestPod, target: TestPod): Action {
  const { address } = target;
  return {
    kind: 'ping',
    name: `ping-${index}`,
    source,
    target: `${target.namespace}/${target.name} (${address}:0)`,
    targetAddresses: [address],
    address,
  };
}

function connectToClient(index: number, source: TestPod, target: TestPod): Action {
  return { ...curlPod(`tcp-${index}`, source, target, '/'), closedPort: true };
}

function numbered<T>(makers: readonly ((index: number) => T)[]): T[] {
  return makers.map((make, index) => make(index));
}
