import { fail, type Issue, ok, type Result } from '../../base/index.ts';

/** A file and the option that names it, for error texts. */
export interface NamedFile {
  readonly option: string;
  readonly path: string;
}

/** PEM files of a server or a client: its own certificate with its key, and the authorities that the other side's certificate must come from. */
export interface TlsFiles {
  readonly certificate: NamedFile;
  readonly key: NamedFile;
  /** None at a server: clients need no certificate. */
  readonly authorities: readonly NamedFile[];
}

/** How a server is reached: in plain text (undefined) or with TLS. */
export type ServerTlsFiles = TlsFiles | undefined;

/** The relay's side of its connections to nodes: with TLS as the nodes say, always, or never. */
export interface RelayClientTls {
  readonly use: 'asNodesSay' | 'always' | 'never';
  readonly files: TlsFiles;
}

export interface RelayTls {
  readonly server: ServerTlsFiles;
  readonly client: RelayClientTls;
}

type Settings = Readonly<Record<string, unknown>>;

const nodeFiles = '/var/lib/cilium/tls/hubble';
const relayFiles = '/var/lib/hubble-relay/tls';

/**
 * TLS of a node's Hubble server from `cilium-config`: `hubble-disable-tls: "false"` asks for it, `hubble-tls-cert-file`, `hubble-tls-key-file` and
 * `hubble-tls-client-ca-files` (by commas; set but empty: clients need no certificate) name the files, which are where Cilium's Helm chart has them unless set.
 */
export function readNodeTls(data: Settings): Result<ServerTlsFiles, Issue[]> {
  const issues: Issue[] = [];
  const disabled = truth(data, 'hubble-disable-tls', issues) ?? true;
  const files: TlsFiles = {
    certificate: oneFile(data, 'hubble-tls-cert-file', `${nodeFiles}/server.crt`, issues),
    key: oneFile(data, 'hubble-tls-key-file', `${nodeFiles}/server.key`, issues),
    authorities: manyFiles(data, 'hubble-tls-client-ca-files', [`${nodeFiles}/client-ca.crt`], issues),
  };
  if (issues.length > 0) return fail(issues);
  return ok(disabled ? undefined : files);
}

/**
 * TLS of a node's Hubble metrics from `cilium-config`: `hubble-metrics-server-enable-tls: "true"` asks for it, `hubble-metrics-server-tls-cert-file`,
 * `hubble-metrics-server-tls-key-file` and `hubble-metrics-server-tls-client-ca-files` (unset: clients need no certificate) name the files. Unset, the
 * certificate is that of the node's Hubble server.
 */
export function readMetricsTls(data: Settings): Result<ServerTlsFiles, Issue[]> {
  const issues: Issue[] = [];
  const enabled = truth(data, 'hubble-metrics-server-enable-tls', issues) ?? false;
  const files: TlsFiles = {
    certificate: oneFile(data, 'hubble-metrics-server-tls-cert-file', `${nodeFiles}/server.crt`, issues),
    key: oneFile(data, 'hubble-metrics-server-tls-key-file', `${nodeFiles}/server.key`, issues),
    authorities: manyFiles(data, 'hubble-metrics-server-tls-client-ca-files', [], issues),
  };
  if (issues.length > 0) return fail(issues);
  return ok(enabled ? files : undefined);
}

/**
 * TLS of the relay from the parsed `config.yaml` of `hubble-relay-config`: `disable-server-tls: false` asks for it towards users, with `tls-relay-server-cert-file`,
 * `tls-relay-server-key-file` and `tls-relay-client-ca-files` (unset: clients need no certificate); towards nodes `disable-client-tls`,
 * `tls-hubble-client-cert-file`, `tls-hubble-client-key-file` and `tls-hubble-server-ca-files`. Files are where Cilium's Helm chart has them unless set.
 */
export function readRelayTls(config: unknown): Result<RelayTls, Issue[]> {
  if (config !== null && config !== undefined && (typeof config !== 'object' || Array.isArray(config))) {
    return fail([{ path: 'config.yaml', message: 'is not an object', allowed: 'options as key: value' }]);
  }
  const data = (config ?? {}) as Settings;
  const issues: Issue[] = [];
  const server: TlsFiles = {
    certificate: oneFile(data, 'tls-relay-server-cert-file', `${relayFiles}/server.crt`, issues),
    key: oneFile(data, 'tls-relay-server-key-file', `${relayFiles}/server.key`, issues),
    authorities: manyFiles(data, 'tls-relay-client-ca-files', [], issues),
  };
  const client: TlsFiles = {
    certificate: oneFile(data, 'tls-hubble-client-cert-file', `${relayFiles}/client.crt`, issues),
    key: oneFile(data, 'tls-hubble-client-key-file', `${relayFiles}/client.key`, issues),
    authorities: manyFiles(data, 'tls-hubble-server-ca-files', [`${relayFiles}/hubble-server-ca.crt`], issues),
  };
  if (client.authorities.length === 0) {
    issues.push({ path: 'tls-hubble-server-ca-files', message: 'is empty', allowed: 'at least one file' });
  }
  const serverDisabled = truth(data, 'disable-server-tls', issues) ?? true;
  const clientDisabled = truth(data, 'disable-client-tls', issues);
  if (issues.length > 0) return fail(issues);
  const use = clientDisabled === undefined ? 'asNodesSay' : clientDisabled ? 'never' : 'always';
  return ok({ server: serverDisabled ? undefined : server, client: { use, files: client } });
}

function truth(data: Settings, option: string, issues: Issue[]): boolean | undefined {
  const value = data[option];
  if (value === undefined || value === null || value === '') return undefined;
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  issues.push({ path: option, message: `found ${JSON.stringify(value)}`, allowed: 'true, false' });
  return undefined;
}

function oneFile(data: Settings, option: string, usual: string, issues: Issue[]): NamedFile {
  const [file] = manyFiles(data, option, [usual], issues);
  return file ?? { option, path: usual };
}

/** Paths by commas, or a list of them in YAML. */
function manyFiles(data: Settings, option: string, usual: readonly string[], issues: Issue[]): NamedFile[] {
  const value = data[option];
  const written = value === undefined || value === null ? usual : typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(written) || !written.every((one) => typeof one === 'string')) {
    issues.push({ path: option, message: `found ${JSON.stringify(value)}`, allowed: 'absolute paths of files' });
    return [];
  }
  const paths = written.map((one) => one.trim()).filter((one) => one !== '');
  for (const one of paths) {
    if (!/^\/[^\0]*[^/\0]$/.test(one)) {
      issues.push({ path: option, message: `found ${JSON.stringify(one)}`, allowed: 'an absolute path of a file' });
    }
  }
  return paths.map((path) => ({ option, path }));
}
