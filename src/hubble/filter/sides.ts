import { type Cidr, cidrContains, fail, ok, parseCidrOrIp, type Result } from '../../base/index.ts';
import type { Endpoint, Flow, FlowFilter, NamespacedService, Workload } from '../../model/flow/index.ts';
import { compileLabelSelector } from './label-selector.ts';
import { compileFqdn } from './patterns.ts';

export type FlowTest = (flow: Flow) => boolean;
export type CompiledTests = Result<FlowTest[], string>;

/** How to read one side of a flow. */
interface SideView {
  readonly name: 'source' | 'destination';
  readonly endpoint: (flow: Flow) => Endpoint | null | undefined;
  readonly service: (flow: Flow) => NamespacedService | null | undefined;
  readonly names: (flow: Flow) => readonly string[];
  readonly port: (flow: Flow) => number | undefined;
}

const views: readonly SideView[] = [
  {
    name: 'source',
    endpoint: (flow) => flow.source,
    service: (flow) => flow.source_service,
    names: (flow) => flow.source_names ?? [],
    port: (flow) => portsOf(flow)?.source_port,
  },
  {
    name: 'destination',
    endpoint: (flow) => flow.destination,
    service: (flow) => flow.destination_service,
    names: (flow) => flow.destination_names ?? [],
    port: (flow) => portsOf(flow)?.destination_port,
  },
];

function portsOf({ l4 }: Flow): { source_port?: number; destination_port?: number } | null | undefined {
  return l4?.TCP ?? l4?.UDP ?? l4?.SCTP;
}

/** Tests for the fields that exist once for the source and once for the destination. */
export function compileSides(filter: FlowFilter): CompiledTests {
  const tests: FlowTest[] = [];
  for (const view of views) {
    const compiled = compileSide(filter, view);
    if (!compiled.ok) return compiled;
    tests.push(...compiled.value);
  }
  return addressTests(tests, filter);
}

const emptyName = 'invalid filter, name must not be empty';

function compileSide(filter: FlowFilter, view: SideView): CompiledTests {
  const tests: FlowTest[] = [];
  const field = <K extends string>(suffix: K) => filter[`${view.name}_${suffix}` as keyof FlowFilter];
  const strings = (suffix: string): readonly string[] => (field(suffix) as string[] | undefined) ?? [];

  if (strings('pod').includes('')) return fail(emptyName);
  const pods = strings('pod').map(namePrefix);
  if (pods.length > 0) {
    tests.push((flow) => {
      const { namespace = '', pod_name: pod = '' } = view.endpoint(flow) ?? {};
      return pods.some((matches) => matches(namespace, pod));
    });
  }
  if (strings('service').includes('')) return fail(`invalid ${view.name} service filter: ${emptyName}`);
  const services = strings('service').map(namePrefix);
  if (services.length > 0) {
    tests.push((flow) => {
      const { namespace = '', name = '' } = view.service(flow) ?? {};
      return services.some((matches) => matches(namespace, name));
    });
  }
  const workloads = (field('workload') as Workload[] | undefined) ?? [];
  if (workloads.length > 0) {
    tests.push((flow) => (view.endpoint(flow)?.workloads ?? []).some((found) => workloads.some(workloadTest(found))));
  }
  const clusters = new Set(strings('cluster_name'));
  if (clusters.has('')) return fail(emptyName);
  if (clusters.size > 0) tests.push((flow) => clusters.has(view.endpoint(flow)?.cluster_name ?? ''));
  const identities = new Set((field('identity') as number[] | undefined) ?? []);
  if (identities.size > 0) {
    tests.push((flow) => {
      const endpoint = view.endpoint(flow);
      return endpoint ? identities.has(endpoint.identity ?? 0) : false;
    });
  }
  return textTests(tests, view, strings);
}

/** The tests whose patterns can be wrong. */
function textTests(tests: FlowTest[], view: SideView, strings: (suffix: string) => readonly string[]): CompiledTests {
  const fqdns = collect(strings('fqdn'), compileFqdn);
  if (!fqdns.ok) return fqdns;
  if (fqdns.value.length > 0) {
    tests.push((flow) => view.names(flow).some((name) => fqdns.value.some((matches) => matches(name))));
  }
  const labels = collect(strings('label'), compileLabelSelector);
  if (!labels.ok) return fail(`invalid ${view.name} label filter: ${labels.error}`);
  if (labels.value.length > 0) {
    tests.push((flow) => labels.value.some((matches) => matches(view.endpoint(flow)?.labels ?? [])));
  }
  const ports = collect(strings('port'), compilePort);
  if (!ports.ok) return fail(`invalid ${view.name} port filter: ${ports.error}`);
  if (ports.value.length > 0) {
    tests.push((flow) => {
      const port = view.port(flow);
      return port !== undefined && ports.value.some(([low, high]) => port >= low && port <= high);
    });
  }
  return ok(tests);
}

function addressTests(tests: FlowTest[], filter: FlowFilter): CompiledTests {
  const fields: readonly [readonly string[] | undefined, (flow: Flow) => string | undefined][] = [
    [filter.source_ip, (flow) => flow.IP?.source],
    [filter.destination_ip, (flow) => flow.IP?.destination],
    [filter.source_ip_xlated, (flow) => flow.IP?.source_xlated],
  ];
  for (const [wanted = [], read] of fields) {
    if (wanted.length === 0) continue;
    const networks = collect(wanted, compileNetwork);
    if (!networks.ok) return networks;
    tests.push((flow) => {
      const text = read(flow);
      const address = text ? parseCidrOrIp(text) : undefined;
      return address !== undefined && networks.value.some((network) => cidrContains(network, address));
    });
  }
  return ok(tests);
}

function compileNetwork(text: string): Result<Cidr, string> {
  const network = parseCidrOrIp(text);
  if (network) return ok(network);
  return fail(`invalid IP ${text.includes('/') ? 'prefix' : 'address'} ${JSON.stringify(text)} in filter`);
}

/** Compiles every text; the first error wins. */
export function collect<T>(
  texts: readonly string[],
  compile: (text: string) => Result<T, string>,
): Result<T[], string> {
  const out: T[] = [];
  for (const text of texts) {
    const compiled = compile(text);
    if (!compiled.ok) return compiled;
    out.push(compiled.value);
  }
  return ok(out);
}

/** `[namespace/][prefix]`: no slash means namespace `default`, an empty namespace before the slash any namespace. */
function namePrefix(filter: string): (namespace: string, name: string) => boolean {
  const slash = filter.indexOf('/');
  const wantedNamespace = slash < 0 ? 'default' : filter.slice(0, slash);
  const prefix = filter.slice(slash + 1);
  return (namespace, name) => {
    if (namespace === '' && name === '') return false;
    return (wantedNamespace === '' || wantedNamespace === namespace) && name.startsWith(prefix);
  };
}

function workloadTest(found: Workload): (wanted: Workload) => boolean {
  return ({ name, kind }) => (!name || name === found.name) && (!kind || kind === found.kind);
}

function compilePort(text: string): Result<readonly [low: number, high: number], string> {
  const [, low, high] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const range = [Number(low), Number(high ?? low)] as const;
  return low !== undefined && range[0] <= range[1] && range[1] <= 65535
    ? ok(range)
    : fail(`invalid port ${JSON.stringify(text)}; allowed: a number up to 65535, or a range such as 8000-8080`);
}
