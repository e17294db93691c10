import { parseArgs } from 'node:util';
import { fail, ok, parseIp, type Result } from '../../base/index.ts';
import type { Cluster, Destination, PodName, Question } from '../../plan/index.ts';

export interface Options {
  readonly files: readonly string[];
  readonly json: boolean;
  readonly help: boolean;
  /** Of what is named without one; absent: `default`, or that of the kubeconfig's context. */
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly from: string;
  readonly to: string;
  readonly rest: Omit<Question, 'from' | 'to'>;
}

const protocols: readonly string[] = ['tcp', 'udp', 'sctp', 'icmp'];

/** The options, or what is wrong with the command line. */
export function readOptions(argv: readonly string[]): Result<Options, string> {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        port: { type: 'string', short: 'p' },
        http: { type: 'string' },
        sni: { type: 'string' },
        header: { type: 'string', short: 'H', multiple: true },
        filename: { type: 'string', short: 'f', multiple: true },
        namespace: { type: 'string', short: 'n' },
        kubeconfig: { type: 'string' },
        output: { type: 'string', short: 'o' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const base = {
      files: values.filename ?? [],
      json: values.output === 'json',
      help: values.help,
      ...(values.namespace !== undefined && { namespace: values.namespace }),
      ...(values.kubeconfig !== undefined && { kubeconfig: values.kubeconfig }),
      from: values.from ?? '',
      to: values.to ?? '',
    };
    if (values.help) return ok({ ...base, rest: { protocol: 'tcp' } });
    const [extra] = positionals;
    if (extra !== undefined) return fail(`what is "${extra}"? Options start with --`);
    if (!values.from) return fail('--from is missing');
    if (!values.to) return fail('--to is missing');
    if (values.output !== undefined && values.output !== 'json') {
      return fail(`unknown output "${values.output}"; allowed: json`);
    }
    const port = readPort(values.port);
    if (!port.ok) return port;
    const http = readHttp(values.http, values.header ?? []);
    if (!http.ok) return http;
    if (http.value && port.value.protocol !== 'tcp') return fail('--http needs a TCP port');
    const serverName = values.sni === undefined ? {} : { serverName: values.sni };
    return ok({ ...base, rest: { ...port.value, ...(http.value && { http: http.value }), ...serverName } });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

/** `8080`, `53/UDP`, `http`, `8/ICMP`. */
function readPort(text: string | undefined): Result<Pick<Question, 'port' | 'protocol'>, string> {
  if (text === undefined) return ok({ protocol: 'tcp' });
  const [name = '', protocol = 'tcp', more] = text.toLowerCase().split('/');
  if (more !== undefined || name === '') return fail(`--port ${text}: allowed is N or N/PROTOCOL`);
  if (!protocols.includes(protocol)) return fail(`--port ${text}: allowed protocols are TCP, UDP, SCTP, ICMP`);
  const known = protocol as Question['protocol'];
  if (!/^\d+$/.test(name))
    return known === 'icmp'
      ? fail(`--port ${text}: ICMP needs a type from 0 to 255`)
      : ok({ port: name, protocol: known });
  const port = Number(name);
  const [lowest, highest] = known === 'icmp' ? [0, 255] : [1, 65_535];
  if (port < lowest || port > highest) return fail(`--port ${text}: allowed is ${lowest} to ${highest}`);
  return ok({ port, protocol: known });
}

function readHttp(text: string | undefined, headers: readonly string[]): Result<Question['http'], string> {
  if (text === undefined) return headers.length > 0 ? fail('--header needs --http') : ok(undefined);
  const [method = '', path = '', more] = text.trim().split(/\s+/);
  if (!/^[A-Za-z]+$/.test(method) || !path.startsWith('/') || more !== undefined) {
    return fail(`--http ${text}: allowed is METHOD /PATH, for instance 'GET /public'`);
  }
  const read: Record<string, string> = {};
  for (const header of headers) {
    const colon = header.indexOf(':');
    const name = header.slice(0, colon).trim().toLowerCase();
    if (colon < 1 || name === '') return fail(`--header ${header}: allowed is 'NAME: VALUE'`);
    const value = header.slice(colon + 1).trim();
    read[name] = read[name] === undefined ? value : `${read[name]},${value}`;
  }
  return ok({ method: method.toUpperCase(), path, headers: read });
}

/** `[NAMESPACE/]POD`, with `pod/` before it if one likes. */
export function readPod(text: string, namespace: string): Result<PodName, string> {
  const [name, owner = namespace, more] = text
    .replace(/^pods?\/(?=.)/, '')
    .split('/')
    .reverse();
  if (!name || !owner || more !== undefined) return fail(`--from ${text}: allowed is [NAMESPACE/]POD`);
  return ok({ namespace: owner, name });
}

/**
 * An IP address, `[pod/|service/][NAMESPACE/]NAME`, or a DNS name. What says neither pod nor Service is what the cluster has
 * of that name; NAME.NAMESPACE.svc is a Service.
 */
export function readDestination(text: string, namespace: string, cluster: Cluster): Result<Destination, string> {
  if (parseIp(text)) return ok({ kind: 'address', address: text });
  const service = /^([^./]+)\.([^./]+)\.svc(?:\.cluster\.local)?\.?$/.exec(text);
  if (service) return ok({ kind: 'service', name: service[1] ?? '', namespace: service[2] ?? '' });
  const [, prefix, rest = ''] = /^(?:(pods?|services?|svc)\/)?(.+)$/.exec(text) ?? [];
  const [name, owner = namespace, more] = rest.split('/').reverse();
  if (!name || !owner || more !== undefined) {
    return fail(`--to ${text}: allowed is an address, a DNS name or [pod/|service/][NAMESPACE/]NAME`);
  }
  const named = { namespace: owner, name };
  if (prefix) return ok({ kind: prefix.startsWith('pod') ? 'pod' : 'service', ...named });
  const isOne = ({ metadata }: { readonly metadata?: { readonly namespace?: string; readonly name?: string } }) =>
    metadata?.namespace === owner && metadata.name === name;
  const [pod, isService] = [cluster.pods.some(isOne), cluster.services.some(isOne)];
  if (pod && isService)
    return fail(`--to ${text}: there is a pod and a Service of that name; write pod/${rest} or service/${rest}`);
  if (isService) return ok({ kind: 'service', ...named });
  if (!pod && !rest.includes('/') && name.includes('.')) return ok({ kind: 'name', name: name.replace(/\.$/, '') });
  return ok({ kind: 'pod', ...named });
}
