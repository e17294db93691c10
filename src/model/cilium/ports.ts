import { type Faults, type Fields, fieldsAt, itemsAt, listAt, quoted, textAt } from './faults.ts';
import { type Depth, readDnsRules, readHttpRules, readTlsContext } from './layer7.ts';
import type { ListenerReference, PolicyPortRule, PortMatch, PortProtocol } from './policy-types.ts';

const maxPorts = 40;
const ordinaryProtocols = ['TCP', 'UDP', 'SCTP', 'ANY'];
const extendedProtocols = ['VRRP', 'IGMP', 'GRE', 'IPIP', 'IPV6', 'ESP', 'AH'];

export interface PortScope {
  readonly direction: 'ingress' | 'egress';
  readonly clusterwide: boolean;
  /** Namespace of Secrets that do not name theirs. */
  readonly namespace: string;
  readonly depth: Depth;
}

/** `toPorts` of an item; undefined when it is absent. */
export function readPortRules(
  faults: Faults,
  item: Fields,
  path: string,
  scope: PortScope,
): readonly PolicyPortRule[] | undefined {
  return itemsAt(faults, item, 'toPorts', path)?.map(({ item: rule, path: place }) =>
    readPortRule(faults, rule, place, scope),
  );
}

function readPortRule(faults: Faults, rule: Fields, path: string, scope: PortScope): PolicyPortRule {
  const rules = fieldsAt(faults, rule, 'rules', path) ?? {};
  const http = readHttpRules(faults, rules, `${path}.rules`, scope.namespace, scope.depth);
  const dns = readDnsRules(faults, rules, `${path}.rules`);
  const ports = readPorts(faults, rule, path, dns !== undefined && dns.length > 0);
  const terminatingTls = readTlsContext(faults, rule, 'terminatingTLS', path, scope.namespace);
  const originatingTls = readTlsContext(faults, rule, 'originatingTLS', path, scope.namespace);
  const serverNames = readServerNames(faults, rule, path);
  const listener = readListener(faults, rule, path, scope);
  const layer7 = http !== undefined || dns !== undefined;
  if (layer7) checkLayer7(faults, { path, ports, http: http !== undefined, dns, direction: scope.direction });
  if (layer7 && serverNames && !terminatingTls) {
    faults.add(`${path}.serverNames`, 'ServerNames are not allowed with L7 rules without TLS termination');
  }
  if (layer7 && listener) faults.add(`${path}.listener`, `Listener is not allowed with L7 rules (${listener.name})`);
  return {
    fieldPath: path,
    ports,
    // A list that is given but empty redirects and lets everything pass.
    ...(http ? { http: http.length > 0 ? http : [{ fieldPath: `${path}.rules.http`, headers: [] }] } : {}),
    ...(dns && !http ? { dns: dns.length > 0 ? dns : [{ fieldPath: `${path}.rules.dns`, matchPattern: '*' }] } : {}),
    ...(serverNames ? { serverNames } : {}),
    ...(listener ? { listener } : {}),
    ...(terminatingTls ? { terminatingTls } : {}),
    ...(originatingTls ? { originatingTls } : {}),
  };
}

interface Layer7 {
  readonly path: string;
  readonly ports: readonly PortMatch[];
  readonly http: boolean;
  readonly dns: readonly unknown[] | undefined;
  readonly direction: 'ingress' | 'egress';
}

function checkLayer7(faults: Faults, { path, ports, http, dns, direction }: Layer7): void {
  const rules = `${path}.rules`;
  if (http && dns) faults.add(rules, 'multiple L7 protocol rule types specified in single rule', 'http or dns');
  if (dns && direction === 'ingress') faults.add(`${rules}.dns`, 'L7 protocol DNS is not supported on ingress yet');
  if (dns && ports.length === 0) faults.add(`${path}.ports`, 'port 53 must be specified for DNS rules');
  for (const [position, port] of ports.entries()) {
    const place = `${path}.ports[${position}]`;
    if (port.kind === 'number' && port.port === 0)
      faults.add(`${place}.port`, 'L7 rules can not be used when a port is 0');
    if (!dns?.length && port.protocol !== 'TCP') {
      faults.add(
        `${place}.protocol`,
        `L7 rules can only apply to TCP (not ${port.protocol}) except for DNS rules`,
        'TCP',
      );
    }
  }
}

function readServerNames(faults: Faults, rule: Fields, path: string): readonly string[] | undefined {
  const names = listAt(faults, rule, 'serverNames', path);
  if (!names || names.length === 0) return undefined;
  for (const [position, name] of names.entries()) {
    const place = `${path}.serverNames[${position}]`;
    if (name === '') faults.add(place, 'empty server name is not allowed');
    else if (typeof name !== 'string' || !isServerNamePattern(name)) {
      faults.add(
        place,
        `invalid server name ${quoted(name)}`,
        'labels of letters, digits, - and _ with single *, or the labels * and **',
      );
    }
  }
  return names.filter((name) => typeof name === 'string');
}

