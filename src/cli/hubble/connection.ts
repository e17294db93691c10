import type { Command } from 'commander';
import { parseDuration } from '../../base/index.ts';
import {
  type ClientTls,
  createHubbleClient,
  HubbleCallError,
  type HubbleClient,
  invalidArgument,
} from '../../hubble/index.ts';
import type { CommandIo } from '../io.ts';
import { Fault } from './fault.ts';
import type { PortForwardFlags } from './port-forward.ts';
import { clientTlsOf, type TlsFlags } from './tls.ts';

const defaultServer = 'localhost:4245';

/** Adds the flags that say where the server is. */
export function addServerFlags(command: Command): Command {
  return command
    .option('--server <address>', 'address of a Hubble Relay or Observer', defaultServer)
    .option('--timeout <duration>', 'time to connect', '5s')
    .option('--request-timeout <duration>', 'time for one request', '12s')
    .option('--tls', 'connect with TLS; also with a server that begins with tls://')
    .option('--tls-allow-insecure', 'do not verify the certificate of the server')
    .option('--tls-ca-cert-files <files>', 'certificates of the authorities to trust, PEM, joined by commas', joinLists)
    .option('--tls-client-cert-file <file>', 'client certificate, PEM')
    .option('--tls-client-key-file <file>', 'private key of the client certificate, PEM')
    .option('--tls-server-name <name>', 'name to verify the certificate of the server against')
    .option('--basic-auth-username <name>', 'user name for basic authentication')
    .option('--basic-auth-password <password>', 'password for basic authentication')
    .option('-P, --port-forward', 'reach the hubble-relay Service of the cluster through its API server')
    .option('--port-forward-port <port>', 'local port for that, 0 for any', '4245')
    .option('--kube-context <name>', 'context of the kubeconfig for that')
    .option('--kube-namespace <name>', 'namespace of the hubble-relay Service', 'kube-system')
    .option('--kubeconfig <file>', 'kubeconfig for that')
    .option('--config <file>', 'config file')
    .option('-D, --debug', 'print every node status');
}

export interface ServerFlags extends TlsFlags, PortForwardFlags {
  readonly server: string;
  readonly timeout: string;
  readonly requestTimeout: string;
  readonly basicAuthUsername?: string;
  readonly basicAuthPassword?: string;
}

function joinLists(value: string, before: string | undefined): string {
  return before === undefined ? value : `${before},${value}`;
}

interface CheckedServer {
  readonly server: string;
  readonly timeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly tls?: ClientTls;
  readonly basicAuth?: { readonly username: string; readonly password: string };
}

/** Faults what is wrong in the flags, and reads the files that they name. */
export function checkServerFlags(flags: ServerFlags): CheckedServer {
  const { basicAuthUsername: username = '', basicAuthPassword: password = '' } = flags;
  if ((username === '') !== (password === '')) {
    throw new Fault('invalid flag(s): must specify both basic-auth-username and basic-auth-password');
  }
  const timeoutMs = milliseconds('timeout', flags.timeout);
  const requestTimeoutMs = milliseconds('request-timeout', flags.requestTimeout);
  const tls = clientTlsOf(flags);
  const server = flags.server.replace(/^tls:\/\//, '');
  if (server === '')
    throw new Fault('invalid --server value: empty; allowed: host:port, tls://host:port or unix:///path');
  return {
    server,
    timeoutMs,
    requestTimeoutMs,
    ...(tls && { tls }),
    ...(username !== '' && { basicAuth: { username, password } }),
  };
}

/** Connects as the flags say and hands the client to `use`, with the address that it is connected to; closes it afterwards. Failures become one-line faults. */
export async function withClient<T>(
  flags: ServerFlags,
  io: CommandIo,
  use: (client: HubbleClient, server: string) => Promise<T>,
): Promise<T> {
  const checked = checkServerFlags(flags);
  if (!flags.portForward) return withConnected(checked, (client) => use(client, flags.server));
  const { forwardRelay } = await import('./port-forward.ts');
  const { server, close } = await forwardRelay(flags, checked.timeoutMs, io.environment);
  try {
    return await withConnected({ ...checked, server }, (client) => use(client, server));
  } finally {
    close();
  }
}

async function withConnected<T>(checked: CheckedServer, use: (client: HubbleClient) => Promise<T>): Promise<T> {
  const client = await createHubbleClient(checked);
  try {
    await client.connect();
    return await use(client);
  } catch (error) {
    throw error instanceof HubbleCallError ? new Fault(callFault(error)) : error;
  } finally {
    client.close();
  }
}

/** A failed call as Go prints it: with the name of its code, but for UNKNOWN and where there was no call. */
function callFault({ code, message, connecting }: HubbleCallError): string {
  const name = codeNames[code];
  return connecting || name === undefined ? message : `rpc error: code = ${name} desc = ${message}`;
}

/** The codes that gRPC for Go writes so. */
const codeNames: Readonly<Record<number, string>> = {
  3: 'InvalidArgument',
  4: 'DeadlineExceeded',
  5: 'NotFound',
  6: 'AlreadyExists',
  7: 'PermissionDenied',
  8: 'ResourceExhausted',
  9: 'FailedPrecondition',
  10: 'Aborted',
  11: 'OutOfRange',
  12: 'Unimplemented',
  13: 'Internal',
  14: 'Unavailable',
  15: 'DataLoss',
  16: 'Unauthenticated',
};

function milliseconds(flag: string, text: string): number {
  const duration = parseDuration(text);
  if (duration === undefined || duration <= 0n) {
    const why = `time: invalid duration ${JSON.stringify(text)}; allowed: a duration such as 5s`;
    throw invalidArgument(`--${flag}`, text, why);
  }
  return Number(duration / 1_000_000n);
}
