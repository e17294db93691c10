import { formatIssue, type Issue, type Logger } from '../../base/index.ts';
import type { CommandLine } from '../command/line.ts';
import type { NodeIdentity } from '../config/bootstrap.ts';
import type { DrainSettings } from '../listener/drain.ts';
import type { Logs } from '../log/logs.ts';
import type { HotRestartOptions } from '../restart/restart.ts';

export interface ProxyOptions {
  /** The parsed YAML or JSON of an Envoy bootstrap file. */
  readonly bootstrap: unknown;
  /** Takes the log of every component, where `logs` does not. */
  readonly log?: Logger;
  readonly logs?: Logs;
  /** How long an access log line waits for others before it is written; default 1 s. */
  readonly logFlushMs?: number;
  /** Number of workers, each on a core of its own; default 1, which runs in this thread. */
  readonly concurrency?: number;
  /** In place of what the bootstrap says of the node. */
  readonly identity?: NodeIdentity;
  /** How connections drain; default over 600 s, with the next response of each. */
  readonly drain?: DrainSettings;
  /** The admin interface may listen at other than loopback addresses. */
  readonly adminAnyAddress?: boolean;
  /** Folders that HTTP filter modules may be loaded from; default none. */
  readonly filterModules?: readonly string[];
  /** Takes over from the process before, and hands over to the next. */
  readonly hotRestart?: HotRestartOptions | undefined;
  /** For the admin interface to show. */
  readonly commandLine?: CommandLine;
}

export interface RunningProxy {
  /** `host:port` or Unix socket path of the admin interface; undefined when the bootstrap has none. */
  readonly adminAddress: string | undefined;
  /** Addresses of a listener as bound (`127.0.0.1:15001`); empty when there is no such listener. */
  listenerAddresses(name: string): readonly string[];
  /** Whether a control plane may send more. */
  readonly discovers: boolean;
  /** Ends when listeners serve: with a control plane, when its first answers have come or are not waited for any longer. */
  live(): Promise<void>;
  /** Stops accepting, lets requests end for up to `drainMs` (5 s), writes out the access logs. */
  stop(drainMs?: number): Promise<void>;
}

/** The bootstrap cannot be put into force; `issues` says where and why. */
export class BootstrapError extends Error {
  override readonly name = 'BootstrapError';
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[]) {
    super(issues.map(formatIssue).join('\n'));
    this.issues = issues;
  }
}