/** Labels are `*`, `**`, or characters with wildcards that do not touch each other. */
function isServerNamePattern(name: string): boolean {
  const label = /^(?:\*\*?|\*?(?:[-a-zA-Z0-9_]+\*)*[-a-zA-Z0-9_]*)$/;
  return name.length <= 255 && name.split('.').every((part) => part !== '' && label.test(part));
}

function readListener(faults: Faults, rule: Fields, path: string, scope: PortScope): ListenerReference | undefined {
  const listener = fieldsAt(faults, rule, 'listener', path);
  if (!listener) return undefined;
  const place = `${path}.listener`;
  const name = textAt(faults, listener, 'name', place) ?? '';
  const config = fieldsAt(faults, listener, 'envoyConfig', place) ?? {};
  const kindText = textAt(faults, config, 'kind', `${place}.envoyConfig`);
  const kind = kindText || (scope.clusterwide ? 'CiliumClusterwideEnvoyConfig' : 'CiliumEnvoyConfig');
  const priority = listener['priority'];
  if (scope.direction === 'ingress') faults.add(place, `Listener is not allowed on ingress (${name})`);
  if (kind !== 'CiliumEnvoyConfig' && kind !== 'CiliumClusterwideEnvoyConfig') {
    faults.add(`${place}.envoyConfig.kind`, `unknown kind ${kind}`, 'CiliumEnvoyConfig, CiliumClusterwideEnvoyConfig');
    return undefined;
  }
  if (kind === 'CiliumEnvoyConfig' && scope.clusterwide) {
    faults.add(
      `${place}.envoyConfig.kind`,
      `Listener "${name}" in CCNP can not use Kind CiliumEnvoyConfig`,
      'CiliumClusterwideEnvoyConfig',
    );
  }
  return {
    envoyConfig: { kind, name: textAt(faults, config, 'name', `${place}.envoyConfig`) ?? '' },
    name,
    ...(typeof priority === 'number' ? { priority } : {}),
  };
}

function readPorts(faults: Faults, rule: Fields, path: string, dns: boolean): readonly PortMatch[] {
  const ports = itemsAt(faults, rule, 'ports', path) ?? [];
  if (ports.length > maxPorts) faults.add(`${path}.ports`, `too many ports, the max is ${maxPorts}`);
  return ports.flatMap(({ item, path: place }) => readPort(faults, item, place, dns) ?? []);
}

function readPort(faults: Faults, item: Fields, path: string, dns: boolean): PortMatch | undefined {
  const protocol = readProtocol(faults, item, path);
  const port = textAt(faults, item, 'port', path);
  if (port === undefined || port === '') {
    if (item['port'] === undefined || port === '')
      faults.add(`${path}.port`, 'port must be specified', '0 to 65535 or a port name, as text');
    return undefined;
  }
  if (isServiceName(port)) return { kind: 'name', protocol, name: port.toLowerCase() };
  const number = portNumber(port);
  if (typeof number === 'string') {
    faults.add(
      `${path}.port`,
      `unable to parse port: strconv.ParseUint: parsing ${quoted(port)}: ${number}`,
      '0 to 65535 or a port name',
    );
    return undefined;
  }
  if (extendedProtocols.includes(protocol) && number !== 0) faults.add(`${path}.port`, 'port must be empty or 0');
  const endPort = readEndPort(faults, item, path);
  if (dns && endPort > number) faults.add(`${path}.endPort`, 'DNS rules do not support port ranges');
  return { kind: 'number', protocol, port: number, endPort: Math.max(number, number === 0 ? 0 : endPort) };
}

function readEndPort(faults: Faults, item: Fields, path: string): number {
  const endPort = item['endPort'] ?? 0;
  if (typeof endPort === 'number' && Number.isInteger(endPort) && endPort >= 0 && endPort <= 65535) return endPort;
  faults.add(`${path}.endPort`, `found ${quoted(endPort)}`, '0 to 65535');
  return 0;
}

function readProtocol(faults: Faults, item: Fields, path: string): PortProtocol {
  const text = (textAt(faults, item, 'protocol', path) || 'ANY').toUpperCase();
  if (extendedProtocols.includes(text)) {
    faults.add(
      `${path}.protocol`,
      `protocol ${text} needs enable-extended-ip-protocols, which is off`,
      ordinaryProtocols.join(', '),
    );
  } else if (!ordinaryProtocols.includes(text)) {
    faults.add(`${path}.protocol`, `invalid protocol ${quoted(text)}`, ordinaryProtocols.join(', '));
    return 'ANY';
  }
  return text as PortProtocol;
}

/** A service name as IANA defines it: at most 15 characters, a letter among them, no hyphen at the ends or doubled. */
function isServiceName(text: string): boolean {
  return text.length <= 15 && /^[a-zA-Z0-9-]+$/.test(text) && /[a-zA-Z]/.test(text) && !/^-|-$|--/.test(text);
}

/** A port as Go parses it with any base (a leading 0 means octal), or the reason why it is none. */
function portNumber(text: string): number | 'invalid syntax' | 'value out of range' {
  if (!/^(?:0[0-7]*|[1-9]\d*)$/.test(text)) return 'invalid syntax';
  const number = /^0\d/.test(text) ? Number.parseInt(text, 8) : Number(text);
  return number <= 65535 ? number : 'value out of range';
}
